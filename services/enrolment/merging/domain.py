"""Which values a merged contact has. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Invalid


def kept_fields(
    this: Mapping[str, Any], other: Mapping[str, Any], keep: Mapping[str, str], names: Iterable[str]
) -> dict[str, Any]:
    """The fields that differ from the other's: as `keep` says, else the other's where it has one; lists are joined.

    Raises Invalid for a field whose chosen value is required and absent.
    """
    found: dict[str, Any] = {}
    for name in names:
        mine, theirs = this.get(name), other.get(name)
        if name in keep:
            found[name] = mine if keep[name] == "this" else theirs
        elif isinstance(mine, list) and isinstance(theirs, list):
            found[name] = theirs + [item for item in mine if item not in theirs]
        else:
            found[name] = theirs if theirs not in (None, [], "") else mine
    return found


def check_different(this: str, other: str) -> None:
    """Raises Invalid for a contact that is to be merged into itself."""
    if this == other:
        raise Invalid({"into": ["A contact cannot be merged into itself."]})


def replaced(identifiers: Iterable[str], this: str, other: str) -> list[str]:
    """The ids with the other's in this one's place, each once."""
    return list(dict.fromkeys(other if identifier == this else identifier for identifier in identifiers))
