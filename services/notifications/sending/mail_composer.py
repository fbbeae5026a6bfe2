"""Composes the e-mail of a delivery, or finds the reason why there is none."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import Message
from email.policy import SMTP, SMTPUTF8
from email.utils import parseaddr
from functools import partial
from typing import Any

from services.notifications.mail import compose
from services.notifications.preferences.store import CHOICE_OF_TEMPLATE, PREFERENCES_LINK
from services.notifications.sending import metrics
from services.notifications.sending.addressees import Addressee
from services.notifications.sending.decisions import Decision, ToBeSent, decide
from services.notifications.sending.delivery_subject import DeliverySubject, render_context
from services.notifications.sending.domain import Held, Missing, NotToBeSent
from services.notifications.sending.invitations import calendar_of
from services.notifications.settings import MailSettings
from services.notifications.templates.rendering import CompiledTemplate, Rendered, render
from services.notifications.templates.store import TemplateCache, identifier
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES
from shared.secrets import LINK_GRACE, Secrets
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

WITHOUT_LINK = "…"
REGISTRATIONS_LINK = "registrations"
"""The purpose that the events service signs its links for."""


@dataclass(frozen=True, kw_only=True)
class OutgoingMail:
    """A mail ready to be handed over; `fields` are kept with the delivery."""

    sender: str
    recipient: str
    content: bytes
    fields: Mapping[str, Any]


Written = OutgoingMail | Missing | NotToBeSent | Held


class MailComposer:
    """Writes the mails of a batch. For several threads."""

    def __init__(self, db: Database, secrets: Secrets, mail: MailSettings, public_urls: Mapping[str, str]) -> None:
        self.db = db
        self.secrets = secrets
        self.mail = mail
        self.public_urls = public_urls
        self.templates = TemplateCache(db)

    def write(self, deliveries: Sequence[Document]) -> Callable[[Document], Written]:
        """A function that writes the mail of each of these deliveries, when its turn comes."""
        decided = decide(self.db, self.secrets, deliveries)
        texts = self.templates.get_many(
            {identifier(row["template"], language) for row in deliveries for language in LANGUAGES}
        )
        return partial(self._written, decided, texts)

    def _written(
        self, decided: Callable[[Document], Decision], texts: Mapping[str, CompiledTemplate], delivery: Document
    ) -> Written:
        try:
            return self._write(delivery, decided(delivery), texts)
        except Exception as error:  # noqa: BLE001 - one mail that cannot be written must not hold up the others
            log.error(  # noqa: TRY400 - the exception's text may quote a person: only its kind is told
                "a mail could not be written",
                delivery_id=delivery["_id"],
                template=delivery["template"],
                error=type(error).__name__,
            )
            return NotToBeSent(state="failed", error=f"rendering_{type(error).__name__}")

    def _write(self, delivery: Document, decision: Decision, texts: Mapping[str, CompiledTemplate]) -> Written:
        if not isinstance(decision, ToBeSent):
            return decision
        announcement = decision.subject.announcement
        if announcement is not None and not decision.subject.is_a_test:
            if announcement["state"] == "cancelled":
                return NotToBeSent(state="cancelled", error="announcement_cancelled")
            if announcement["state"] == "paused":
                return Held()
        text = texts.get(identifier(delivery["template"], decision.person.language))
        if text is None:
            return NotToBeSent(state="failed", error="unknown_template")
        return self._compose(delivery, decision.person, decision.subject, text)

    def _compose(
        self, delivery: Document, person: Addressee, subject: DeliverySubject, text: CompiledTemplate
    ) -> OutgoingMail:
        choice = CHOICE_OF_TEMPLATE.get(delivery["template"])
        preferences_url = self._link("notifications", PREFERENCES_LINK, delivery["contact_id"])
        manage_url = self._link(
            "events",
            REGISTRATIONS_LINK,
            delivery["registration_id"],
            expires_at=subject.event["ends_at"] + LINK_GRACE if subject.event else None,
        )
        context = render_context(
            subject,
            language=person.language,
            person=person.person,
            preferences_url=preferences_url,
            manage_url=manage_url,
            network={"name": self.mail.network_name, "sender": self.mail.sender},
        )
        rendered = self._render(text, context, person.language)
        method, calendar = calendar_of(
            subject, person.language, sender=self.mail.sender, attendee=person.email, made_at=delivery["due_at"]
        )
        reply_to = (subject.announcement or {}).get("reply_to")
        message = compose(
            delivery_id=delivery["_id"],
            sender=self.mail.sender,
            recipient_name=person.name,
            recipient_address=person.email,
            subject=f"[Test] {rendered.subject}" if subject.is_a_test else rendered.subject,
            text=rendered.text,
            html=rendered.html,
            language=person.language,
            date=delivery["due_at"],  # a mail that is sent again has the same bytes, its date included
            domain=self.mail.domain,
            calendar=calendar,
            calendar_method=method,
            headers={"Reply-To": reply_to} if reply_to else None,
            unsubscribe_url=f"{preferences_url}?choice={choice}" if preferences_url and choice else None,
        )
        links = [link for link in (preferences_url, manage_url) if link]
        return OutgoingMail(
            sender=parseaddr(self.mail.sender)[1],
            recipient=person.email,
            content=as_bytes(message, person.email),
            fields={
                "subject": without_tokens(rendered.subject, links),
                "text": without_tokens(rendered.text, links),
                "text_expires_at": utc_now() + timedelta(days=self.mail.text_days),
                "language": person.language,
                "message_id": str(message["Message-ID"]),
            },
        )

    def _render(self, text: CompiledTemplate, context: Mapping[str, Any], language: str) -> Rendered:
        """The mail's text. When the saved template fails for this mail, the packaged template is used."""
        try:
            return render(text, context)
        except Exception as error:
            packaged = self.templates.packaged(text.key, language)
            if packaged is text:
                raise
            log.error(  # noqa: TRY400 - the exception's text may quote a person
                "a saved text failed; the packaged one is used", template=text.key, error=type(error).__name__
            )
            metrics.PACKAGED_INSTEAD.labels(text.key).inc()
            return render(packaged, context)

    def _link(
        self, service: str, purpose: str, identifier: str | None, *, expires_at: datetime | None = None
    ) -> str | None:
        """A signed link for the recipient, valid until `expires_at`; None without a public address of the service."""
        base = self.public_urls.get(service)
        if not base or not identifier:
            return None
        token = self.secrets.sign(purpose, identifier, expires_at=expires_at)
        return f"{base.rstrip('/')}/public/{purpose}/{token}"


def without_tokens(text: str, links: Sequence[str]) -> str:
    """The text with a mark in place of each link's token: staff who read it must not act as the recipient."""
    for link in links:
        text = re.sub(re.escape(link.rpartition("/")[2]), WITHOUT_LINK, text, flags=re.IGNORECASE)
    return text


def as_bytes(message: Message, address: str) -> bytes:
    """The mail's bytes, with CRLF line ends."""
    return message.as_bytes(policy=SMTP if address.isascii() else SMTPUTF8)
