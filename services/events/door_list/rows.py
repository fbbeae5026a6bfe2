"""The list for the door: the people who come, as a table."""

import unicodedata
from collections.abc import Sequence

from services.events.people.registrants import person_of
from services.events.projections import CONTACTS, ORGANISATIONS
from services.events.registrations.store import BY_ARRIVAL, REGISTRATIONS, with_positions
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES
from shared.secrets import Secrets

COLUMNS = (
    "family_name",
    "given_name",
    "organisation",
    "role",
    "language",
    "mode",
    "state",
    "position",
    "registration_id",
)


def door_list(db: Database, secrets: Secrets, event_id: str) -> list[Document]:
    """A row for each live registration: first the people with a seat, by name, then the line in its order."""
    return [{name: row[name] for name in COLUMNS} for row in named_rows(db, secrets, event_id)]


def named_rows(db: Database, secrets: Secrets, event_id: str) -> list[Document]:
    """The rows of the door list, with each registration's answers to the questions that are not sensitive."""
    query = {"event_id": event_id, "state": {"$nin": ["cancelled", "refused"]}}
    found = with_positions(db, list(db[REGISTRATIONS.collection].find(query).sort(list(BY_ARRIVAL))))
    people = people_of(db, secrets, found)
    rows = [
        {
            **person,
            "role": registration["role"] or "",
            "language": registration["language"],
            "mode": registration.get("mode") or "",
            "state": registration["state"],
            "position": registration["position"],
            "registration_id": registration["_id"],
            "answers": registration.get("answers"),
        }
        for registration, person in zip(found, people, strict=True)
    ]
    return sorted((row for row in rows if row["position"] is None), key=_by_name) + [
        row for row in rows if row["position"]
    ]


def people_of(db: Database, secrets: Secrets, registrations: Sequence[Document]) -> list[dict[str, str]]:
    """For each registration the person's names and organisation, as far as they are known (else empty)."""
    contacts = _by_id(db, CONTACTS.collection, {registration["contact_id"] for registration in registrations})
    organisations = _by_id(
        db, ORGANISATIONS.collection, {registration["organisation_id"] for registration in registrations}
    )
    people = []
    for registration in registrations:
        who = person_of(secrets, registration) or contacts.get(registration["contact_id"]) or {}
        organisation = who.get("organisation") or _one_language(organisations.get(registration["organisation_id"]))
        people.append(
            {
                "family_name": who.get("family_name") or "",
                "given_name": who.get("given_name") or "",
                "organisation": organisation or "",
            }
        )
    return people


def _by_id(db: Database, collection: str, identifiers: set[str | None]) -> dict[str, Document]:
    return {row["_id"]: row for row in db[collection].find({"_id": {"$in": list(identifiers - {None})}})}


def _one_language(organisation: Document | None) -> str | None:
    names = (organisation or {}).get("name") or {}
    return next((names[language] for language in LANGUAGES if names.get(language)), None)


def _by_name(row: Document) -> tuple[str, str, str]:
    return _as_finns_sort(row["family_name"]), _as_finns_sort(row["given_name"]), row["registration_id"]


def _as_finns_sort(name: str) -> str:
    """The name in lower case and without accents; å, ä and ö sort after z (CLDR, fi and sv)."""
    moved = name.casefold().translate(_LAST_LETTERS)
    return "".join(letter for letter in unicodedata.normalize("NFD", moved) if not unicodedata.combining(letter))


# `{`, `|` and `}` are the three characters after z in ASCII.
_LAST_LETTERS = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})
