"""Timed work that keeps failing is seen from outside."""

import pytest

from shared.periodic import TaskHealth, TasksFail


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
