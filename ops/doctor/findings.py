"""The findings of an examination."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ops.context import OpsContext


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A problem, and what to do about it. `wrong` needs an operator now, `advice` can wait."""

    severity: Literal["wrong", "advice"]
    what: str
    remedy: str


Check = Callable[[OpsContext], Iterable[Finding]]


def wrong(what: str, remedy: str) -> Finding:
    return Finding(severity="wrong", what=what, remedy=remedy)


def advice(what: str, remedy: str) -> Finding:
    return Finding(severity="advice", what=what, remedy=remedy)
