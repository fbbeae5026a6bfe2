"""Making deliveries, and moving them from state to state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from services.notifications.deliveries.domain import UNDER_WAY, Because, NewDelivery, may_become
from services.notifications.deliveries.store import DELIVERIES, new_document
from services.notifications.suppressions.commands import suppress_unless
from shared.cause import Cause, own_initiative
from shared.errors import Conflict
from shared.ids import new_id, utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

MOVED = "delivery.transitioned"
BAD_ADDRESS_FOR = timedelta(
    days=30
)  # A mailbox that does not exist may be created again: the address gets another chance after that time.


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A delivery's new state, and further fields of its document.

    `bad_address` is an address that does not exist, as the mail server says: it is suppressed for a while.
    `document` is the delivery as the sender that has claimed it knows it.
    """

    delivery_id: str
    to: str
    error: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    bad_address: str | None = None
    document: Document | None = None


def add_deliveries(uow: UnitOfWork, wanted: Iterable[tuple[Cause, NewDelivery]]) -> list[Document]:
    """Makes the deliveries that do not exist yet, in bulk, each with its message and its own cause."""
    pairs = {new.dedup_key: (cause, new) for cause, new in reversed(list(wanted))}
    if not pairs:
        return []
    there = uow.find(DELIVERIES.collection, {"dedup_key": {"$in": list(pairs)}}, projection={"dedup_key": 1})
    known = {key for row in there for key in _keys_of(row["dedup_key"])}
    made = []
    for dedup_key, (cause, new) in reversed(pairs.items()):
        if dedup_key not in known:
            document = new_document(new, now=uow.now, correlation_id=cause.correlation_id)
            change = {"from": None, "to": document["state"]}
            made.append(uow.due_to(cause).insert(DELIVERIES, document, MOVED, change=change))
    return made


def _keys_of(dedup_key: str | list[str]) -> list[str]:
    """One that was recalled after a restore has all keys that a rule may have for it."""
    return dedup_key if isinstance(dedup_key, list) else [dedup_key]


def record_outcomes(db: Database, outcomes: Sequence[Outcome], *, rule: str) -> int:
    """Writes the outcomes of deliveries in one transaction. Returns the number of deliveries that moved.

    A delivery that cannot make the step stays as it is: it has probably made the step already.
    """
    if not outcomes:
        return 0
    return db.transact(partial(_record, outcomes=outcomes, attempts=count()), cause=own_initiative(rule))


def _record(uow: UnitOfWork, outcomes: Sequence[Outcome], attempts: Iterator[int]) -> int:
    moved = 0
    pairs = [(outcome.document, outcome) for outcome in outcomes if outcome.document is not None]
    # The sender has read its deliveries when it claimed them. One that was moved since makes the write fail and the
    # work start over: then they are read.
    if len(pairs) < len(outcomes) or next(attempts) > 0:
        by_id = {outcome.delivery_id: outcome for outcome in outcomes}
        found = uow.find(DELIVERIES.collection, {"_id": {"$in": list(by_id)}})
        pairs = [(document, by_id[document["_id"]]) for document in found]
    for document, outcome in pairs:
        if may_become(document["state"], outcome.to):
            move(uow, document, outcome)
            moved += 1
        if outcome.bad_address:
            suppress_unless(uow, outcome.bad_address, reason="bounced", expires_at=uow.now + BAD_ADDRESS_FOR)
    return moved


def move(uow: UnitOfWork, document: Document, outcome: Outcome) -> Document:
    """The delivery in its new state; its claim ends."""
    because = document["because"]
    cause = Cause(
        actor=because["actor"],
        correlation_id=document["correlation_id"],
        causation_id=because["message_id"],
    )
    return uow.due_to(cause).save(
        DELIVERIES,
        document,
        {
            **outcome.fields,
            "state": outcome.to,
            "error": outcome.error,
            "claim": None,
            "handed_over_at": None,
        },
        MOVED,
        change={"from": document["state"], "to": outcome.to},
    )


def queue_what_is_due(db: Database, *, limit: int = 500) -> bool:
    """Queues the scheduled deliveries that are due. Returns whether there were any."""
    if db[DELIVERIES.collection].find_one({"state": "scheduled", "next_at": {"$lte": utc_now()}}, {"_id": 1}) is None:
        return False
    return db.transact(partial(_queue, limit=limit), cause=own_initiative("due"))


def _queue(uow: UnitOfWork, limit: int) -> bool:
    due = uow.find(DELIVERIES.collection, {"state": "scheduled", "next_at": {"$lte": uow.now}}, limit=limit)
    for document in due:
        move(uow, document, Outcome(delivery_id=document["_id"], to="queued"))
    return bool(due)


def resend(uow: UnitOfWork, identifier: str) -> Document:
    """A new delivery of the same text to the same recipient. Raises Conflict while the first is under way."""
    old = uow.get(DELIVERIES, identifier)
    if old["state"] in UNDER_WAY:
        raise Conflict(f"This delivery is {old['state']}: it will still be sent.")
    new = NewDelivery(
        template=old["template"],
        because=Because(rule="resend", actor=uow.cause.actor),
        dedup_key=f"resend:{identifier}:{new_id()}",
        **{name: old[name] for name in ("contact_id", "event_id", "registration_id", "enrolment_id")},
        announcement_id=old["announcement_id"],
        language=old["language"],
        resend_of=identifier,
        personalisation=old["personalisation"],
    )
    document = new_document(new, now=uow.now, correlation_id=uow.cause.correlation_id)
    return uow.insert(DELIVERIES, document, MOVED, change={"from": None, "to": document["state"]})
