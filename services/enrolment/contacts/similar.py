"""Which two contacts are likely one person, how sure that is, and why. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from shared.search import fold

SAME_NAME, ONE_LETTER_OFF, SAME_PHONE, SAME_ORGANISATION = (
    "same_name",
    "one_letter_off",
    "same_phone",
    "same_organisation",
)
# Two people of one name in one organisation are rare, two of one name in the country are not.
SCORES: Mapping[frozenset[str], float] = {
    frozenset({SAME_NAME, SAME_PHONE, SAME_ORGANISATION}): 1.0,
    frozenset({SAME_NAME, SAME_PHONE}): 0.95,
    frozenset({SAME_NAME, SAME_ORGANISATION}): 0.9,
    frozenset({ONE_LETTER_OFF, SAME_PHONE, SAME_ORGANISATION}): 0.9,
    frozenset({ONE_LETTER_OFF, SAME_PHONE}): 0.8,
    frozenset({ONE_LETTER_OFF, SAME_ORGANISATION}): 0.7,
    frozenset({SAME_NAME}): 0.6,
    frozenset({SAME_PHONE, SAME_ORGANISATION}): 0.4,
}
MOST_ALIKE = 20
# Below, a warning would cry wolf: colleagues share a telephone.
WORTH_A_WARNING = 0.7


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """`score` is between 0 and 1; `reasons` are what the two have in common."""

    score: float
    reasons: Sequence[str]


def likeness(first: Mapping[str, Any], second: Mapping[str, Any]) -> Likeness | None:
    """How likely the two are one person; None when nothing speaks for it."""
    name, other = name_key(first), name_key(second)
    found = set()
    if name == other:
        found.add(SAME_NAME)
    elif is_one_letter_off(name, other):
        found.add(ONE_LETTER_OFF)
    if first.get("phone") and first["phone"] == second.get("phone"):
        found.add(SAME_PHONE)
    if first["organisation_id"] == second["organisation_id"]:
        found.add(SAME_ORGANISATION)
    score = SCORES.get(frozenset(found))
    return Likeness(score=score, reasons=sorted(found)) if score else None


def name_key(contact: Mapping[str, Any]) -> str:
    """The name as it is compared: without case, diacritics and punctuation, its words in alphabetical order.

    Whoever types the given name into the field of the family name has typed the same name.
    """
    words = f"{contact['given_name']} {contact['family_name']}".replace("-", " ").split()
    return " ".join(sorted("".join(filter(str.isalnum, fold(word))) for word in words))


def is_one_letter_off(first: str, second: str) -> bool:
    """Whether a letter too many, too few or wrong, or two that changed places, is all the difference."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    rest, other = first[start:], second[start:]
    swapped = rest[:2] == other[:2][::-1] and rest[2:] == other[2:] and len(rest) > 1
    return rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or swapped


def pairs(contacts: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Likeness]]:
    """Each likely pair once. Compared are those who share a name, a phone, or an organisation with a similar name."""
    groups: defaultdict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for contact in contacts:
        groups["name", name_key(contact)].append(contact)
        if contact.get("phone"):
            groups["phone", contact["phone"]].append(contact)
        for key in _neighbours(name_key(contact)):
            groups[contact["organisation_id"], key].append(contact)
    seen: set[frozenset[str]] = set()
    for group in groups.values():
        # A switchboard's number is nobody's own; of a common name all neighbours are a pair, not all with all.
        for first, second in combinations(group, 2) if len(group) <= MOST_ALIKE else pairwise(group):
            both = frozenset((first["_id"], second["_id"]))
            found = likeness(first, second)
            if found and len(both) == 2 and both not in seen:
                seen.add(both)
                yield first, second, found


def _neighbours(key: str) -> Iterator[str]:
    """The name, and the name with each letter left out: two that are one letter off share one of them."""
    yield key
    yield from {key[:i] + key[i + 1 :] for i in range(len(key))}
