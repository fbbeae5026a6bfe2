"""The erasure of a person in events: it removes their identity, and keeps the figures of the events."""

from functools import partial

from pymongo import DeleteMany, UpdateMany

from ops.erasure.following import Erase
from ops.erasure.person import Person
from services.events.events.store import EVENTS
from services.events.invitations.store import INVITATIONS
from services.events.people.registrants import MAILS, PURPOSE
from services.events.people.retention import forget_registration
from services.events.registrations.commands import move_registration
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.mongo.unit_of_work import UnitOfWork
from shared.secrets import Secrets

BEFORE_THE_EVENT = ("confirmed", "waitlisted", "offered")


def erasing(secrets: Secrets) -> Erase:
    """The rules of events for the erasure task."""
    return partial(erase_registrations, secrets=secrets)


def erase_registrations(uow: UnitOfWork, person: Person, *, secrets: Secrets) -> None:
    """Frees the person's seats at coming events; of all their registrations what tells who they were goes.

    State, organisation, role and score stay: they are figures of the event.
    """
    keys = secrets.fingerprints(PURPOSE, person.email) if person.email else []
    theirs = {"person_keys": {"$in": [person.contact_id, *keys]}}
    for registration in uow.find_all(REGISTRATIONS, theirs):
        _erase_registration(uow, registration)
    uow.write(MAILS, DeleteMany({"_id": {"$in": keys}}))
    reasons = {"contact_id": person.contact_id}, {"$set": {"reason": None}}
    uow.write(INVITATIONS.collection, UpdateMany(*reasons))


def _erase_registration(uow: UnitOfWork, registration: RegistrationDocument) -> None:
    event = uow.find_one(EVENTS.collection, {"_id": registration["event_id"]})
    if event is not None and event["starts_at"] > uow.now and registration["state"] in BEFORE_THE_EVENT:
        registration = move_registration(uow, registration["_id"], to="cancelled", reason=None)
    forget_registration(uow, registration)
