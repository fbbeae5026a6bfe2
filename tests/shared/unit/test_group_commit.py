"""Requests for the same thing that wait at once are served together, each with its own answer."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from pymongo.errors import PyMongoError

from shared.cause import Cause
from shared.errors import Conflict, NotFound, Unavailable
from shared.mongo import contention
from shared.mongo.contention import LOCKS, retry_on_contention
from shared.mongo.database import Database
from shared.mongo.group_commit import GroupCommit, GroupRequest
from tests.support import wait_for

CAUSE = Cause(actor="test", correlation_id="c")


class Ask(GroupRequest):
    """A request for the answer `number`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.key = None
        self.answer = None


class NoDatabase:
    """Runs the work without a transaction, and notes the number of requests in each."""

    def __init__(self, *, fails_together: type[Exception] | None = None) -> None:
        self.sizes: list[int] = []
        self.fails_together = fails_together

    def transact_all(self, work: Callable[[Any], Sequence[Any]], *, cause: Cause, keys: Sequence[Any]) -> Sequence[Any]:
        self.sizes.append(len(keys))
        if self.fails_together:
            raise self.fails_together("together")
        return work(None)

    def transact(self, work: Callable[[Any], Any], *, cause: Cause, key: Any) -> Any:
        self.sizes.append(1)
        return work(None)


def answers(_: Any, identifier: str, requests: Sequence[Ask]) -> list[Any]:
    """The requests' numbers; number 3 is refused."""
    return [NotFound("thing", "3") if request.number == 3 else request.number for request in requests]


def run_at_once(db: NoDatabase, numbers: Sequence[int]) -> tuple[dict[int, Any], GroupCommit[Ask, int]]:
    """Each request's result or error, by its number; all of them wait before the first is served."""
    group: GroupCommit[Ask, int] = GroupCommit(cast("Database", db), answers)
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        try:
            found[number] = group.run("event", Ask(number), cause=CAUSE)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found[number] = error

    with LOCKS.held("event"):
        threads = [threading.Thread(target=ask, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(group._waiting.get("event", [])) == len(numbers), what="all requests to wait")
    for thread in threads:
        thread.join()
    return found, group


def test_requests_that_wait_are_served_in_one_transaction() -> None:
    db = NoDatabase()
    found, _ = run_at_once(db, [1, 2, 4])
    assert (db.sizes, found) == ([3], {1: 1, 2: 2, 4: 4})


def test_a_refusal_reaches_its_own_request_alone() -> None:
    db = NoDatabase()
    found, _ = run_at_once(db, [1, 3])
    assert db.sizes == [2]
    assert found[1] == 1
    assert isinstance(found[3], NotFound)


def test_requests_whose_group_fails_are_served_one_by_one() -> None:
    db = NoDatabase(fails_together=ValueError)
    found, _ = run_at_once(db, [1, 2, 3])
    assert db.sizes == [3, 1, 1, 1]
    assert (found[1], found[2]) == (1, 2)
    assert isinstance(found[3], NotFound)


def test_an_outage_is_the_answer_to_all_without_a_second_try() -> None:
    db = NoDatabase(fails_together=Unavailable)
    found, _ = run_at_once(db, [1, 2])
    assert db.sizes == [2]
    assert {type(answer) for answer in found.values()} == {Unavailable}


def test_a_crowd_is_served_fifty_at_once_and_leaves_nothing_behind() -> None:
    db = NoDatabase()
    found, group = run_at_once(db, range(100, 220))
    assert db.sizes == [50, 50, 20]
    assert found == {number: number for number in range(100, 220)}
    assert (group._waiting, LOCKS._locks) == ({}, {})


def test_a_lock_that_does_not_come_free_is_a_503_and_the_request_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "LONGEST_WAIT_SECONDS", 0.01)
    group: GroupCommit[Ask, int] = GroupCommit(cast("Database", NoDatabase()), answers)
    with LOCKS.held("event"), pytest.raises(Unavailable):
        threading_result(lambda: group.run("event", Ask(1), cause=CAUSE))
    assert (group._waiting, LOCKS._locks) == ({}, {})


def threading_result(action: Callable[[], Any]) -> Any:
    """The result of `action` in a thread of its own. Raises its error."""
    errors: list[Exception] = []

    def call() -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    raise errors[0]


def refused_by_mongodb() -> Conflict:
    error = Conflict("Too many changes.", retry_after=1)
    error.__cause__ = PyMongoError("write conflict")
    return error


def test_contention_is_tried_ten_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contention, "backoff", lambda *_, **__: 0.0)
    tries = []

    def action() -> None:
        tries.append(1)
        raise refused_by_mongodb()

    with pytest.raises(Conflict):
        retry_on_contention(action)
    assert len(tries) == 10


@pytest.mark.parametrize("refusal", [Conflict("There is one."), Conflict("Not known yet.", retry_after=1)])
def test_a_rule_s_refusal_is_not_tried_again(refusal: Conflict) -> None:
    tries = []

    def action() -> None:
        tries.append(1)
        raise refusal

    with pytest.raises(Conflict):
        retry_on_contention(action)
    assert tries == [1]
