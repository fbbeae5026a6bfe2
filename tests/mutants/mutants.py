"""The mutants that are kept: faults that were tried, and that a test must notice."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A fault: `before` becomes `after` in the one file of `folder` that has it.

    `tests` are pytest's arguments; one of those tests must then fail.
    """

    name: str
    folder: str
    before: str
    after: str
    tests: tuple[str, ...]

    def file(self, root: Path) -> Path:
        """Where the fault belongs. Raises ValueError unless `before` stands just once in the folder."""
        texts = {path: path.read_text() for path in (root / self.folder).rglob("*.py")}
        found = [path for path, text in texts.items() for _ in range(text.count(self.before))]
        if len(found) != 1:
            raise ValueError(f"{self.name}: {self.before!r} stands {len(found)} times in {self.folder}, not once")
        return found[0]


def read_mutants() -> list[Mutant]:
    """All of them, from mutants.toml."""
    table = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())
    return [Mutant(name=name, **{**fields, "tests": tuple(fields["tests"])}) for name, fields in table.items()]
