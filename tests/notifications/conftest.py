"""A notifications service on a real database and a real SMTP server, without Kafka in between."""

import email
import email.policy
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from services.notifications.app import SERVICE
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.rules.fan_outs import FAN_OUTS, fan_out
from services.notifications.sending.mail_composer import MailComposer
from services.notifications.sending.sender import Sender
from services.notifications.sending.smtp import Session
from services.notifications.settings import MailSettings, SmtpServer
from shared.ids import utc_now
from shared.mongo.database import Database
from shared.secrets import Secrets
from shared.service import Service
from shared.settings import Settings
from tests.support import Client, feed


class Mailbox:
    """An aiosmtpd handler that keeps what arrives, and answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.senders: list[str] = []
        self.contents: list[bytes] = []
        self.answers: dict[str, str] = {}
        self.before_data: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.before_data()
        with self._lock:
            message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
            self.mails.append(message)  # type: ignore[arg-type]
            self.recipients.extend(envelope.rcpt_tos)
            self.senders.append(envelope.mail_from)
            self.contents.append(envelope.original_content)
        return "250 OK"

    def forget(self) -> None:
        """Empties the mailbox."""
        for kept in (self.mails, self.recipients, self.senders, self.contents):
            kept.clear()

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]


class Notifications:
    """The service under test."""

    def __init__(self, db: Database, secrets: Secrets, smtp: SmtpServer, mailbox: Mailbox, client: Client) -> None:
        self.db = db
        self.secrets = secrets
        self.smtp = smtp
        self.mailbox = mailbox
        self.client = client
        self.mail_settings: dict[str, Any] = {"optional_hours": None}  # tests run at night too

    def hears(self, *messages: Any) -> None:
        """The messages arrive, one batch each (a list is one batch), and whoever is to be told of them is."""
        for message in messages:
            self.takes(message)
            self.fans_out()

    def takes(self, message: Any) -> None:
        """The message (a list is one batch) arrives; nothing else happens yet."""
        feed(self.db, SERVICE.subscriptions, message if isinstance(message, list) else [message])

    def sender(self, smtp: SmtpServer | None = None) -> Sender:
        mail = MailSettings.for_tests(smtp=smtp or self.smtp, sender_threads=1, **self.mail_settings)
        urls = {"events": "https://events.example", "notifications": "https://notifications.example"}
        composer = MailComposer(self.db, self.secrets, mail, urls)
        return Sender(self.db, composer, Session(mail.smtp, helo="test.example"), in_doubt=mail.in_doubt)

    def sends(self) -> list[EmailMessage]:
        """Sends whatever is due now; returns all mail so far."""
        sender = self.sender()
        while sender.run():
            pass
        sender.session.close()
        return self.mailbox.mails

    def fans_out(self, *, portion: int = 200) -> None:
        """Makes the deliveries of whatever everyone of an event is to be told."""
        self.db[FAN_OUTS].update_many({}, {"$min": {"next_at": utc_now()}})
        while fan_out(self.db, gathering=timedelta(0), portion=portion):
            pass

    def deliveries(self, **query: Any) -> list[dict[str, Any]]:
        return list(self.db[DELIVERIES.collection].find(query).sort("_id", 1))

    def templates(self) -> list[str]:
        return [delivery["template"] for delivery in self.deliveries()]

    def states(self) -> list[str]:
        return [delivery["state"] for delivery in self.deliveries()]

    def make_due(self) -> None:
        """Time passes until everything that waits is due."""
        self.db[DELIVERIES.collection].update_many({}, {"$unset": {"next_at": ""}})
        self.db[DELIVERIES.collection].update_many({}, [{"$set": {"next_at": "$created_at"}}])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serving(mailbox: Mailbox) -> Callable[..., Any]:
    """A mail server that can be stopped and started again at the same address."""

    @contextmanager
    def start(port: int | None = None) -> Iterator[SmtpServer]:
        controller = Controller(mailbox, hostname="127.0.0.1", port=port or free_port(), enable_SMTPUTF8=True)
        controller.start()
        try:
            yield SmtpServer(host="127.0.0.1", port=controller.port)
        finally:
            controller.stop()

    return start


@pytest.fixture
def smtp(serving: Callable[..., Any]) -> Iterator[SmtpServer]:
    with serving() as server:
        yield server


@pytest.fixture
def notifications(
    db_for: Callable[[str], Database],
    settings_for: Callable[..., Settings],
    client_of: Callable[[Service], Client],
    smtp: SmtpServer,
    mailbox: Mailbox,
) -> Notifications:
    db, settings, client = db_for("notifications"), settings_for("notifications"), client_of(SERVICE)
    return Notifications(
        db, Secrets(sealing_keys=settings.sealing_keys, signing_keys=settings.signing_keys), smtp, mailbox, client
    )


@pytest.fixture
def in_threads() -> Callable[[Sequence[Callable[[], object]]], None]:
    """Runs all of them at once and waits; the first error comes out."""

    def run(actions: Sequence[Callable[[], object]]) -> None:
        errors: list[BaseException] = []

        def guarded(action: Callable[[], object]) -> None:
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - raised again below
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(action,)) for action in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        if errors:
            raise errors[0]

    return run
