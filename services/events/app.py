"""The events service put together: the only place that knows all of its parts."""

from collections.abc import Sequence

from flask import Flask

from services.events.calendars import api as calendars
from services.events.copies import COPIES
from services.events.events import api as events
from services.events.events.policies import WORKSHOP_DAYS_TOPIC, WORKSHOP_DAYS_TYPES, take_answer
from services.events.events.store import EVENTS
from services.events.public import api as public
from services.events.registrations import api as registrations
from services.events.registrations.seats import SEATS
from services.events.registrations.store import REGISTRATIONS
from shared.http.app import create_app
from shared.messaging.subscriptions import Handler, Policy, Subscriptions
from shared.messaging.topics import state_topic
from shared.mongo.database import Database, connect
from shared.processes import run_api, run_relay, run_worker
from shared.secrets import Secrets
from shared.settings import Settings, read_settings

SERVICE = "events"
AGGREGATES = [EVENTS, REGISTRATIONS]
INDEXES = {**{copy.collection: copy.indexes for copy in COPIES.values()}, SEATS: []}
TOPICS = [state_topic("uso.events.events.v1"), state_topic("uso.events.registrations.v1", personal=True)]
ROUTES = [events.routes, calendars.routes]
ROUTES_TO_PEOPLE = [registrations.routes, public.routes]

POLICIES: dict[str, Sequence[Handler]] = {
    WORKSHOP_DAYS_TOPIC: [Policy(name="workshop days", types=WORKSHOP_DAYS_TYPES, handle=take_answer)],
}
SUBSCRIPTIONS: Subscriptions = {
    **{topic: [copy, *POLICIES.get(topic, ())] for topic, copy in COPIES.items()},
    WORKSHOP_DAYS_TOPIC: POLICIES[WORKSHOP_DAYS_TOPIC],
}


def build_app(settings: Settings, db: Database) -> Flask:
    """The service's HTTP interface on `db`."""
    secrets = Secrets(settings.secret_keys)
    return create_app(
        settings,
        title="USO events",
        description="Webinars, seminars and workshops, and who comes to them.",
        blueprints=[*(routes(db) for routes in ROUTES), *(routes(db, secrets) for routes in ROUTES_TO_PEOPLE)],
        checks={"mongodb": db.ping},
    )


def prepare(db: Database) -> None:
    """Makes the collections and indexes that do not exist yet."""
    db.prepare(AGGREGATES, INDEXES)


def wsgi() -> Flask:
    """What gunicorn's workers load."""
    settings, db = _open()
    prepare(db)
    return build_app(settings, db)


def run_api_process() -> None:
    run_api(read_settings(SERVICE), "services.events.app:wsgi()")


def run_worker_process() -> None:
    settings, db = _open()
    run_worker(settings, db, prepare=lambda: prepare(db), subscriptions=SUBSCRIPTIONS)


def run_relay_process() -> None:
    settings, db = _open()
    run_relay(settings, db, prepare=lambda: prepare(db), topics=TOPICS)


def _open() -> tuple[Settings, Database]:
    settings = read_settings(SERVICE)
    return settings, connect(settings.mongodb_uri, settings.mongodb_database, process=settings.process_name)
