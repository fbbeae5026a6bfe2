"""Things that events is told of or asked for."""

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
WORKSHOP_DAYS = "uso.enrolment.workshop-days.v1"
EVENTS = "uso.events.events.v1"
REGISTRATIONS = "uso.events.registrations.v1"


def in_(**span: float) -> str:
    """The instant that is so far ahead."""
    return instant_text(datetime.now(UTC) + timedelta(**span))


def webinar(**changes: Any) -> dict[str, Any]:
    """The body of a new webinar; None leaves a field out."""
    usual = {
        "kind": "webinar",
        "title": {"fi": "Tilannekuva", "sv": "Lägesbild"},
        "starts_at": in_(days=30),
        "ends_at": in_(days=30, hours=1),
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def workshop(enrolment: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return webinar(**({"kind": "workshop", "enrolment_id": enrolment["id"], "days": 1.5} | changes))


def person(number: int = 1, **changes: Any) -> dict[str, Any]:
    usual = {
        "given_name": f"Aino{number}",
        "family_name": "Meriläinen",
        "email": f"aino.{number}@yliopisto.example",
        "organisation": "Esimerkkiyliopisto",
        "language": "sv",
    }
    return usual | changes


def contact(of: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    identifier = new_id()
    return {
        "id": identifier,
        "version": 1,
        "given_name": "Eero",
        "family_name": "Korhonen",
        "email": f"Eero.{identifier[-6:]}@Kunta.example",
        "phone": "+358401234567",
        "language": "fi",
        "role": "officeholder",
        "organisation_id": of["id"] if of else None,
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


def enrolment(of: dict[str, Any], season: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "version": 1,
        "season_id": season["id"],
        "organisation_id": of["id"],
        "contact_ids": [],
        "state": "active",
    } | changes


def known(topic: str, *states: dict[str, Any]) -> list[Message]:
    """Messages that bring copies up to date."""
    noun = topic.split(".")[2].removesuffix("s")
    return [message(topic, f"{noun}.updated", state) for state in states]


def erased(topic: str, state: dict[str, Any]) -> Message:
    return message(topic, "tombstone", None, key=state["id"], sequence=TOMBSTONE_SEQUENCE)


def answered(event: dict[str, Any], kind: str, *, reason: str | None = None, **changes: Any) -> dict[str, Any]:
    """A ledger's entry for what the event asked in its present version."""
    return {
        "id": new_id(),
        "kind": kind,
        "half_days": 3,
        "event_id": event["id"],
        "event_version": event["version"],
        "reason": reason,
    } | changes


def account(event: dict[str, Any], *ledger: dict[str, Any], version: int = 2, newest: str | None = None) -> Message:
    """The account of the event's enrolment, as the message of its newest entry tells it."""
    state = {
        "id": event["enrolment_id"],
        "version": version,
        "enrolment_id": event["enrolment_id"],
        "ledger": list(ledger),
    }
    return message(WORKSHOP_DAYS, f"workshop_days.{newest or ledger[-1]['kind']}", state)
