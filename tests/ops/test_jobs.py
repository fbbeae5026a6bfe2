"""Jobs of any kind: given back when a worker ends, given up when they cannot be done."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from ops import jobs, worker
from ops.jobs import TRIES
from ops.store import JOBS
from shared.ids import new_id, utc_now
from tests.ops.conftest import Operation
from tests.ops.things import record


def test_a_worker_that_is_to_end_leaves_its_job_to_the_next_at_once(operation: Operation, produce: Any) -> None:
    produce(record(new_id(), 1, n=1))
    asked = operation.post("projections/copies/rebuild")
    ending = threading.Event()
    ending.set()
    assert operation.work("worker-1", ending)
    assert operation.get(f"rebuilds/{asked['id']}")["ended_at"] is None
    assert operation.done(asked)["worker"] == "worker-2"
    assert len(operation.projections()) == 1


def test_a_job_that_fails_again_and_again_is_given_up_and_can_be_asked_for_again(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ArithmeticError("of this release")

    asked = operation.post("check")
    with monkeypatch.context() as patch:
        patch.setitem(worker.KINDS, "check", fail)
        for _ in range(TRIES):
            operation.db[JOBS].update_one({"_id": asked["id"]}, {"$set": {"until": jobs.LONG_AGO}})
            operation.work()
    failed = operation.get(f"checks/{asked['id']}")
    assert (failed["state"], failed["error"]) == ("failed", "ArithmeticError")
    assert operation.done(operation.post("check"))["result"]["differs"] == 0


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(hours=1)], ids=str)
def test_a_worker_whose_clock_is_an_hour_off_takes_no_job_out_of_living_hands(
    operation: Operation, off: timedelta
) -> None:
    asked = operation.post("check")
    first = jobs.claim(operation.db, "worker-1", threading.Event())
    assert first is not None
    with time_machine.travel(utc_now() + off):
        assert jobs.claim(operation.db, "worker-2", threading.Event()) is None
        first.step()
        assert jobs.claim(operation.db, "worker-2", threading.Event()) is None
        first.release()
        second = jobs.claim(operation.db, "worker-2", threading.Event())
    assert second is not None
    assert second["_id"] == asked["id"]
    operation.db[JOBS].update_one({"_id": asked["id"]}, {"$set": {"until": utc_now()}})
    assert operation.done(asked)["worker"] == "worker-2"


def test_a_job_is_found_by_its_kind_alone(operation: Operation) -> None:
    asked = operation.post("check")
    operation.get(f"rebuilds/{asked['id']}", status=404)
    assert operation.get(f"checks/{asked['id']}")["state"] == "waiting"


def test_the_same_idempotency_key_asks_for_one_job(operation: Operation) -> None:
    headers = {"Idempotency-Key": "one rebuild"}
    first = operation.post("projections/copies/rebuild", headers=headers)
    assert operation.post("projections/copies/rebuild", headers=headers)["id"] == first["id"]
    assert operation.db[JOBS].count_documents({}) == 1
