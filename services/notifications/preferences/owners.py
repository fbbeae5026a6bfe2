"""Whose choices they are: a contact's, or those of a person who registered without being a contact.

A contact's stand under the contact's id. A stranger's stand under a keyed hash of their address, so that they hold for
all of their registrations and tell nobody who it is.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.notifications.projections import CONTACTS, REGISTRATIONS
from shared.email_address import normalise_email
from shared.errors import NotFound
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.secrets import Secrets

FIRST = "registration:"
Find = Callable[[str, Document], Document | None]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """`ids` are where the choices may stand, the first is where new ones go."""

    ids: Sequence[str]
    language: str | None


def name_in_link(contact_id: str | None, registration_id: str | None) -> str | None:
    """What the link in a mail is signed for; None where there is nobody to choose."""
    return contact_id or (f"{FIRST}{registration_id}" if registration_id else None)


def address_ids(secrets: Secrets, email: str) -> list[str]:
    """Where the choices of the stranger with this address stand."""
    return secrets.fingerprints("preferences", normalise_email(email))


def owner_of(find_one: Find, secrets: Secrets, name: str) -> Owner:
    """The owner whom a link names. Raises NotFound for one who was erased or is not known."""
    if not name.startswith(FIRST):
        contact = unless_erased(find_one(CONTACTS.collection, {"_id": name}))
        if contact is None:
            raise NotFound("contact", name)
        return Owner(ids=[name], language=contact.get("language"))
    registration = unless_erased(find_one(REGISTRATIONS.collection, {"_id": name.removeprefix(FIRST)}))
    if registration is None or not registration.get("person_sealed"):
        raise NotFound("registration", name.removeprefix(FIRST))
    person = json.loads(secrets.unseal(registration["person_sealed"]))
    return Owner(ids=address_ids(secrets, person["email"]), language=person.get("language"))
