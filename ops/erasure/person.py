"""The person who is erased, and their traces: names, addresses and numbers in documents, messages and texts."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.email_address import normalise_email

ERASED = "[erased]"
# The fields that describe a person in every document that has their id or address.
PERSONAL = frozenset({"given_name", "family_name", "email", "email_key", "phone", "title", "search"})
# The fields by which a document names the person that it is about.
NAMED_BY = ("_id", "id", "contact_id", "subject")
# People write these characters between the digits of a telephone number.
GAP = r"[\s()/-]*"


@dataclass(frozen=True, kw_only=True)
class Person:
    """`contact_id` and what is known of the contact; `full_name` is empty when a namesake has it too."""

    contact_id: str
    email: str = ""
    phone: str = ""
    full_name: tuple[str, str] | None = None

    def redacted(self, value: Any) -> Any:
        """`value` without everything that identifies the person; `value` itself when it has nothing of that kind."""
        if isinstance(value, str):
            found = self._pattern.sub(ERASED, value) if self._pattern else value
            return value if found == value else found
        if isinstance(value, bytes):
            return self._redacted_bytes(value)
        if isinstance(value, Mapping):
            return self._redacted_document(value)
        if isinstance(value, list):
            items = [self.redacted(item) for item in value]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        return value

    def mentioned_in(self, value: Any) -> bool:
        """Whether `value` holds the person's id or anything that identifies them."""
        return self.contact_id in repr(value) or self.redacted(value) is not value

    def _redacted_bytes(self, value: bytes) -> bytes:
        """Redacts JSON as a document: the two halves of a name are separate fields in it."""
        text = value.decode(errors="surrogateescape")
        if self.contact_id not in text and not (self._pattern and self._pattern.search(text)):
            return value
        try:
            document = json.loads(text)
        except ValueError:
            return str(self.redacted(text)).encode(errors="surrogateescape")
        redacted = self.redacted(document)
        if redacted is document:
            return value
        return json.dumps(redacted, ensure_ascii=False, separators=(",", ":")).encode()

    def _redacted_document(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        theirs = self._is_theirs(document)
        new = {name: None if theirs and name in PERSONAL else self.redacted(old) for name, old in document.items()}
        state = document.get("state")
        if "change" in document and isinstance(state, Mapping) and "family_name" in state and self._is_theirs(state):
            new["change"] = {}  # `changed` has the old and new names under the names of the fields alone
        return document if all(new[name] is document[name] for name in document) else new

    def _is_theirs(self, document: Mapping[str, Any]) -> bool:
        email = document.get("email")
        return any(document.get(name) == self.contact_id for name in NAMED_BY) or bool(
            self.email and isinstance(email, str) and normalise_email(email) == self.email
        )

    @property
    def _pattern(self) -> re.Pattern[str] | None:
        return _pattern(self)


def person_of(contact_id: str, contact: Mapping[str, Any], *, has_namesake: bool) -> Person:
    """The person, from the fields that the service has of the contact. A name that two people share is no trace."""
    given, family = contact.get("given_name") or "", contact.get("family_name") or ""
    return Person(
        contact_id=contact_id,
        email=normalise_email(contact.get("email") or ""),
        phone=contact.get("phone") or "",
        full_name=(given, family) if given and family and not has_namesake else None,
    )


@lru_cache(maxsize=4)
def _pattern(person: Person) -> re.Pattern[str] | None:
    """A pattern of everything that names the person in a text."""
    alternatives = list(_alternatives(person))
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


def _alternatives(person: Person) -> Sequence[str]:
    found = []
    if person.email:
        found.append(rf"(?<![\w.+-]){re.escape(person.email)}(?![\w-])")
    if person.full_name:
        given, family = (re.escape(name) for name in person.full_name)
        found.append(rf"(?<!\w)(?:{given}\s+{family}|{family},?\s+{given})(?!\w)")
    digits = re.sub(r"\D", "", person.phone.partition(";")[0])
    if digits:
        # +358 40 123 4567 is written 040 123 4567 at home.
        national = GAP.join(digits.removeprefix("358"))
        found.append(rf"(?<!\d)(?:(?:\+|00){GAP}358{GAP}(?:\(0\)\s*)?|0)?{national}(?!\d)")
    return found
