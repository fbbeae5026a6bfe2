"""An invariant that was looked at: how often, and where it does not hold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.faults.observed import Observed


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`examined` cases of the invariant `name`; `broken` has a sentence for each that does not hold."""

    name: str
    examined: int
    broken: Sequence[str]


Invariant = Callable[[Observed], Iterable[Verdict]]


def verdict(name: str, cases: Iterable[tuple[bool, str]]) -> Verdict:
    """Of cases: whether it holds, and what is to be said if it does not."""
    found = list(cases)
    return Verdict(name=name, examined=len(found), broken=[sentence for holds, sentence in found if not holds])
