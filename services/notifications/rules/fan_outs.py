"""Fan-outs: a row stands for a mail to all people of an event, and a periodic task makes the deliveries in portions.

A rule writes one row for any number of registrations. Each portion is a short transaction that also moves the row's
position: so a large event delays no other mail, and a worker that dies loses nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pymongo import DeleteOne, IndexModel, InsertOne, UpdateOne

from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import (
    Because,
    NewDelivery,
    dedup_key_for_message,
    dedup_key_for_registration,
)
from services.notifications.projections import REGISTRATIONS
from shared.cause import Cause, own_initiative
from shared.ids import new_id, utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

FAN_OUTS = "fan_outs"
FAN_OUTS_INDEXES = {
    FAN_OUTS: [IndexModel("next_at", name="next_at"), IndexModel([("event_id", 1), ("rule", 1)], name="event")]
}
# 200 deliveries with their messages take a transaction of some 200 ms: that hardly delays other writers.
PORTION = 200
AT_ONCE = 20
# An event that changes again and again is told after this many times the usual wait.
MOST_WAITS = 5


@dataclass(frozen=True, kw_only=True)
class Everyone:
    """The people registered for the event in one of `states`, or in `or_else` when there are none."""

    states: tuple[str, ...]
    or_else: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A mail to all people of an event. With `gathers` it waits for further changes, and tells all of them at once."""

    rule: str
    template: str
    event_id: str
    to: Everyone
    because: Because
    correlation_id: str
    personalisation: Mapping[str, Any]
    once_a_registration: bool
    delay: timedelta
    gathers: bool


def tell_everyone(uow: UnitOfWork, telling: Telling) -> None:
    """Adds a fan-out. A fan-out of the same event that still gathers takes up the changes instead."""
    if telling.gathers and _joined(uow, telling):
        return
    row = {
        "_id": new_id(),
        "rule": telling.rule,
        "template": telling.template,
        "event_id": telling.event_id,
        "states": list(telling.to.states),
        "or_else": list(telling.to.or_else),
        "because": {**_because(telling.because)},
        "correlation_id": telling.correlation_id,
        "personalisation": dict(telling.personalisation),
        "once_a_registration": telling.once_a_registration,
        "gathers": telling.gathers,
        "after": "",
        "first_at": uow.now,
        "next_at": uow.now + telling.delay,
    }
    uow.write(FAN_OUTS, InsertOne(row))


def _joined(uow: UnitOfWork, telling: Telling) -> bool:
    """Adds the changes to a fan-out of the same event that still gathers. Returns whether there was one."""
    waiting = {"event_id": telling.event_id, "rule": telling.rule, "gathers": True, "after": ""}
    fields = list(telling.personalisation.get("fields") or ())
    update = {
        "$addToSet": {"personalisation.fields": {"$each": fields}},
        "$set": {"because": _because(telling.because), "correlation_id": telling.correlation_id, "next_at": uow.now},
    }
    return uow.find_and_update(FAN_OUTS, waiting, update) is not None


def _because(because: Because) -> Document:
    return {
        "rule": because.rule,
        "actor": because.actor,
        "message_id": because.message_id,
        "message_type": because.message_type,
    }


def fan_out(db: Database, *, gathering: timedelta, portion: int = PORTION) -> bool:
    """Makes the next portion of each fan-out that is due. Returns whether there is more to do.

    A fan-out that gathers begins when its event has not changed for `gathering`.
    """
    now = utc_now()
    ready = {"gathers": True, "after": "", "next_at": {"$gt": now - gathering}, "first_at": {"$gt": _latest(gathering)}}
    query = {"next_at": {"$lte": now}, "$nor": [ready]}
    rows = list(db[FAN_OUTS].find(query, {"_id": 1}).sort("next_at", 1).limit(AT_ONCE))
    for row in rows:
        db.transact(partial(_tell_the_next, identifier=row["_id"], portion=portion), cause=own_initiative("fan out"))
    return bool(rows)


def _latest(gathering: timedelta) -> datetime:
    return utc_now() - MOST_WAITS * gathering


def _tell_the_next(uow: UnitOfWork, identifier: str, portion: int) -> None:
    """Makes the next portion. Another worker at the same portion meets a write conflict and continues after it."""
    row = uow.find_one(FAN_OUTS, {"_id": identifier})
    if row is None:
        return
    states = _states(uow, row)
    query = {"event_id": row["event_id"], "state": {"$in": states}, "_id": {"$gt": row["after"]}}
    fields = {"contact_id": 1, "language": 1}
    found = uow.find(REGISTRATIONS.collection, query, projection=fields, sort=[("_id", 1)], limit=portion)
    because = Because(**row["because"])
    cause = Cause(actor=because.actor, correlation_id=row["correlation_id"], causation_id=because.message_id)
    add_deliveries(uow, [(cause, _delivery(row, because, registration)) for registration in found])
    if len(found) < portion:
        uow.write(FAN_OUTS, DeleteOne({"_id": identifier}))
    else:  # behind the other fan-outs, so that each gets its turn
        position = {"after": found[-1]["_id"], "states": states, "or_else": [], "next_at": uow.now}
        uow.write(FAN_OUTS, UpdateOne({"_id": identifier}, {"$set": position}))


def _states(uow: UnitOfWork, row: Document) -> list[str]:
    states: list[str] = row["states"]
    if not row["or_else"]:
        return states
    query = {"event_id": row["event_id"], "state": {"$in": states}}
    return states if uow.find_one(REGISTRATIONS.collection, query, projection={"_id": 1}) else list(row["or_else"])


def _delivery(row: Document, because: Because, registration: Document) -> NewDelivery:
    once = row["once_a_registration"]
    return NewDelivery(
        template=row["template"],
        because=because,
        dedup_key=dedup_key_for_registration(row["rule"], registration["_id"])
        if once
        else dedup_key_for_message(Because(rule=row["rule"], actor="", message_id=row["_id"]), registration["_id"]),
        contact_id=registration.get("contact_id"),
        language=registration.get("language"),
        event_id=row["event_id"],
        registration_id=registration["_id"],
        personalisation=row["personalisation"],
    )
