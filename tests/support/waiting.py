"""Waiting for a condition with a deadline, in place of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], *, seconds: float = 20.0, what: str = "the condition") -> T:
    """The first true value of `condition`, asked every 20 ms. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last seen: {value!r:.500}")
        time.sleep(0.02)
