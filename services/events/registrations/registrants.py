"""Who wants a place: a contact of the network, or a person who is none."""

import json
from dataclasses import dataclass
from typing import Any

from services.events.projections import CONTACTS, ENROLMENTS
from services.events.registrations.domain import ENROLLED
from shared.email_address import normalise_email
from shared.errors import NotArrivedYet
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.secrets import Secrets

PURPOSE = "person"


@dataclass(frozen=True, kw_only=True)
class Registrant:
    """`keys` are what they are recognised by; `sealed` is a person who is no contact, encrypted.

    `address_key` is the keyed hash of their e-mail address, by which mails to it are counted.
    """

    contact_id: str | None
    organisation_id: str | None
    role: str | None
    language: str
    keys: list[str]
    sealed: str | None = None
    address_key: str | None = None

    def fields(self) -> Document:
        """What the registration keeps of them."""
        return {
            "contact_id": self.contact_id,
            "organisation_id": self.organisation_id,
            "role": self.role,
            "language": self.language,
            "person_keys": self.keys,
            "person_sealed": self.sealed,
            "address_key": self.address_key,
        }


def find_registrant(db: Database, secrets: Secrets, body: dict[str, Any]) -> Registrant:
    """The contact of `contact_id`, or of the person's e-mail address, else the person.

    Raises NotArrivedYet for a contact that is not known here.
    """
    if "contact_id" in body:
        contact = find_contact(db, body["contact_id"])
        if contact is None:
            raise NotArrivedYet("contact_id", "contact")
        return _contact(secrets, contact)
    person = body["person"]
    email = normalise_email(person["email"])
    contact = db[CONTACTS.collection].find_one({"email": email})
    if contact is not None and not contact.get("merged_into"):
        return _contact(secrets, contact)
    keys = secrets.fingerprints(PURPOSE, email)
    return Registrant(
        contact_id=None,
        organisation_id=None,
        role=None,
        language=person["language"],
        keys=keys,
        address_key=keys[0],
        sealed=secrets.seal(json.dumps(person, ensure_ascii=False)),
    )


def find_contact(db: Database, identifier: str) -> Document | None:
    """The copy of a contact, or of the one that it was merged into; None when it is unknown or erased."""
    contact = unless_erased(db[CONTACTS.collection].find_one({"_id": identifier}))
    if contact is not None and contact.get("merged_into"):
        return unless_erased(db[CONTACTS.collection].find_one({"_id": contact["merged_into"]}))
    return contact


def takes_part(uow: UnitOfWork, organisation_id: str | None, season_id: str | None) -> bool:
    """Whether the organisation takes part in the season, as far as is known here."""
    query = {"season_id": season_id, "organisation_id": organisation_id, "state": {"$in": list(ENROLLED)}}
    return bool(organisation_id and uow.find_one(ENROLMENTS.collection, query, projection={"_id": 1}))


def person_of(secrets: Secrets, registration: Document) -> dict[str, Any] | None:
    """The person who is no contact, as they gave themselves; None for a contact's registration."""
    sealed = registration.get("person_sealed")
    person: dict[str, Any] | None = json.loads(secrets.unseal(sealed)) if sealed else None
    return person


def _contact(secrets: Secrets, contact: Document) -> Registrant:
    email = contact.get("email")
    of_address = secrets.fingerprints(PURPOSE, email) if email else []
    return Registrant(
        contact_id=contact["_id"],
        organisation_id=contact.get("organisation_id"),
        role=contact.get("role"),
        language=contact.get("language") or "fi",
        keys=[contact["_id"], *of_address],
        address_key=of_address[0] if of_address else None,
    )
