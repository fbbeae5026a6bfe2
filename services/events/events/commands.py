"""The commands on events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import InsertOne

from services.events.events.copying import copied
from services.events.events.domain import NotChangeable, check_changeable, check_settled, next_state, seats_grow
from services.events.events.schemas import EventInput, EventShown
from services.events.events.store import EVENTS, EventDocument, with_search_words
from services.events.people.registrants import Registrant
from services.events.projections import ENROLMENTS, SEASONS
from services.events.questions.answers import keep_until
from services.events.registrations.admission import Request, admit
from services.events.registrations.seats import SEATS, fill_seats, new_seats, next_sequence, plan_release
from services.events.registrations.store import REGISTRATIONS
from shared.errors import NotArrivedYet
from shared.ids import new_id
from shared.merge_patch import patched
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

INPUT, SHOWN = EventInput(), EventShown()


def create_event(uow: UnitOfWork, fields: dict[str, Any]) -> EventDocument:
    """A new draft. Raises NotArrivedYet when its enrolment or season is not known here."""
    event_id = new_id()
    start = {"_id": event_id, "state": "draft", "calendar": {"uid": f"{event_id}@events.uso", "sequence": 0}}
    event = {**_with_references(uow, fields), **start}
    uow.write(SEATS, InsertOne(new_seats(event_id)))
    if event.get("held_seats"):
        plan_release(uow, event)
    return uow.insert(EVENTS, event, "event.created")


def copy_event(
    uow: UnitOfWork, event_id: str, starts: Sequence[datetime], *, series: bool = False
) -> list[EventDocument]:
    """Drafts that start then, with the event's texts, limits and questions; dates and deadlines move along.

    `series`: the event and its copies share a `series_id`. Workshops have days of their own, which no copy can have.
    Raises NotFound, NotChangeable for a workshop.
    """
    event = uow.get(EVENTS, event_id)
    if event["kind"] == "workshop":
        raise NotChangeable("A workshop's days belong to it alone: draft another.")
    series_id = (event.get("series_id") or new_id()) if series else None
    if series and not event.get("series_id"):
        save_event(uow, event, {"series_id": series_id}, "event.updated")
    fields = {name: event[name] for name in INPUT.load_fields if name in event}  # type: ignore[literal-required]
    return [create_event(uow, {**copied(fields, start), "series_id": series_id}) for start in starts]


def change_event(
    uow: UnitOfWork, event_id: str, patch: dict[str, Any], speakers: Sequence[Registrant] = ()
) -> EventDocument:
    """Applies a merge patch. In the same transaction the line gets the seats that the patch adds.

    A capacity below the number of seated people takes no seat away: nobody gets a new seat until there is room
    again. Raises NotFound, Stale, Invalid, NotArrivedYet, NotChangeable.
    """
    event = uow.get(EVENTS, event_id)
    check_changeable(event)
    fields = patched(SHOWN.dump(event), patch, INPUT)
    check_settled(event, fields)
    after = save_event(uow, event, _with_references(uow, fields), "event.updated")
    if after["ends_at"] != event["ends_at"]:
        keep_until(uow, event_id, after["ends_at"])
    if event.get("held_seats") or after["held_seats"]:
        plan_release(uow, after)
    if seats_grow(event, after):
        fill_seats(uow, after)
    if after["state"] == "published":
        seat_speakers(uow, event_id, speakers)
    return after


def move_event(
    uow: UnitOfWork, event_id: str, *, to: str, reason: str | None, speakers: Sequence[Registrant] = ()
) -> EventDocument:
    """Moves the event to its next state. Its registrations keep their states, even when it is cancelled.

    Raises NotFound, Stale, IllegalTransition, Invalid.
    """
    event = uow.get(EVENTS, event_id)
    after = step(uow, event, next_state(event["kind"], event["state"], to), reason)
    if after["state"] == "published":
        seat_speakers(uow, event_id, speakers)
    return after


def seat_speakers(uow: UnitOfWork, event_id: str, speakers: Sequence[Registrant]) -> None:
    """Registers those who speak and are not registered yet, whatever the limits say."""
    keys = [key for speaker in speakers for key in speaker.keys]
    live = {"event_id": event_id, "person_keys": {"$in": keys}, "live": True}
    known = {key for row in uow.find(REGISTRATIONS.collection, live) for key in row["person_keys"]} if keys else set()
    requests = [
        Request(registrant=speaker, override="speaker") for speaker in speakers if known.isdisjoint(speaker.keys)
    ]
    for request in requests:
        request.cause = uow.cause
    if requests:
        admit(uow, event_id, requests)


def step(uow: UnitOfWork, event: EventDocument, to: str, reason: str | None) -> EventDocument:
    """Saves the event in the state `to`, with its message."""
    changes: Document = {"state": to}
    if to == "awaiting_days":
        changes |= {"awaiting_since_version": event["version"] + 1, "refusal_reason": None}
    if to == "refused":
        changes["refusal_reason"] = reason
    change = {"from": event["state"], "to": to, "reason": reason}
    return save_event(uow, event, changes, "event.transitioned", change)


def save_event(
    uow: UnitOfWork, event: EventDocument, changes: Mapping[str, Any], type: str, change: dict[str, Any] | None = None
) -> EventDocument:
    """The changes with the next SEQUENCE: calendar programs ignore an update without one (RFC 5545, 3.8.7.4)."""
    if all(event.get(name) == value for name, value in changes.items()):
        return event
    sequence = next_sequence(uow, event["_id"], event["calendar"]["sequence"])
    calendar = {**event["calendar"], "sequence": sequence}
    return uow.save(EVENTS, event, {**changes, "calendar": calendar}, type, change=change)


def _with_references(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """The fields, with the season and the organisation that follow from the enrolment and the audience."""
    enrolment: Document | None = None
    if fields.get("enrolment_id"):
        enrolment = unless_erased(uow.find_one(ENROLMENTS.collection, {"_id": fields["enrolment_id"]}))
        if enrolment is None:
            raise NotArrivedYet("enrolment_id", "enrolment")
    audience = fields.get("audience") or (
        {"open_to": "season", "season_id": enrolment["season_id"], "roles": []}
        if enrolment
        else {"open_to": "public", "roles": []}
    )
    season_id = audience.get("season_id")
    if (fields.get("audience") or {}).get("season_id") and unless_erased(
        uow.find_one(SEASONS.collection, {"_id": season_id})
    ) is None:
        raise NotArrivedYet("audience.season_id", "season")
    return with_search_words(
        {
            **fields,
            "audience": audience,
            "season_id": enrolment["season_id"] if enrolment else season_id,
            "organisation_id": enrolment["organisation_id"] if enrolment else None,
        }
    )
