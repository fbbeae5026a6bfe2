"""A new sealing key: everything is sealed with it, and the old one can go."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from marshmallow import fields

from ops.resealing import PORTION, RESEALING, resealing_task
from shared.cause import own_initiative
from shared.ids import utc_now
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL
from shared.mongo.unit_of_work import UnitOfWork
from shared.periodic import PeriodicTask
from shared.schemas import Resource
from shared.secrets import Secrets

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class Box(Resource):
    sealed = fields.String()


BOXES: Aggregate[dict[str, Any]] = Aggregate(
    name="box",
    collection="boxes",
    source="/boxes",
    schema=Box,
    topic="boxes",
    message_types={"box.created": Change, "box.updated": Change},
)


def secrets(*keys: str) -> Secrets:
    return Secrets(sealing_keys=keys, signing_keys=[OLD])


def seal_anew(uow: UnitOfWork, document: dict[str, Any], sealed: str) -> Any:
    return uow.save(BOXES, document, {"sealed": sealed}, "box.updated")


@pytest.fixture
def db(db_for: Callable[[str], Database]) -> Database:
    made = db_for("boxes")
    made.prepare([BOXES])
    return made


def box(db: Database, sealed: str) -> str:
    made = db.transact(lambda uow: uow.insert(BOXES, {"sealed": sealed}, "box.created"), cause=own_initiative("test"))
    return str(made["_id"])


def task(db: Database, *keys: str) -> PeriodicTask:
    return resealing_task(db, secrets(*keys), collection="boxes", field="sealed", seal_anew=seal_anew)


def run(task: PeriodicTask) -> None:
    while task.run():
        pass


def opened(db: Database, *keys: str) -> list[str]:
    return [secrets(*keys).unseal(box["sealed"]) for box in db["boxes"].find().sort("_id", 1)]


def test_everything_is_sealed_with_the_newest_key_and_told(db: Database) -> None:
    names = [f"Aino {number}" for number in range(PORTION + 5)]
    for name in names:
        box(db, secrets(OLD).seal(name))
    run(task(db, NEW, OLD))
    assert opened(db, NEW) == names
    assert db[JOURNAL].count_documents({"type": "box.updated"}) == len(names)


def test_what_the_newest_key_sealed_and_what_none_opens_is_left_alone(db: Database) -> None:
    fresh = box(db, secrets(NEW).seal("Aino"))
    lost = box(db, secrets(Fernet.generate_key().decode()).seal("Väinö"))
    run(task(db, NEW, OLD))
    assert {row["_id"]: row["version"] for row in db["boxes"].find()} == {fresh: 1, lost: 1}


def test_what_a_process_sealed_with_the_old_key_meanwhile_is_found_by_the_second_walk(db: Database) -> None:
    walking = task(db, NEW, OLD)
    run(walking)
    box(db, secrets(OLD).seal("Aino"))
    run(walking)
    assert opened(db, NEW, OLD) == ["Aino"]
    db[RESEALING].update_one({}, {"$set": {"not_before": utc_now() - timedelta(seconds=1)}})
    run(walking)
    assert opened(db, NEW) == ["Aino"]


def test_the_same_key_is_walked_for_only_twice_and_another_one_anew(db: Database) -> None:
    for _ in range(2):
        run(task(db, OLD))
        db[RESEALING].update_one({}, {"$set": {"not_before": utc_now() - timedelta(seconds=1)}})
    box(db, secrets(NEW).seal("Aino"))
    run(task(db, OLD, NEW))
    assert opened(db, NEW) == ["Aino"]
    run(task(db, NEW, OLD))
    box(db, secrets(OLD).seal("Väinö"))
    run(task(db, OLD, NEW))
    assert opened(db, OLD) == ["Aino", "Väinö"]
