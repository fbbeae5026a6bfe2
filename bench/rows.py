"""What a measurement says: a figure of ours beside a baseline of the same run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Figures = Mapping[str, float]
Side = Callable[[], Figures]


@dataclass(frozen=True, kw_only=True)
class Row:
    """`ours` and `baseline` have one figure for each round; round n of both was measured one after the other.

    `at_least` and `below` are targets for the ratio ours / baseline, or for the figure without a baseline.
    """

    path: str
    what: str
    unit: str
    ours: Sequence[float]
    against: str | None = None
    baseline: Sequence[float] = ()
    at_least: float | None = None
    below: float | None = None
    digits: int = field(default=0)

    @property
    def figure(self) -> float:
        return median(self.ours)

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios: what slows the whole machine for a while slows both sides."""
        if not self.baseline:
            return None
        return median(own / other for own, other in zip(self.ours, self.baseline, strict=True))

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        value = self.figure if self.ratio is None else self.ratio
        if self.at_least is not None:
            return value >= self.at_least
        return None if self.below is None else value < self.below

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.below is None else f"< {self.below:g}"

    def as_json(self) -> dict[str, Any]:
        kept = {
            "path": self.path,
            "what": self.what,
            "unit": self.unit,
            "median": self.figure,
            "rounds": list(self.ours),
            "against": self.against,
            "baseline_median": median(self.baseline) if self.baseline else None,
            "baseline_rounds": list(self.baseline),
            "ratio": self.ratio,
            "target": self.target or None,
            "met": self.met,
        }
        return {name: rounded(value) for name, value in kept.items() if value is not None and value != []}


def interleaved(sides: Mapping[str, Side], *, rounds: int) -> dict[str, list[Figures]]:
    """Each side once a round, in turn: A B C, A B C …"""
    found: dict[str, list[Figures]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return found


def of(rounds: Sequence[Figures], name: str) -> list[float]:
    """One figure of each round."""
    return [figures[name] for figures in rounds]


def rounded(value: Any) -> Any:
    """Four significant digits: there are no more in it."""
    if isinstance(value, list):
        return [rounded(number) for number in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
