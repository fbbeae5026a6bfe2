"""Changes to what a release before this one has stored: each done once, whichever process comes first, and undone.

A migration first lets old and new code work side by side (adds a field, fills it), and a release later takes away what
nobody reads any more: during an upgrade processes of both releases run.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from shared.ids import utc_now
from shared.lease import Lease
from shared.mongo.database import Database
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

MIGRATIONS = "migrations"
# How often a process that waits for another's migration looks whether it is done.
LOOK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One change of stored documents. `number` never changes once it was released; they are done in its order.

    `up` and `down` may be ended on any line and begun again by another process: they look for what is still to do, and
    write in portions. `up` leaves documents that the release before can still read.
    """

    number: int
    about: str
    up: Callable[[Database], None]
    down: Callable[[Database], None]


class LeaseLost(Exception):
    """The process was suspended for so long that another has taken the migrations over."""


def migrate(
    db: Database,
    migrations: Sequence[Migration],
    lease: Lease,
    *,
    to: int | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Does what is not done yet; with `to`, does or undoes until `to` is the last one done.

    Returns when all of it is done, by this process or another. Raises what a migration raises, and LeaseLost.
    """
    stop = stop or threading.Event()
    while pending(db, migrations, to=to) and not stop.is_set():
        if not lease.take():
            stop.wait(LOOK_SECONDS)
            continue
        with _kept(lease):
            for migration, is_up in pending(db, migrations, to=to):
                if not lease.held:
                    raise LeaseLost
                _step(db, migration, is_up=is_up)


def pending(db: Database, migrations: Sequence[Migration], *, to: int | None = None) -> list[tuple[Migration, bool]]:
    """What is to be done (True, in order) and undone (False, the last one first)."""
    done = {row["_id"] for row in db[MIGRATIONS].find({}, {"_id": 1})}
    ordered = sorted(migrations, key=lambda migration: migration.number)
    ups = [(each, True) for each in ordered if each.number not in done and (to is None or each.number <= to)]
    downs = [(each, False) for each in reversed(ordered) if each.number in done and to is not None and each.number > to]
    return [*downs, *ups]


def _step(db: Database, migration: Migration, *, is_up: bool) -> None:
    log.info("migration begins", number=migration.number, about=migration.about, up=is_up)
    if is_up:
        migration.up(db)
        row = {"about": migration.about, "at": utc_now()}
        db[MIGRATIONS].update_one({"_id": migration.number}, {"$set": row}, upsert=True)
    else:
        migration.down(db)
        db[MIGRATIONS].delete_one({"_id": migration.number})
    log.info("migration done", number=migration.number, up=is_up)


@contextmanager
def _kept(lease: Lease) -> Iterator[None]:
    """The lease renewed for as long as the work takes, then given up."""
    over = threading.Event()
    renewal = threading.Thread(target=lease.keep, args=(over,), name="migrations", daemon=True)
    renewal.start()
    try:
        yield
    finally:
        over.set()
        renewal.join()
        lease.give_up()
