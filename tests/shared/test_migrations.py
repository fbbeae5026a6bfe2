"""Migrations: once under several processes, in order, again where one died, and back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from shared.ids import new_id
from shared.lease import Lease
from shared.migrations import MIGRATIONS, Migration, migrate, pending
from shared.mongo.database import LEASES, Database
from tests.ops.things import Mood, things


@pytest.fixture
def db(db_for: Any) -> Database:
    found: Database = db_for(f"m{new_id()[-8:]}")
    found.prepare()
    return found


def noting(number: int, *, during: Callable[[], object] = lambda: None) -> Migration:
    """A migration that writes down each time that it is done or undone."""

    def up(db: Database) -> None:
        db["done"].insert_one({"number": number, "up": True})
        during()

    def down(db: Database) -> None:
        db["done"].insert_one({"number": number, "up": False})

    return Migration(number=number, about=f"the change {number}", up=up, down=down)


def done(db: Database) -> list[tuple[int, bool]]:
    return [(row["number"], row["up"]) for row in db["done"].find().sort("_id", 1)]


def run(db: Database, *migrations: Migration, holder: str = "process", to: int | None = None) -> None:
    migrate(db, migrations, Lease(db, "m-migrations", f"{holder} {new_id()}"), to=to)


def test_eight_processes_that_start_at_once_do_each_migration_once_and_in_order(db: Database) -> None:
    migrations = [noting(3), noting(1), noting(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: run(db, *migrations, holder=f"process-{number}"), range(8)))
    assert done(db) == [(1, True), (2, True), (3, True)]
    assert pending(db, migrations) == []


def test_a_later_release_does_only_what_is_new(db: Database) -> None:
    run(db, noting(1))
    run(db, noting(1), noting(2))
    assert done(db) == [(1, True), (2, True)]
    assert db[MIGRATIONS].find_one({"_id": 2})["about"] == "the change 2"


def test_an_earlier_release_leaves_what_it_does_not_know(db: Database) -> None:
    run(db, noting(1), noting(2))
    run(db, noting(1))
    assert done(db) == [(1, True), (2, True)]


def test_going_back_undoes_the_last_one_first(db: Database) -> None:
    migrations = [noting(number) for number in (1, 2, 3)]
    run(db, *migrations)
    run(db, *migrations, to=1)
    assert done(db)[3:] == [(3, False), (2, False)]
    run(db, *migrations)
    assert done(db)[5:] == [(2, True), (3, True)]


def test_a_migration_whose_process_died_is_begun_again_by_another(db: Database) -> None:
    dead = Lease(db, "m-migrations", "a process that died")
    assert dead.take()
    db[LEASES].update_one({"_id": "m-migrations"}, [{"$set": {"until": {"$add": ["$$NOW", 300]}}}])
    run(db, noting(1), holder="another")
    assert done(db) == [(1, True)]


def test_one_that_fails_is_not_counted_and_the_next_start_tries_it_again(db: Database) -> None:
    def fail() -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        run(db, noting(1, during=fail), noting(2))
    assert pending(db, [noting(1), noting(2)])[0][0].number == 1
    run(db, noting(1), noting(2))
    assert done(db) == [(1, True), (1, True), (2, True)]


def test_a_process_that_is_told_to_stop_does_not_wait_for_another(db: Database) -> None:
    busy = Lease(db, "m-migrations", "a process at work")
    assert busy.take()
    stop = threading.Event()
    stop.set()
    migrate(db, [noting(1)], Lease(db, "m-migrations", "another"), stop=stop)
    assert done(db) == []


def test_a_service_does_its_migrations_when_it_prepares_its_database(db: Database) -> None:
    service = replace(things(f"s{new_id()[-8:]}", Mood()), migrations=[noting(1), noting(2)])
    service.prepare(db)
    service.prepare(db)
    service.migrate(db, to=1)
    assert done(db) == [(1, True), (2, True), (2, False)]
