"""The notifications service put together: the only place that knows all of its parts."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from ops.erasure.acknowledgements import acknowledgements, declared_topic
from ops.erasure.following import ERASING_INDEXES, ERASURES_TOPIC, NOTE_REQUEST, erasing_task
from ops.extension import OPERATIONS
from services.notifications import rhythms
from services.notifications.announcements import api as announcements
from services.notifications.announcements.sending import send_announcements
from services.notifications.announcements.store import ANNOUNCEMENTS
from services.notifications.bounces import api as bounces
from services.notifications.bounces.mailbox import read_mailbox
from services.notifications.deliveries import api as deliveries
from services.notifications.deliveries.commands import queue_what_is_due
from services.notifications.deliveries.domain import LANES, URGENT
from services.notifications.deliveries.recall import recall
from services.notifications.deliveries.retention import forget_old_texts
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.erasure import erase_deliveries
from services.notifications.explanations import api as explanations
from services.notifications.merging import FOLLOW_MERGE, FOLLOW_UNMERGE
from services.notifications.personal_data import api as personal_data
from services.notifications.preferences import api as preferences
from services.notifications.preferences import public
from services.notifications.preferences.pages import WORDS
from services.notifications.preferences.store import PREFERENCES
from services.notifications.projections import (
    ENROLMENTS_TOPIC,
    EVENTS_TOPIC,
    INVITATIONS_TOPIC,
    PROJECTIONS,
    REGISTRATIONS_TOPIC,
)
from services.notifications.rules.fan_outs import FAN_OUTS_INDEXES, fan_out
from services.notifications.rules.policies import RuleBook, forget_a_contact
from services.notifications.rules.reminders import REMINDED_INDEXES, remind
from services.notifications.rules.table import ENROLMENT_RULES, EVENT_RULES, INVITATION_RULES, REGISTRATION_RULES
from services.notifications.rules.waiting import follow_waiting
from services.notifications.rules.waiting_messages import WAITING_INDEXES
from services.notifications.sending.backlog import note_the_oldest
from services.notifications.sending.mail_composer import MailComposer
from services.notifications.sending.pace import PACE, Pace
from services.notifications.sending.sender import Sender
from services.notifications.sending.smtp import Session
from services.notifications.settings import RecipientSettings, read_mail_settings
from services.notifications.staff import api as staff
from services.notifications.staff.digests import send_digests, tell_overdue_tasks
from services.notifications.staff.store import STAFF
from services.notifications.suppressions import api as suppressions
from services.notifications.suppressions.store import SUPPRESSIONS
from services.notifications.templates import api as templates
from services.notifications.templates.store import TEMPLATES
from services.notifications.webhook_settings import WebhookSettings
from services.notifications.webhooks import api as webhooks
from services.notifications.webhooks.caller import WebhookCaller
from services.notifications.webhooks.domain import TOPICS as WEBHOOK_TOPICS
from services.notifications.webhooks.messages import QueueCalls
from services.notifications.webhooks.store import WEBHOOK_INDEXES, WEBHOOKS
from shared.messaging.subscriptions import Handler, Policy, Subscriptions
from shared.messaging.topics import state_topic
from shared.mongo.database import Database
from shared.pages.blueprint import pages_blueprint
from shared.periodic import PeriodicTask
from shared.secrets import Secrets
from shared.service import Service
from shared.settings import Settings

BOOKS = {
    ENROLMENTS_TOPIC: RuleBook(name="enrolments", rules=ENROLMENT_RULES),
    REGISTRATIONS_TOPIC: RuleBook(name="registrations", rules=REGISTRATION_RULES),
    EVENTS_TOPIC: RuleBook(name="events", rules=EVENT_RULES),
    INVITATIONS_TOPIC: RuleBook(name="invitations", rules=INVITATION_RULES),
}
POLICIES: dict[str, Sequence[Handler]] = {
    "uso.enrolment.contacts.v1": [
        Policy(name="forget a contact", types=frozenset({"tombstone"}), handle=forget_a_contact),
        FOLLOW_MERGE,
        FOLLOW_UNMERGE,
    ],
    **{topic: [book] for topic, book in BOOKS.items()},
    ERASURES_TOPIC: [NOTE_REQUEST],
}
QUEUE_CALLS = QueueCalls()
SUBSCRIPTIONS: Subscriptions = {
    topic: [
        *([PROJECTIONS[topic]] if topic in PROJECTIONS else []),
        *POLICIES.get(topic, ()),
        *([QUEUE_CALLS] if topic in WEBHOOK_TOPICS.values() else []),
    ]
    for topic in sorted({*PROJECTIONS, *POLICIES, *WEBHOOK_TOPICS.values()})
}


def lanes_of(threads: int) -> list[Sequence[int]]:
    """The lanes of each sender thread. Of several threads the first sends urgent mail only."""
    return [LANES] if threads == 1 else [[URGENT], *[LANES] * (threads - 1)]


def tasks(settings: Settings, db: Database) -> list[PeriodicTask]:
    """The periodic tasks. Those `after_work` follow at once what this worker does, and others' work by the clock."""
    mail = read_mail_settings()
    secrets = Secrets(sealing_keys=settings.sealing_keys, signing_keys=settings.signing_keys)
    writer = MailComposer(db, secrets, mail, settings.public_urls)
    webhook_caller = WebhookCaller(db, secrets, allowed=WebhookSettings.read().allowed)
    pace = Pace(db, a_minute=mail.mails_a_minute, a_day=mail.mails_a_day)
    senders = [
        Sender(db, writer, Session(mail.smtp, helo=mail.domain), lanes=lanes, pace=pace, in_doubt=mail.in_doubt)
        for lanes in lanes_of(mail.sender_threads)
    ]
    gathering = timedelta(seconds=mail.gather_changes_seconds)
    bounces_folder = Path(mail.bounces_folder) if mail.bounces_folder else None
    return [
        *(
            [PeriodicTask(name="bounces", run=lambda: read_mailbox(db, secrets, bounces_folder), every=rhythms.BOUNCES)]
            if bounces_folder
            else []
        ),
        PeriodicTask(name="due deliveries", run=lambda: queue_what_is_due(db), every=rhythms.DUE_DELIVERIES),
        PeriodicTask(name="oldest due delivery", run=lambda: note_the_oldest(db), every=rhythms.OLDEST_DELIVERY),
        PeriodicTask(name="old texts", run=lambda: forget_old_texts(db), every=rhythms.OLD_TEXTS),
        erasing_task(db, "notifications", erase_deliveries),
        PeriodicTask(name="digests", run=lambda: send_digests(db), every=rhythms.DIGESTS),
        PeriodicTask(name="overdue tasks", run=lambda: tell_overdue_tasks(db), every=rhythms.OVERDUE_TASKS),
        PeriodicTask(name="reminders", run=lambda: remind(db), every=rhythms.REMINDERS),
        PeriodicTask(
            name="waiting messages",
            run=lambda: follow_waiting(db, BOOKS.values()),
            every=rhythms.WAITING_MESSAGES,
            after_work=True,
        ),
        PeriodicTask(name="announcements", run=lambda: send_announcements(db), every=rhythms.ANNOUNCEMENTS),
        PeriodicTask(
            name="fan out", run=lambda: fan_out(db, gathering=gathering), every=rhythms.FAN_OUT, after_work=True
        ),
        PeriodicTask(
            name="webhooks",
            run=webhook_caller.run,
            every=rhythms.WEBHOOKS,
            after_work=True,
            makes_work=False,
            stop=webhook_caller.stop,
        ),
        *(
            PeriodicTask(
                name=f"sender {number}",
                run=sender.run,
                every=rhythms.MAIL,
                after_work=True,
                makes_work=False,
                stop=sender.stop,
            )
            for number, sender in enumerate(senders, 1)
        ),
    ]


def provides(settings: Settings, db: Database) -> Iterable[object]:
    return [
        Secrets(sealing_keys=settings.sealing_keys, signing_keys=settings.signing_keys),
        WebhookSettings.read(),
        RecipientSettings.read(),
    ]


SERVICE = Service(
    name="notifications",
    description="E-mails: their texts, to whom they go and why, and what became of them.",
    aggregates=[
        ANNOUNCEMENTS,
        DELIVERIES,
        PREFERENCES,
        STAFF,
        SUPPRESSIONS,
        TEMPLATES,
        WEBHOOKS,
        acknowledgements("notifications"),
    ],
    commands={"recall": recall},
    topics=[
        state_topic(
            "uso.notifications.announcements.v1",
            "Each e-mail to many, from draft to sent: to which segment and to how many; neither text nor person.",
        ),
        state_topic(
            "uso.notifications.deliveries.v1",
            "Each e-mail from scheduled to sent, failed or suppressed, and what caused it; neither text nor address.",
            busy=True,
        ),
        declared_topic("notifications"),
    ],
    routes=[
        announcements.routes,
        bounces.routes,
        deliveries.routes,
        templates.routes,
        suppressions.routes,
        personal_data.routes,
        preferences.routes,
        explanations.routes,
        public.routes,
        pages_blueprint(WORDS),
        staff.routes,
        webhooks.routes,
    ],
    provides=provides,
    subscriptions=SUBSCRIPTIONS,
    tasks=tasks,
    collections={
        **WAITING_INDEXES,
        **FAN_OUTS_INDEXES,
        **REMINDED_INDEXES,
        **WEBHOOK_INDEXES,
        PACE: [],
        **ERASING_INDEXES,
    },
    extensions=[OPERATIONS],
)
wsgi = SERVICE.wsgi
