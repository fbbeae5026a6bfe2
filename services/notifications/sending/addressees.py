"""The recipient of a delivery: a contact, or the person behind a registration."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.notifications.sending.domain import Missing, NotToBeSent
from services.notifications.sending.references import References
from shared.email_address import to_wire
from shared.mongo.aggregates import Document
from shared.schemas import LANGUAGES
from shared.secrets import Secrets

DEFAULT_LANGUAGE = "fi"


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """`person` has the fields that a text can show; `email` has the form that mail servers take."""

    person: Mapping[str, Any]
    email: str
    language: str
    contact: Document | None = None

    @property
    def name(self) -> str:
        names = (self.person.get("given_name"), self.person.get("family_name"))
        return " ".join(name for name in names if name)


def addressee_of(delivery: Document, references: References, secrets: Secrets) -> Addressee | Missing | NotToBeSent:
    """The recipient, or the reason why the delivery has none."""
    try:
        sealed = delivery["personalisation"].get("test_to")
        if sealed:
            return _addressee({"email": secrets.unseal(sealed)}, delivery["language"])
        if delivery["personalisation"].get("staff_id"):
            return _staff(references.staff.get(delivery["personalisation"]["staff_id"]))
        if delivery["contact_id"]:
            return _contact(references.contacts.get(delivery["contact_id"]), delivery["language"])
        return _registrant(references.registrations.get(delivery["registration_id"]), delivery["language"], secrets)
    except (ValueError, AttributeError, TypeError):
        return NotToBeSent(state="failed", error="unreadable_recipient")


def _staff(member: Document | None) -> Addressee | NotToBeSent:
    if member is None:
        return NotToBeSent(state="cancelled", error="erased")
    person = {"given_name": member["name"], "email": member["email"], "language": member["language"]}
    return _addressee(person, None)


def _contact(contact: Document | None, fallback: str | None) -> Addressee | Missing | NotToBeSent:
    if contact is None:
        return Missing(what="recipient")
    if contact.get("erased"):
        return NotToBeSent(state="cancelled", error="erased")
    return _addressee(contact, fallback, contact=contact)


def _registrant(
    registration: Document | None, fallback: str | None, secrets: Secrets
) -> Addressee | Missing | NotToBeSent:
    if registration is None:
        return Missing(what="recipient")
    if registration.get("erased") or not registration.get("person_sealed"):
        return NotToBeSent(state="cancelled", error="erased")
    return _addressee(json.loads(secrets.unseal(registration["person_sealed"])), fallback)


def _addressee(
    person: Mapping[str, Any], fallback: str | None, *, contact: Document | None = None
) -> Addressee | NotToBeSent:
    if not person.get("email"):
        return NotToBeSent(state="failed", error="no_address")
    languages = (person.get("language"), fallback, DEFAULT_LANGUAGE)
    return Addressee(
        person={**person, "given_name": person.get("given_name") or "", "family_name": person.get("family_name") or ""},
        email=to_wire(person["email"]),
        language=next(language for language in languages if language in LANGUAGES),
        contact=contact,
    )
