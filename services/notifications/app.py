"""The notifications service put together: the only place that knows all of its parts."""

from collections.abc import Sequence

from flask import Flask

from services.notifications.copies import COPIES, ENROLMENTS_TOPIC, EVENTS_TOPIC, REGISTRATIONS_TOPIC
from services.notifications.deliveries import api as deliveries
from services.notifications.deliveries.commands import queue_what_is_due
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.preferences import api as preferences
from services.notifications.preferences import public
from services.notifications.preferences.store import PREFERENCES
from services.notifications.rules.policies import WAITING_INDEXES, RuleBook, follow_waiting, forget_a_contact
from services.notifications.rules.reminders import REMINDED_INDEXES, remind
from services.notifications.rules.table import ENROLMENT_RULES, EVENT_RULES, REGISTRATION_RULES
from services.notifications.sending.letters import LetterWriter
from services.notifications.sending.sender import Sender
from services.notifications.sending.smtp import Session
from services.notifications.settings import MailSettings, read_mail_settings
from services.notifications.suppressions import api as suppressions
from services.notifications.suppressions.store import SUPPRESSIONS
from services.notifications.templates import api as templates
from services.notifications.templates.store import TEMPLATES
from shared.http.app import create_app
from shared.messaging.subscriptions import Handler, Policy, Subscriptions, Task
from shared.messaging.topics import state_topic
from shared.mongo.database import Database, connect
from shared.processes import run_api, run_relay, run_worker
from shared.secrets import Secrets
from shared.settings import Settings, read_settings

SERVICE = "notifications"
AGGREGATES = [DELIVERIES, PREFERENCES, SUPPRESSIONS, TEMPLATES]
INDEXES = {**{copy.collection: copy.indexes for copy in COPIES.values()}, **WAITING_INDEXES, **REMINDED_INDEXES}
TOPICS = [state_topic("uso.notifications.deliveries.v1")]
ROUTES = [deliveries.routes, preferences.routes, suppressions.routes, templates.routes]
ROUTES_TO_PEOPLE = [public.routes]

POLICIES: dict[str, Sequence[Handler]] = {
    "uso.enrolment.contacts.v1": [
        Policy(name="forget a contact", types=frozenset({"tombstone"}), handle=forget_a_contact)
    ],
    ENROLMENTS_TOPIC: [RuleBook(name="enrolments", rules=ENROLMENT_RULES)],
    REGISTRATIONS_TOPIC: [RuleBook(name="registrations", rules=REGISTRATION_RULES)],
    EVENTS_TOPIC: [RuleBook(name="events", rules=EVENT_RULES)],
}
SUBSCRIPTIONS: Subscriptions = {topic: [copy, *POLICIES.get(topic, ())] for topic, copy in COPIES.items()}


def tasks(settings: Settings, mail: MailSettings, db: Database) -> list[Task]:
    """What time brings: the senders look for due deliveries every 20 ms, so that mail leaves at once."""
    writer = LetterWriter(db, Secrets(settings.secret_keys), mail, settings.public_urls)
    senders = [Sender(db, writer, Session(mail.smtp, helo=mail.domain)) for _ in range(mail.sender_threads)]
    return [
        Task(name="due deliveries", run=lambda: queue_what_is_due(db), every=0.5),
        Task(name="reminders", run=lambda: remind(db), every=1.0),
        Task(name="waiting messages", run=lambda: follow_waiting(db, EVENT_RULES), every=0.25),
        *(
            Task(name=f"sender {number}", run=sender.run, every=0.02, stop=sender.stop)
            for number, sender in enumerate(senders, 1)
        ),
    ]


def build_app(settings: Settings, db: Database) -> Flask:
    """The service's HTTP interface on `db`."""
    secrets = Secrets(settings.secret_keys)
    return create_app(
        settings,
        title="USO notifications",
        description="E-mails: their texts, to whom they go and why, and what became of them.",
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
    run_api(read_settings(SERVICE), "services.notifications.app:wsgi()")


def run_worker_process() -> None:
    settings, db = _open()
    mail = read_mail_settings()
    run_worker(
        settings,
        db,
        prepare=lambda: prepare(db),
        subscriptions=SUBSCRIPTIONS,
        tasks=tasks(settings, mail, db),
    )


def run_relay_process() -> None:
    settings, db = _open()
    run_relay(settings, db, prepare=lambda: prepare(db), topics=TOPICS)


def _open() -> tuple[Settings, Database]:
    settings = read_settings(SERVICE)
    return settings, connect(settings.mongodb_uri, settings.mongodb_database, process=settings.process_name)
