"""The projections of the other services' resources: only the fields that rules read and texts show."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo import IndexModel

from ops.erasure.following import ContactsProjection
from shared.instants import parse_instant
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Projection
from shared.mongo.aggregates import Document
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

ENROLMENTS_TOPIC = "uso.enrolment.enrolments.v1"
EVENTS_TOPIC = "uso.events.events.v1"
REGISTRATIONS_TOPIC = "uso.events.registrations.v1"
INVITATIONS_TOPIC = "uso.events.invitations.v1"


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_by_language(value: Any) -> bool:
    """Texts by language, or one text for all of them."""
    return isinstance(value, str) or (
        isinstance(value, dict) and all(isinstance(text, str) for item in value.items() for text in item)
    )


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def is_calendar(value: Any) -> bool:
    return isinstance(value, dict) and is_text(value.get("uid")) and is_number(value.get("sequence"))


def is_about(value: Any) -> bool:
    """What a task is about."""
    return isinstance(value, dict) and is_text(value.get("kind")) and is_text(value.get("id"))


def only(instants: tuple[str, ...] = (), **kinds: Callable[[Any], bool]) -> Callable[[Message], Document]:
    """A projection's `keep` that keeps these fields of the state; `instants` become points in time.

    A field that is not of its kind becomes null, with a warning in the log: otherwise each mail that shows the
    field would fail.
    """
    return partial(_keep, instants, kinds)


def _keep(instants: Sequence[str], kinds: Mapping[str, Callable[[Any], bool]], message: Message) -> Document:
    state = message.state or {}
    kept: Document = {}
    for name, is_kind in kinds.items():
        kept[name] = _fitting(message, name, state.get(name), is_kind)
    for name in instants:
        text = _fitting(message, name, state.get(name), is_text)
        kept[name] = _instant(message, name, text) if text else None
    return kept


def _fitting(message: Message, name: str, value: Any, is_kind: Callable[[Any], bool]) -> Any:
    if value is None or is_kind(value):
        return value
    log.warning("a field of a message has the wrong type", message_id=message.id, topic=message.topic, field=name)
    return None


def _instant(message: Message, name: str, text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        log.warning("a field of a message is no instant", message_id=message.id, topic=message.topic, field=name)
        return None


CONTACTS = ContactsProjection(
    collection="contacts",
    keep=only(
        given_name=is_text,
        family_name=is_text,
        email=is_text,
        language=is_text,
        role=is_text,
        organisation_id=is_text,
        tags=is_texts,
        merged_into=is_text,
    ),
    indexes=[IndexModel("merged_into", name="merged", partialFilterExpression={"merged_into": {"$type": "string"}})],
)
ORGANISATIONS = Projection(
    collection="organisations",
    keep=only(name=is_by_language, kind=is_text, region=is_by_language, wellbeing_county=is_by_language),
)
SEASONS = Projection(collection="seasons", keep=only(number=is_number, name=is_by_language, state=is_text))
ENROLMENTS = Projection(
    collection="enrolments",
    keep=only(season_id=is_text, organisation_id=is_text, contact_ids=is_texts, state=is_text, coordinator=is_text),
    indexes=[
        IndexModel([("season_id", 1), ("state", 1)], name="season"),
        IndexModel([("contact_ids", 1), ("season_id", 1)], name="contacts"),
    ],
)
EVENTS = Projection(
    collection="events",
    keep=only(
        kind=is_text,
        title=is_by_language,
        description=is_by_language,
        venue=is_by_language,
        online_url=is_text,
        timezone=is_text,
        reminders=is_texts,
        state=is_text,
        calendar=is_calendar,
        enrolment_id=is_text,
        organisation_id=is_text,
        coordinator=is_text,
        days=is_number,
        instants=("starts_at", "ends_at", "updated_at"),
    ),
    indexes=[IndexModel([("state", 1), ("starts_at", 1)], name="coming")],
)
REGISTRATIONS = Projection(
    collection="registrations",
    keep=only(
        event_id=is_text,
        contact_id=is_text,
        organisation_id=is_text,
        language=is_text,
        role=is_text,
        state=is_text,
        position=is_number,
        person_sealed=is_text,
        calendar_sequence=is_number,
        instants=("created_at",),
    ),
    indexes=[
        IndexModel([("event_id", 1), ("state", 1), ("_id", 1)], name="event"),
        IndexModel("contact_id", name="contact"),
        IndexModel("created_at", name="created_at"),
    ],
)

INVITATIONS = Projection(
    collection="invitations",
    keep=only(event_id=is_text, contact_id=is_text, state=is_text),
    indexes=[IndexModel([("contact_id", 1), ("event_id", 1)], name="contact")],
)

TASKS = Projection(
    collection="tasks",
    keep=only(about=is_about, assignee=is_text, due_on=is_text, state=is_text),
    indexes=[IndexModel([("assignee", 1), ("state", 1), ("due_on", 1)], name="assignee")],
)

SEGMENTS = Projection(
    collection="segments",
    keep=only(
        name=is_text,
        organisation_ids=is_texts,
        kinds=is_texts,
        regions=is_texts,
        wellbeing_counties=is_texts,
        roles=is_texts,
        languages=is_texts,
        tags=is_texts,
        season_id=is_text,
        enrolment_states=is_texts,
    ),
    indexes=[IndexModel("name", name="name")],
)

PROJECTIONS = {
    "uso.enrolment.segments.v1": SEGMENTS,
    "uso.enrolment.tasks.v1": TASKS,
    "uso.enrolment.contacts.v1": CONTACTS,
    "uso.enrolment.organisations.v1": ORGANISATIONS,
    "uso.enrolment.seasons.v1": SEASONS,
    ENROLMENTS_TOPIC: ENROLMENTS,
    EVENTS_TOPIC: EVENTS,
    REGISTRATIONS_TOPIC: REGISTRATIONS,
    INVITATIONS_TOPIC: INVITATIONS,
}
