"""Messages of the other services as notifications reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ids import new_id
from shared.instants import instant_text
from shared.messaging.messages import TOMBSTONE_SEQUENCE, Message
from tests.support import message

CONTACTS = "uso.enrolment.contacts.v1"
ORGANISATIONS = "uso.enrolment.organisations.v1"
SEASONS = "uso.enrolment.seasons.v1"
ENROLMENTS = "uso.enrolment.enrolments.v1"
EVENTS = "uso.events.events.v1"
REGISTRATIONS = "uso.events.registrations.v1"
INVITATIONS = "uso.events.invitations.v1"


def in_(**span: float) -> str:
    """The instant that is so far ahead."""
    return instant_text(datetime.now(UTC) + timedelta(**span))


def contact(**changes: Any) -> dict[str, Any]:
    identifier = new_id()
    return {
        "id": identifier,
        "version": 1,
        "given_name": "Aino",
        "family_name": "Virtanen",
        "email": f"aino.{identifier[-6:]}@kunta.example",
        "language": "fi",
        "role": "officeholder",
        "organisation_id": None,
    } | changes


def organisation(**changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "version": 1,
        "kind": "municipality",
        "name": {"fi": "Tampere", "sv": "Tammerfors"},
    } | changes


def season(**changes: Any) -> dict[str, Any]:
    return {"id": new_id(), "version": 1, "number": 7, "name": {"fi": "Kausi 7"}, "state": "open"} | changes


def enrolment(of: dict[str, Any], season: dict[str, Any], *people: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "version": 1,
        "season_id": season["id"],
        "organisation_id": of["id"],
        "contact_ids": [person["id"] for person in people],
        "state": "inquiry",
    } | changes


def event(**changes: Any) -> dict[str, Any]:
    identifier = new_id()
    return {
        "id": identifier,
        "version": 2,
        "kind": "webinar",
        "title": {"fi": "Tilannekuva", "sv": "Lägesbild", "en": "Situation"},
        "description": {"fi": "Kerromme tilanteesta."},
        "starts_at": in_(days=30),
        "ends_at": in_(days=30, hours=1),
        "timezone": "Europe/Helsinki",
        "venue": None,
        "online_url": "https://meet.example/tilannekuva",
        "reminders": ["P7D", "PT2H"],
        "state": "published",
        "enrolment_id": None,
        "days": None,
        "updated_at": in_(days=-1),
        "calendar": {"uid": f"{identifier}@events.example", "sequence": 1},
    } | changes


def registration(of: dict[str, Any], who: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "version": 1,
        "created_at": in_(days=-20),
        "event_id": of["id"],
        "contact_id": who["id"] if who else None,
        "language": who["language"] if who else "fi",
        "state": "confirmed",
        "position": None,
        "person_sealed": None,
    } | changes


def invitation(to: dict[str, Any], who: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "version": 1,
        "event_id": to["id"],
        "contact_id": who["id"],
        "organisation_id": who["organisation_id"],
        "role": who["role"],
        "language": who["language"],
        "state": "sent",
        "answered_at": None,
        "reminded_at": None,
        "registration_id": None,
    } | changes


def came(topic: str, type: str, state: dict[str, Any], **options: Any) -> Message:
    """The message that tells of `state`."""
    return message(topic, type, dict(state), **options)


def known(topic: str, *states: dict[str, Any]) -> list[Message]:
    """Messages that only bring copies up to date."""
    noun = topic.split(".")[2].removesuffix("s")
    return [message(topic, f"{noun}.imported", dict(state)) for state in states]


def became(topic: str, type: str, state: dict[str, Any], to: str, *, reason: str | None = None, **kept: Any) -> Message:
    """The next version of `state` in another state; `state` itself is changed too."""
    change = {"from": state["state"], "to": to, "reason": reason}
    state.update({"state": to, "version": state["version"] + 1} | kept)
    return message(topic, type, dict(state), change=change)


def changed(state: dict[str, Any], **fields: Any) -> Message:
    """An event's `event.updated`."""
    differences = {name: {"from": state.get(name), "to": value} for name, value in fields.items()}
    sequence = state["calendar"]["sequence"] + 1
    state.update(fields | {"version": state["version"] + 1, "calendar": {**state["calendar"], "sequence": sequence}})
    return message(EVENTS, "event.updated", dict(state), change={"changed": differences})


def erased(topic: str, state: dict[str, Any]) -> Message:
    return message(topic, "tombstone", None, key=state["id"], sequence=TOMBSTONE_SEQUENCE)
