"""A service that keeps a copy of things and notes an effect for each message about one."""

import json
from dataclasses import dataclass
from typing import Any

from marshmallow import fields
from pymongo import IndexModel, InsertOne

from ops.extension import OPERATIONS
from shared.errors import Conflict
from shared.ids import new_id
from shared.messaging.changes import Change
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Policy, Projection
from shared.messaging.topics import state_topic
from shared.mongo.aggregates import Aggregate
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import Resource
from shared.service import Service


@dataclass
class Mood:
    """While it is `broken`, the policy cannot handle bad things."""

    broken: bool = False


def record(key: str, sequence: int, **state: Any) -> tuple[bytes, bytes]:
    """A message about the thing `key` as it stands on the topic."""
    document = {
        "specversion": "1.0",
        "id": new_id(),
        "type": "fi.uso.thing.updated",
        "time": "2026-01-02T03:04:05Z",
        "sequence": sequence,
        "data": {"state": {"id": key, "version": sequence, **state}, "change": {}},
    }
    return key.encode(), json.dumps(document).encode()


def keep(message: Message) -> dict[str, Any]:
    """All but the id. Raises ValueError when the state says so."""
    state = dict(message.state or {})
    if state.pop("unkeepable", False):
        raise ValueError("cannot be kept")
    del state["id"]
    return state


class ThingState(Resource):
    """A thing."""

    n = fields.Integer()


def thing(service: str) -> Aggregate[Any]:
    """Things as the service that owns them keeps and publishes them."""
    return Aggregate(
        name="thing",
        collection="things",
        source=f"/uso/{service}",
        schema=ThingState,
        topic=f"uso.{service}.things.v1",
        message_types={"thing.created": Change, "thing.updated": Change},
    )


def things(name: str, mood: Mood) -> Service:
    """The service by that name; its topic is also its own."""
    topic = f"uso.{name}.things.v1"

    def note_effect(uow: UnitOfWork, message: Message) -> None:
        if mood.broken and message.state and message.state.get("refused"):
            raise Conflict("a rule of the handler's")
        if mood.broken and message.state and message.state.get("bad"):
            raise RuntimeError(f"cannot be handled: {message.state}")
        effect: dict[str, Any] = {"message": message.id, "key": message.key, "by": uow.cause.actor}
        if message.state and "looks_for" in message.state:
            effect["found"] = uow.find_one("copies", {"_id": message.state["looks_for"]}) is not None
        uow.write("effects", InsertOne(effect))

    return Service(
        extensions=[OPERATIONS],
        name=name,
        description="Things",
        aggregates=[thing(name)],
        topics=[state_topic(topic)],
        routes=[],
        subscriptions={
            topic: [
                Projection(collection="copies", keep=keep, indexes=[IndexModel("n", name="n")]),
                Policy(name="note", types=frozenset({"thing.updated"}), handle=note_effect),
            ]
        },
        collections={"effects": []},
    )
