"""The relay's lease: one holder at a time, by MongoDB's clock."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine

from shared.ids import utc_now
from shared.lease import Lease, unique_holder
from shared.mongo.database import LEASES


def test_only_one_holds_the_lease_until_it_gives_it_up(service: SimpleNamespace) -> None:
    first, second = (Lease(service.db, "relay", name) for name in ("first", "second"))
    assert (first.take(), second.take(), first.take()) == (True, False, True)
    first.give_up()
    assert (second.take(), first.take()) == (True, False)


def test_a_lease_that_has_run_out_is_free(service: SimpleNamespace) -> None:
    first, second = (Lease(service.db, "relay", name) for name in ("first", "second"))
    assert first.take()
    service.db[LEASES].update_one({}, {"$set": {"until": utc_now() - timedelta(milliseconds=1)}})
    assert second.take()
    assert not first.take()


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(hours=1)], ids=str)
def test_a_clock_that_is_an_hour_off_neither_takes_a_lease_nor_keeps_one(
    service: SimpleNamespace, off: timedelta
) -> None:
    first, second = (Lease(service.db, "relay", name) for name in ("first", "second"))
    right_now = utc_now()
    assert first.take()
    with time_machine.travel(right_now + off):  # this machine's clock, by whatever name the code reads it
        assert not second.take()
        assert first.take()
        [lease] = service.db[LEASES].find()
        assert right_now < lease["until"] < right_now + timedelta(minutes=1)
        first.give_up()
        assert second.take()


def test_two_processes_of_one_name_never_both_hold_the_lease(service: SimpleNamespace) -> None:
    first, second = (Lease(service.db, "relay", unique_holder("enrolment-1")) for _ in range(2))
    assert (first.take(), second.take(), first.take()) == (True, False, True)
    assert first.holder.startswith("enrolment-1 ")


def test_how_far_the_relay_is_never_goes_back(service: SimpleNamespace) -> None:
    lease = Lease(service.db, "relay", "first")
    for reached in ("b", "a", None):
        lease.reached = lambda reached=reached: reached  # type: ignore[misc]
        assert lease.take()
    assert service.db[LEASES].find_one()["reached"] == "b"
