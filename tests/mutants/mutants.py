"""The mutants that are kept: faults that were tried, and that a test must notice."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A fault: `before` becomes `after` in `file`. `tests` are pytest's arguments, of which one must then fail."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def apply(self, text: str) -> str:
        """The file's text with the fault. Raises ValueError unless `before` stands there just once."""
        if text.count(self.before) != 1:
            raise ValueError(f"{self.name}: {self.before!r} stands {text.count(self.before)} times in {self.file}")
        return text.replace(self.before, self.after)


def read_mutants() -> list[Mutant]:
    """All of them, from mutants.toml."""
    table = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())
    return [Mutant(name=name, **{**fields, "tests": tuple(fields["tests"])}) for name, fields in table.items()]
