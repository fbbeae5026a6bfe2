"""The links in e-mails, and how often one address may call them."""

from collections.abc import Mapping
from typing import Any

from shared.http.limits import Bucket
from shared.secrets import LINK_GRACE, Secrets

# What the links are signed for, and the part of their address after /public/: notifications signs the same words.
REGISTRATION_LINK = "registrations"
INVITATION_LINK = "invitations"
CALENDAR_LINK = "calendars"
READING, WRITING = Bucket(burst=120, per_second=2), Bucket(burst=60, per_second=1)


def registration_token(secrets: Secrets, registration_id: str, event: Mapping[str, Any]) -> str:
    """The token of a registration's link, good until some time after the event."""
    return secrets.sign(REGISTRATION_LINK, registration_id, expires_at=event["ends_at"] + LINK_GRACE)
