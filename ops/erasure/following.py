"""The steps of an erasure in a service: from the request and the tombstone to the acknowledgement.

Request and tombstone come by topics of their own, in either order. At the contact's tombstone the projection keeps the
person's names and addresses in `erasing`. A periodic task removes the person's traces from the whole database, and
acknowledges the erasure once the request has arrived too. Late and repeated messages find the tombstone in the
projection, which no message overwrites.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import IndexModel, UpdateOne

from ops.erasure.acknowledgements import ACKNOWLEDGED, acknowledgements
from ops.erasure.person import Person, person_of
from ops.erasure.traces import personal_collections, redact_portion
from shared.cause import own_initiative
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Policy, Projection
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.periodic import PeriodicTask

ERASURES_TOPIC = "uso.enrolment.erasures.v1"
REQUESTED = "erasure.requested"
# A contact that was made by mistake: its tombstone erases nobody.
DELETED = "contact.deleted"
ERASING = "erasing"
ERASING_INDEXES = {ERASING: [IndexModel("open", name="open", partialFilterExpression={"open": True})]}
# The fields of a contact that find their traces.
KNOWN_BY = ("given_name", "family_name", "email", "phone")

Erase = Callable[[UnitOfWork, Person], None]


@dataclass(frozen=True, kw_only=True)
class ContactsProjection(Projection):
    """A projection of contacts that begins the erasure of a person at their tombstone."""

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        erased = {message.key for message in messages if message.state is None}
        if erased:
            known = {row["_id"]: row for row in uow.find(self.collection, {"_id": {"$in": sorted(erased)}})}
            for message in messages:
                if message.key in erased and message.state is not None:
                    known[message.key] = {} if message.type == DELETED else dict(message.state)
            for contact_id in sorted(erased):
                begin_erasing(uow, contact_id, known.get(contact_id, {}))
        Projection.apply(self, uow, messages)

    def document(self, message: Message) -> Document:
        """The document that this message makes; of a contact that was made by mistake nothing but the id."""
        if message.type == DELETED:
            return {"erased": True, "_id": message.key, "sequence": message.sequence}
        return Projection.document(self, message)


def begin_erasing(uow: UnitOfWork, contact_id: str, contact: Mapping[str, Any]) -> None:
    """Adds the contact to the periodic task's work. When `contact` is erased already, its row stays."""
    known = {name: contact[name] for name in KNOWN_BY if contact.get(name)}
    found = {"tombstone": True, **({"person": known, "open": True} if known else {})}
    uow.write(
        ERASING, UpdateOne({"_id": contact_id}, {"$set": found, "$setOnInsert": {"state": "waiting"}}, upsert=True)
    )


def note_request(uow: UnitOfWork, message: Message) -> None:
    """The policy for `erasure.requested`: notes that the erasure waits for an acknowledgement."""
    expect_acknowledgement(uow, message.key, (message.state or {}).get("contact_ids") or [])


def expect_acknowledgement(uow: UnitOfWork, erasure_id: str, contact_ids: Sequence[str]) -> None:
    """Notes the erasure that the contacts' rows belong to."""
    asked = {"erasure_id": erasure_id, "of": list(contact_ids), "open": True}
    for contact_id in contact_ids:
        uow.write(
            ERASING, UpdateOne({"_id": contact_id}, {"$set": asked, "$setOnInsert": {"state": "waiting"}}, upsert=True)
        )


NOTE_REQUEST = Policy(name="erasures", types=frozenset({REQUESTED}), handle=note_request)


def erasing_task(db: Database, service: str, erase: Erase, *, contacts: str = "contacts") -> PeriodicTask:
    """The task that erases. `erase` applies the service's own rules, before and after the traces are removed."""
    eraser = Eraser(db, service, erase, contacts)
    return PeriodicTask(name="erasures", run=eraser.step, every=1.0)


class Eraser:
    """Takes each person's row in `erasing` from step to step. Several workers may run it at the same time.

    `contacts` is the collection in which namesakes are looked for.
    """

    def __init__(self, db: Database, service: str, erase: Erase, contacts: str = "contacts") -> None:
        self.db = db
        self.erase = erase
        self.contacts = contacts
        self.acknowledgements = acknowledgements(service)

    def step(self) -> bool:
        """Does the next step for each person in `erasing`. Returns whether there was one."""
        rows = list(self.db[ERASING].find({"open": True}).sort("_id", 1).limit(100))
        moved = [self._advance(row) for row in rows]
        return any(moved)

    def _advance(self, row: Document) -> bool:
        if row["state"] == "done":
            return self._acknowledge(row)
        if not row.get("tombstone"):
            return False
        if row["state"] == "waiting":
            self._transact(lambda uow: self._begin(uow, row))
        elif row.get("left"):
            self._take_out(row)
        else:
            self._transact(lambda uow: self._end(uow, row))
        return True

    def _begin(self, uow: UnitOfWork, row: Document) -> None:
        self.erase(uow, self._person(row))
        left = personal_collections(self.db, without=ERASING)
        uow.write(ERASING, UpdateOne({"_id": row["_id"]}, {"$set": {"state": "erasing", "left": left, "after": None}}))

    def _take_out(self, row: Document) -> None:
        """Redacts a portion of the first collection that is left. The row keeps its last id."""
        after = redact_portion(self.db, self._person(row), row["left"][0], row["after"])
        left = row["left"] if after is not None else row["left"][1:]
        self.db[ERASING].update_one({"_id": row["_id"]}, {"$set": {"left": left, "after": after}})

    def _end(self, uow: UnitOfWork, row: Document) -> None:
        """Applies the service's rules again, for changes made meanwhile, and removes the person from the row."""
        self.erase(uow, self._person(row))
        gone = {"person": "", "left": "", "after": "", **({} if "erasure_id" in row else {"open": ""})}
        uow.write(ERASING, UpdateOne({"_id": row["_id"]}, {"$set": {"state": "done"}, "$unset": gone}))

    def _acknowledge(self, row: Document) -> bool:
        """Acknowledges the erasure when all of its contacts are erased here. Of several workers only one does."""
        of = row["of"]
        if self.db[ERASING].count_documents({"_id": {"$in": of}, "state": "done"}) < len(of):
            return False

        def say(uow: UnitOfWork) -> None:
            here = uow.find_one(self.acknowledgements.collection, {"_id": row["erasure_id"]})
            if here is None:
                made = {"_id": row["erasure_id"], "contact_ids": of}
                uow.insert(self.acknowledgements, made, ACKNOWLEDGED)
            uow.write(ERASING, *(UpdateOne({"_id": each}, {"$unset": {"open": ""}}) for each in of))

        self._transact(say)
        return True

    def _person(self, row: Document) -> Person:
        known: Mapping[str, Any] = row.get("person") or {}
        names = {name: known.get(name) for name in ("given_name", "family_name")}
        namesake = {**names, "_id": {"$ne": row["_id"]}}
        return person_of(
            row["_id"], known, has_namesake=self.db[self.contacts].find_one(namesake, {"_id": 1}) is not None
        )

    def _transact(self, work: Callable[[UnitOfWork], None]) -> None:
        self.db.transact(work, cause=own_initiative("erasure"))
