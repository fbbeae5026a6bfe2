"""Whom mail may go to at all: everybody, or on a system for trying things out just a few. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.email_address import normalise_email


@dataclass(frozen=True, kw_only=True)
class AllowList:
    """Addresses and domains (`example.org`); empty: everybody."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "AllowList":
        """Raises ValueError for what is neither an address nor a domain."""
        given = [entry.strip().removeprefix("@") for entry in entries if entry.strip()]
        if any(entry.count("@") > 1 or " " in entry for entry in given):
            raise ValueError("give addresses and domains with commas")
        return cls(
            addresses=frozenset(normalise_email(entry) for entry in given if "@" in entry),
            domains=frozenset(_domain(f"x@{entry}") for entry in given if "@" not in entry),
        )

    def __str__(self) -> str:
        return ",".join(sorted(self.addresses | self.domains))

    def lets_through(self, email: str) -> bool:
        if not self.addresses and not self.domains:
            return True
        return normalise_email(email) in self.addresses or _domain(email) in self.domains


EVERYBODY = AllowList()


def _domain(email: str) -> str:
    return normalise_email(email).rpartition("@")[2]
