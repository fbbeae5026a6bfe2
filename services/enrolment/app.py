"""The enrolment service put together: the only place that knows all of its parts."""

from ops.erasure.acknowledgements import acknowledgements, acknowledgements_topic, declared_topic
from ops.erasure.following import ERASING_INDEXES, ERASURES_TOPIC, erasing_task
from ops.extension import OPERATIONS
from services.enrolment.contacts import api as contacts
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.enrolments import api as enrolments
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.erasures import api as erasures
from services.enrolment.erasures.commands import erase_traces
from services.enrolment.erasures.domain import SERVICES
from services.enrolment.erasures.policies import TAKE_ACKNOWLEDGEMENT
from services.enrolment.erasures.store import ERASURES
from services.enrolment.imports import api as imports
from services.enrolment.imports.store import IMPORTS, ROWS, ROWS_INDEXES
from services.enrolment.merging import api as merging
from services.enrolment.merging.store import MERGES, MERGES_INDEXES
from services.enrolment.notes import api as notes
from services.enrolment.notes.store import NOTES
from services.enrolment.organisations import api as organisations
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.persons import api as persons
from services.enrolment.positions import api as positions
from services.enrolment.positions.commands import follow_days
from services.enrolment.projections import DELIVERIES, EVENTS, REGISTRATIONS
from services.enrolment.renewals import api as renewals
from services.enrolment.reports import api as reports
from services.enrolment.seasons import api as seasons
from services.enrolment.seasons.store import SEASONS
from services.enrolment.segments import api as segments
from services.enrolment.segments.store import SEGMENTS
from services.enrolment.succession import api as succession
from services.enrolment.tasks import api as tasks
from services.enrolment.tasks.store import TASKS
from services.enrolment.timeline import api as timeline
from services.enrolment.workshop_days import api as workshop_days
from services.enrolment.workshop_days.policies import EVENT_TYPES, EVENTS_TOPIC, follow_workshop
from services.enrolment.workshop_days.store import ENTRIES, ENTRIES_INDEXES, WORKSHOP_DAYS
from shared.messaging.subscriptions import Policy, Subscriptions
from shared.messaging.topics import state_topic
from shared.mongo.database import Database
from shared.periodic import PeriodicTask
from shared.service import Service
from shared.settings import Settings

SUBSCRIPTIONS: Subscriptions = {
    EVENTS_TOPIC: [EVENTS, Policy(name="workshop days", types=EVENT_TYPES, handle=follow_workshop)],
    "uso.events.registrations.v1": [REGISTRATIONS],
    "uso.notifications.deliveries.v1": [DELIVERIES],
    **{acknowledgements_topic(service): [TAKE_ACKNOWLEDGEMENT] for service in SERVICES},
}


def periodic_tasks(settings: Settings, db: Database) -> list[PeriodicTask]:
    """The timed work of the service's workers."""
    return [
        erasing_task(db, "enrolment", erase_traces),
        PeriodicTask(name="positions", run=lambda: follow_days(db), every=60.0),
    ]


SERVICE = Service(
    name="enrolment",
    description="Organisations, contacts, seasons and enrolments of the network, and their workshop days.",
    aggregates=[
        ORGANISATIONS,
        CONTACTS,
        SEASONS,
        ENROLMENTS,
        WORKSHOP_DAYS,
        NOTES,
        TASKS,
        SEGMENTS,
        IMPORTS,
        ERASURES,
        acknowledgements("enrolment"),
    ],
    topics=[
        state_topic(
            "uso.enrolment.organisations.v1",
            "Municipalities, wellbeing services counties, joint authorities and the other bodies of the network.",
        ),
        state_topic(
            "uso.enrolment.contacts.v1",
            "The people in them. No other topic has anybody's name, e-mail address or phone number.",
            personal=True,
        ),
        state_topic(
            "uso.enrolment.seasons.v1",
            "The rounds of the network: when each runs, what it is about and what an organisation gets in it.",
        ),
        state_topic(
            "uso.enrolment.enrolments.v1",
            "Each organisation's membership of a season, from first inquiry to completion, and its situation analysis.",
        ),
        state_topic(
            "uso.enrolment.workshop-days.v1",
            "Each enrolment's account of workshop days, in half days, with the newest entries of its ledger.",
        ),
        state_topic(
            "uso.enrolment.tasks.v1",
            "The tasks of staff: whose they are, what they are about and when they are due; titles stay inside.",
        ),
        state_topic(
            "uso.enrolment.segments.v1",
            "Saved questions over contacts, by which other services find their people: the question, not the people.",
        ),
        state_topic(
            ERASURES_TOPIC,
            "People who are to be forgotten, and who has done so: ids and moments, nothing of the person.",
        ),
        declared_topic("enrolment"),
    ],
    routes=[
        persons.routes,
        reports.routes,
        segments.routes,
        timeline.routes,
        renewals.routes,
        positions.routes,
        succession.routes,
        organisations.routes,
        contacts.routes,
        imports.routes,
        merging.routes,
        erasures.routes,
        seasons.routes,
        enrolments.routes,
        workshop_days.routes,
        notes.routes,
        tasks.routes,
    ],
    subscriptions=SUBSCRIPTIONS,
    tasks=periodic_tasks,
    collections={ENTRIES: ENTRIES_INDEXES, ROWS: ROWS_INDEXES, MERGES: MERGES_INDEXES, **ERASING_INDEXES},
    extensions=[OPERATIONS],
)
wsgi = SERVICE.wsgi
