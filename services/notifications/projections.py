"""What notifications keeps of the other services: just what its rules ask and its texts show."""

from collections.abc import Callable

from pymongo import IndexModel

from shared.messaging.messages import Message
from shared.messaging.subscriptions import Projection
from shared.mongo.aggregates import Document
from shared.schemas import parse_instant

ENROLMENTS_TOPIC = "uso.enrolment.enrolments.v1"
EVENTS_TOPIC = "uso.events.events.v1"
REGISTRATIONS_TOPIC = "uso.events.registrations.v1"


def only(*fields: str, instants: tuple[str, ...] = ()) -> Callable[[Message], Document]:
    """Keeps these fields of the state; `instants` as points in time, so that they can be compared."""

    def keep(message: Message) -> Document:
        state = message.state or {}
        kept = {name: state.get(name) for name in fields}
        return kept | {name: parse_instant(state[name]) if state.get(name) else None for name in instants}

    return keep


CONTACTS = Projection(
    collection="contacts",
    keep=only("given_name", "family_name", "email", "language", "role", "organisation_id", "merged_into"),
)
ORGANISATIONS = Projection(collection="organisations", keep=only("name", "wellbeing_county"))
SEASONS = Projection(collection="seasons", keep=only("number", "name", "state"))
ENROLMENTS = Projection(
    collection="enrolments",
    keep=only("season_id", "organisation_id", "contact_ids", "state"),
    indexes=[IndexModel([("season_id", 1), ("state", 1)], name="season")],
)
EVENTS = Projection(
    collection="events",
    keep=only(
        *("kind", "title", "description", "venue", "online_url", "timezone", "reminders", "state", "calendar"),
        *("enrolment_id", "organisation_id", "days"),
        instants=("starts_at", "ends_at", "updated_at"),
    ),
    indexes=[IndexModel([("state", 1), ("starts_at", 1)], name="coming")],
)
REGISTRATIONS = Projection(
    collection="registrations",
    keep=only(
        *("event_id", "contact_id", "organisation_id", "language", "role", "state", "position", "person_sealed"),
        instants=("created_at",),
    ),
    indexes=[
        IndexModel([("event_id", 1), ("state", 1), ("_id", 1)], name="event"),
        IndexModel("contact_id", name="contact"),
    ],
)

PROJECTIONS = {
    "uso.enrolment.contacts.v1": CONTACTS,
    "uso.enrolment.organisations.v1": ORGANISATIONS,
    "uso.enrolment.seasons.v1": SEASONS,
    ENROLMENTS_TOPIC: ENROLMENTS,
    EVENTS_TOPIC: EVENTS,
    REGISTRATIONS_TOPIC: REGISTRATIONS,
}
