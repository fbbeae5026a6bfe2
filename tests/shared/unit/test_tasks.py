"""Periodic tasks: their failures are seen from outside, and what follows from work is done at once."""

import threading

import pytest

from shared.periodic import Bell, PeriodicTask, TaskHealth, TasksFail, repeat
from tests.support import wait_for


def test_a_worker_is_not_ready_while_one_of_its_tasks_keeps_failing() -> None:
    now = [100.0]
    health = TaskHealth(clock=lambda: now[0])
    health.failed("sender 1", ValueError())
    health.check()
    now[0] += 10
    health.failed("sender 1", ValueError())
    with pytest.raises(TasksFail, match=r"sender 1 \(ValueError\)"):
        health.check()
    health.succeeded("sender 1")
    health.check()


class Repeating:
    """A task that has `due` portions to do, repeated in a thread; it would look by the clock once an hour."""

    def __init__(self, bell: Bell, *, due: int = 0, **changes: bool) -> None:
        self.bell, self.due, self.runs, self.stop = bell, due, 0, threading.Event()
        task = PeriodicTask(name="task", run=self.run, every=3600.0, **changes)
        self.thread = threading.Thread(target=repeat, args=(task, self.stop, TaskHealth(), bell))
        self.thread.start()

    def run(self) -> bool:
        self.runs += 1
        self.due -= 1
        return self.due >= 0

    def end(self) -> None:
        self.stop.set()
        self.bell.ring()
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_a_task_looks_at_once_after_the_process_has_done_work() -> None:
    bell = Bell()
    sender = Repeating(bell, after_work=True)
    wait_for(lambda: sender.runs == 1)
    bell.ring()
    wait_for(lambda: sender.runs == 2)
    sender.end()


def test_a_ring_during_a_tasks_own_look_is_not_lost() -> None:
    bell = Bell()
    heard = bell.rings
    bell.ring()
    bell.wait(heard, 3600)


def test_a_task_that_does_work_wakes_those_that_follow() -> None:
    bell = Bell()
    follower = Repeating(bell, after_work=True)
    wait_for(lambda: follower.runs == 1)
    heard = bell.rings
    leader = Repeating(bell, due=1, after_work=True)
    wait_for(lambda: follower.runs > 1)
    assert bell.rings > heard
    leader.end()
    follower.end()


def test_the_last_in_a_chain_wakes_nobody() -> None:
    bell = Bell()
    sender = Repeating(bell, due=3, after_work=True, makes_work=False)
    wait_for(lambda: sender.runs == 4)
    assert bell.rings == 0
    sender.end()
