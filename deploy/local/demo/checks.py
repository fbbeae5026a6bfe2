"""What the story expects: each expectation is checked, and the first that fails ends the story with its reason."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.05
SHOWN = 5


class WentWrong(Exception):
    """The story did not come out as it should; the text says where and how."""


class Checks:
    """Counts the expectations that held. Raises WentWrong on the first that does not."""

    def __init__(self) -> None:
        self.held = 0

    def equal(self, what: str, got: object, wanted: object) -> None:
        if got != wanted:
            raise WentWrong(f"{what}: expected {wanted!r}, got {got!r}")
        self.held += 1

    def holds(self, what: str, condition: object, got: object = "") -> None:
        if not condition:
            raise WentWrong(f"{what}: does not hold{f', got {got!r}' if got != '' else ''}")
        self.held += 1

    def same(self, what: str, got: Iterable[Hashable], wanted: Iterable[Hashable]) -> None:
        """The same things, each as often; in any order. One expectation for each thing."""
        there, due = Counter(iter(got)), Counter(iter(wanted))  # a dict counts by its keys
        missing, surplus = due - there, there - due
        if missing or surplus:
            raise WentWrong(f"{what}: {_told('missing', missing)}{_told('too many', surplus)}".rstrip("; "))
        self.held += due.total()


def until(what: str, condition: Callable[[], T | None], *, seconds: float = 20) -> T:
    """Asks `condition` again and again; returns its first true answer. Raises WentWrong after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise WentWrong(f"{what}: not within {seconds:g} seconds")
        time.sleep(POLL_SECONDS)


def figures(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """These members of a document, for comparing."""
    return {name: document.get(name) for name in names}


def _told(word: str, things: Counter[Hashable]) -> str:
    if not things:
        return ""
    named = ", ".join(f"{thing!r}" + (f" ×{count}" if count > 1 else "") for thing, count in things.most_common(SHOWN))
    more = f" and {len(things) - SHOWN} more" if len(things) > SHOWN else ""
    return f"{things.total()} {word}: {named}{more}; "
