"""The person who asks for a seat, a contact or not; and the limit of e-mails that strangers can cause to an address."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import IndexModel, UpdateOne

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

# A chain of merges is as long as there are contacts of one person.
LONGEST_CHAIN = 20
# Anybody can have an address there: the only contact who has one tells nothing about the next person.
MAILBOXES = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "hotmail.com",
        "hotmail.fi",
        "outlook.com",
        "live.com",
        "live.fi",
        "msn.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "luukku.com",
        "kolumbus.fi",
        "elisanet.fi",
        "saunalahti.fi",
        "welho.com",
        "netti.fi",
        "suomi24.fi",
        "pp.inet.fi",
        "proton.me",
        "protonmail.com",
        "gmx.com",
        "gmx.net",
        "mail.com",
    ]
)
MAILS = "public_mails"
MAILS_INDEXES = [IndexModel("expires_at", name="ttl", expireAfterSeconds=0)]

# The public form takes any address. Without a limit a stranger could send mails to it without end.
MOST_AN_HOUR = 2
HOUR = timedelta(hours=1)
# A person who registers for eight events in a row has all eight mails within this time.
LONGEST_WAIT = timedelta(hours=3)
# A season's events go on for a year: the owner of an address confirms it once for all of them.
CONFIRMED_KEPT = timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class Registrant:
    """A person who asks for a seat. Two registrants with a key in common are the same person.

    `sealed` holds a person who is no contact, encrypted. `address_key` is the keyed hash of the e-mail address, by
    which the mails to the address are counted.
    """

    contact_id: str | None
    organisation_id: str | None
    role: str | None
    language: str
    keys: list[str]
    sealed: str | None = None
    address_key: str | None = None

    def fields(self) -> Document:
        """The registration's fields about the person."""
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
    """The contact with `contact_id` or with the person's e-mail address; otherwise the person.

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
    left = find_contact(db, contact["_id"]) if contact is not None else None
    if left is not None:
        return _contact(secrets, left)
    keys = secrets.fingerprints(PURPOSE, email)
    return Registrant(
        contact_id=None,
        organisation_id=organisation_of(db, email),
        role=None,
        language=person["language"],
        keys=keys,
        address_key=keys[0],
        sealed=secrets.seal(json.dumps(person, ensure_ascii=False)),
    )


def organisation_of(db: Database, email: str) -> str | None:
    """The organisation of an e-mail address's domain: the one that all contacts with such addresses are of.

    None where they are of several organisations, where there is none, and for mailboxes that anybody can open.
    """
    domain = email.rpartition("@")[2]
    if domain in MAILBOXES:
        return None
    query = {"domain": domain, "organisation_id": {"$type": "string"}}
    found: list[str] = db[CONTACTS.collection].distinct("organisation_id", query)
    return found[0] if len(found) == 1 else None


def speakers_of(db: Database, secrets: Secrets, agenda: Any) -> list[Registrant]:
    """The contacts who speak by an agenda, as a caller gave it or as it is kept. Raises NotArrivedYet."""
    items = [item for item in agenda or [] if isinstance(item, dict)] if isinstance(agenda, list) else []
    speakers = [speaker for item in items for speaker in item.get("speakers") or [] if isinstance(speaker, dict)]
    found = dict.fromkeys(speaker["contact_id"] for speaker in speakers if isinstance(speaker.get("contact_id"), str))
    return [find_registrant(db, secrets, {"contact_id": contact_id}) for contact_id in found]


def find_contact(db: Database, identifier: str) -> Document | None:
    """The projection of a contact, or of the contact it was merged into; None when it is unknown or erased."""
    contact = unless_erased(db[CONTACTS.collection].find_one({"_id": identifier}))
    for _ in range(LONGEST_CHAIN):
        if contact is None or not contact.get("merged_into"):
            break
        contact = unless_erased(db[CONTACTS.collection].find_one({"_id": contact["merged_into"]}))
    return contact


def surviving_contact(uow: UnitOfWork, identifier: str) -> str:
    """The id of the contact that this one has become, as far as it is known here."""
    for _ in range(LONGEST_CHAIN):
        row = uow.find_one(CONTACTS.collection, {"_id": identifier}, projection={"merged_into": 1})
        if not row or not row.get("merged_into"):
            break
        identifier = row["merged_into"]
    return identifier


def takes_part(uow: UnitOfWork, organisation_id: str | None, season_id: str | None) -> bool:
    """Whether the organisation takes part in the season, as far as the projection knows."""
    query = {"season_id": season_id, "organisation_id": organisation_id, "state": {"$in": list(ENROLLED)}}
    return bool(organisation_id and uow.find_one(ENROLMENTS.collection, query, projection={"_id": 1}))


def person_of(secrets: Secrets, registration: Document) -> dict[str, Any] | None:
    """The unsealed person of a registration; None for a contact's registration."""
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


def take_mail(uow: UnitOfWork, address_key: str | None, *, may_wait: bool) -> datetime | None:
    """Counts an e-mail to this address, and returns when it may go out; None when it may not.

    With `may_wait` the mail may go out up to three hours later; without it, now or not at all. An address whose
    owner confirmed it by an earlier link has no limit. Every transaction that calls this writes the address's row:
    of two at once the second meets a write conflict and starts over, so the database keeps the limit.
    """
    if address_key is None:
        return uow.now
    row = uow.find_and_update(MAILS, {"_id": address_key}, {"$inc": {"asked": 1}}, upsert=True, return_document=True)
    assert row is not None
    recent: list[datetime] = sorted(moment for moment in row.get("at", ()) if moment > uow.now - HOUR)
    moment = uow.now
    if len(recent) >= MOST_AN_HOUR and not (may_wait and row.get("confirmed")):
        moment = max(uow.now, recent[-MOST_AN_HOUR] + HOUR)
    if moment > uow.now + (LONGEST_WAIT if may_wait else timedelta(0)):
        return None
    kept = uow.now + (CONFIRMED_KEPT if row.get("confirmed") else LONGEST_WAIT + HOUR)
    taken = [*recent, moment][-8:]
    uow.write(MAILS, UpdateOne({"_id": address_key}, {"$set": {"at": taken, "expires_at": kept}}))
    return moment


def confirm_address(uow: UnitOfWork, address_key: str | None) -> None:
    """Notes that the address's owner opened a link that was sent there."""
    if address_key is not None:
        confirmed = {"confirmed": True, "expires_at": uow.now + CONFIRMED_KEPT}
        uow.write(MAILS, UpdateOne({"_id": address_key}, {"$set": confirmed}, upsert=True))
