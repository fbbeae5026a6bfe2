"""The enrolment service put together: the only place that knows all of its parts."""

from flask import Flask

from services.enrolment.organisations import api as organisations
from services.enrolment.organisations.store import ORGANISATIONS
from shared.http.app import create_app
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.topics import state_topic
from shared.mongo.database import Database, connect
from shared.processes import run_api, run_relay, run_worker
from shared.settings import Settings, read_settings

SERVICE = "enrolment"
AGGREGATES = [ORGANISATIONS]
TOPICS = [state_topic("uso.enrolment.organisations.v1")]
ROUTES = [organisations.routes]
SUBSCRIPTIONS: Subscriptions = {}


def build_app(settings: Settings, db: Database) -> Flask:
    """The service's HTTP interface on `db`."""
    return create_app(
        settings,
        title="USO enrolment",
        description="Organisations, contacts, seasons and enrolments of the network.",
        blueprints=[routes(db) for routes in ROUTES],
        checks={"mongodb": db.ping},
    )


def prepare(db: Database) -> None:
    """Makes the collections and indexes that do not exist yet."""
    db.prepare(AGGREGATES)


def wsgi() -> Flask:
    """What gunicorn's workers load."""
    settings, db = _open()
    prepare(db)
    return build_app(settings, db)


def run_api_process() -> None:
    run_api(read_settings(SERVICE), "services.enrolment.app:wsgi()")


def run_worker_process() -> None:
    settings, db = _open()
    run_worker(settings, db, prepare=lambda: prepare(db), subscriptions=SUBSCRIPTIONS)


def run_relay_process() -> None:
    settings, db = _open()
    run_relay(settings, db, prepare=lambda: prepare(db), topics=TOPICS)


def _open() -> tuple[Settings, Database]:
    settings = read_settings(SERVICE)
    return settings, connect(settings.mongodb_uri, settings.mongodb_database, process=settings.process_name)
