"""Finds the registration of each person in an attendance report, by e-mail address, else by name."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.events.attendance.teams import Attendee
from services.events.people.registrants import person_of
from services.events.projections import CONTACTS
from services.events.registrations.store import REGISTRATIONS
from shared.email_address import normalise_email
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.search import search_words
from shared.secrets import Secrets


def matched(db: Database, secrets: Secrets, event_id: str, attendees: Iterable[Attendee]) -> Document:
    """`matched` (with the registration and whole minutes), `unmatched`, and `ambiguous`: several have that name.

    A person who joined by two addresses has the sum of the minutes.
    """
    by_email, by_name = _people(db, secrets, event_id)
    seconds: dict[str, int] = {}
    people: dict[str, Attendee] = {}
    unmatched, ambiguous = [], []
    for attendee in attendees:
        found = by_email.get(normalise_email(attendee.email)) if attendee.email else None
        candidates = [found] if found else by_name.get(_key(attendee.name), [])
        if len(candidates) == 1:
            people.setdefault(candidates[0], attendee)
            seconds[candidates[0]] = seconds.get(candidates[0], 0) + attendee.seconds
        elif candidates:
            ambiguous.append({**_shown(attendee), "registration_ids": candidates})
        else:
            unmatched.append(_shown(attendee))
    done = [
        {**_shown(people[registration]), "registration_id": registration, "minutes": seconds[registration] // 60}
        for registration in people
    ]
    return {"matched": done, "unmatched": unmatched, "ambiguous": ambiguous}


def _people(db: Database, secrets: Secrets, event_id: str) -> tuple[dict[str, str], dict[tuple[str, ...], list[str]]]:
    query = {"event_id": event_id, "state": {"$nin": ["cancelled", "refused"]}}
    registrations = list(db[REGISTRATIONS.collection].find(query))
    wanted = [registration["contact_id"] for registration in registrations if registration["contact_id"]]
    contacts = {row["_id"]: row for row in db[CONTACTS.collection].find({"_id": {"$in": wanted}})}
    by_email: dict[str, str] = {}
    by_name: dict[tuple[str, ...], list[str]] = {}
    for registration in registrations:
        person: Mapping[str, Any] = person_of(secrets, registration) or contacts.get(registration["contact_id"]) or {}
        if person.get("email"):
            by_email[normalise_email(person["email"])] = registration["_id"]
        name = _key(f"{person.get('given_name') or ''} {person.get('family_name') or ''}")
        if name:
            by_name.setdefault(name, []).append(registration["_id"])
    return by_email, by_name


def _key(name: str) -> tuple[str, ...]:
    """The words of a name in any order: Teams writes `Lehto Anna (Kunta)` as well as `Anna Lehto`."""
    return tuple(sorted(search_words(name.partition("(")[0])))


def _shown(attendee: Attendee) -> Document:
    return {"name": attendee.name, "email": attendee.email, "minutes": attendee.seconds // 60}
