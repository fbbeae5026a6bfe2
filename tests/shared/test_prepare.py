"""Several processes of a service start at once on an empty database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shared.mongo.database import Database


def test_processes_that_start_together_all_find_the_collections_made(db_for: Callable[[str], Database]) -> None:
    db = db_for("prepare")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: db.prepare(indexes={f"things_{number}": [] for number in range(10)}), range(8)))
    assert "things_9" in db.raw.list_collection_names()
