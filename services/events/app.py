"""The events service put together: the only place that knows all of its parts."""

from collections.abc import Iterable, Sequence

from ops.erasure.acknowledgements import acknowledgements, declared_topic
from ops.erasure.following import ERASING_INDEXES, ERASURES_TOPIC, NOTE_REQUEST, erasing_task
from ops.extension import OPERATIONS
from services.events.attendance import api as attendance
from services.events.attendance.commands import SCANS, SCANS_INDEXES
from services.events.calendars import api as calendars
from services.events.calendars import public as public_calendars
from services.events.calendars.links import CALENDAR_LINKS
from services.events.documents import api as documents
from services.events.door_list import api as door_list
from services.events.doors import api as door_links
from services.events.doors import public as doors
from services.events.erasure import erasing
from services.events.events import api as events
from services.events.events.policies import WORKSHOP_DAYS_TOPIC, WORKSHOP_DAYS_TYPES, take_answer
from services.events.events.store import EVENTS
from services.events.feedback import api as feedback
from services.events.feedback.store import ANONYMOUS, ANONYMOUS_INDEXES
from services.events.held_seats import release_all
from services.events.invitations import api as invitations
from services.events.invitations import public as public_invitations
from services.events.invitations.store import INVITATIONS
from services.events.merging import FOLLOW_MERGE, FOLLOW_UNMERGE, merging_task
from services.events.offers import end_offers
from services.events.people.registrants import MAILS, MAILS_INDEXES
from services.events.people.resealing import reseal_registrations
from services.events.people.retention import retention_task
from services.events.personal_data import api as personal_data
from services.events.projections import CONTACTS_TOPIC, PROJECTIONS
from services.events.public import api as public
from services.events.public import participants
from services.events.public.pages import WORDS
from services.events.questions import api as answers
from services.events.questions.answers import SENSITIVE, SENSITIVE_INDEXES
from services.events.registrations import api as registrations
from services.events.registrations.admission import RegistrationBatcher
from services.events.registrations.seats import SEATS, SEATS_INDEXES
from services.events.registrations.store import REGISTRATIONS
from services.events.settings import RetentionSettings
from services.events.unanswered import refuse_unanswered
from shared.messaging.subscriptions import Handler, Policy, Subscriptions
from shared.messaging.topics import state_topic
from shared.mongo.database import Database
from shared.pages.blueprint import pages_blueprint
from shared.periodic import PeriodicTask
from shared.secrets import Secrets
from shared.service import Service
from shared.settings import Settings

POLICIES: dict[str, Sequence[Handler]] = {
    WORKSHOP_DAYS_TOPIC: [Policy(name="workshop days", types=WORKSHOP_DAYS_TYPES, handle=take_answer)],
    ERASURES_TOPIC: [NOTE_REQUEST],
}
SUBSCRIPTIONS: Subscriptions = {
    **{topic: [copy] for topic, copy in PROJECTIONS.items()},
    **POLICIES,
    CONTACTS_TOPIC: [PROJECTIONS[CONTACTS_TOPIC], FOLLOW_MERGE, FOLLOW_UNMERGE],
}


def provides(settings: Settings, db: Database) -> Iterable[object]:
    """The objects that views get by their type with `the`."""
    return [Secrets(sealing_keys=settings.sealing_keys, signing_keys=settings.signing_keys), RegistrationBatcher(db)]


def tasks(settings: Settings, db: Database) -> list[PeriodicTask]:
    """The timed work of the service's workers."""
    secrets = Secrets(sealing_keys=settings.sealing_keys, signing_keys=settings.signing_keys)
    return [
        PeriodicTask(name="offers", run=lambda: end_offers(db), every=1.0),
        PeriodicTask(name="held seats", run=lambda: release_all(db), every=5.0),
        PeriodicTask(name="unanswered workshops", run=lambda: refuse_unanswered(db), every=60.0),
        reseal_registrations(db, secrets),
        merging_task(db),
        erasing_task(db, "events", erasing(secrets)),
        retention_task(db, days=RetentionSettings.read().guests_days),
    ]


SERVICE = Service(
    name="events",
    description="Webinars, seminars and workshops, and who comes to them.",
    aggregates=[EVENTS, REGISTRATIONS, INVITATIONS, CALENDAR_LINKS, acknowledgements("events")],
    topics=[
        state_topic("uso.events.events.v1", "Webinars, seminars and workshops, from draft to completed or cancelled."),
        state_topic(
            "uso.events.registrations.v1",
            "Who has a place at an event or stands in line for one: a contact's id, or a person encrypted.",
            personal=True,
            busy=True,
        ),
        state_topic("uso.events.invitations.v1", "Who was invited to which event, and their answers without reasons."),
        declared_topic("events"),
    ],
    routes=[
        events.routes,
        registrations.routes,
        door_list.routes,
        door_links.routes,
        doors.routes,
        answers.routes,
        feedback.routes,
        attendance.routes,
        calendars.routes,
        public_calendars.routes,
        public_calendars.public_routes,
        documents.routes,
        documents.public_routes,
        invitations.routes,
        personal_data.routes,
        public.routes,
        participants.routes,
        public_invitations.routes,
        pages_blueprint(WORDS),
    ],
    provides=provides,
    subscriptions=SUBSCRIPTIONS,
    tasks=tasks,
    collections={
        SEATS: SEATS_INDEXES,
        MAILS: MAILS_INDEXES,
        SENSITIVE: SENSITIVE_INDEXES,
        SCANS: SCANS_INDEXES,
        ANONYMOUS: ANONYMOUS_INDEXES,
        **ERASING_INDEXES,
    },
    extensions=[OPERATIONS],
)
wsgi = SERVICE.wsgi
