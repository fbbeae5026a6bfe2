"""Composes the e-mail of a delivery, or finds the reason why there is none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import dkim

from services.notifications.mail import address_of, compose
from services.notifications.preferences.owners import name_in_link
from services.notifications.preferences.store import CHOICE_OF_TEMPLATE, PREFERENCES_LINK
from services.notifications.sending import metrics
from services.notifications.sending.addressees import Addressee
from services.notifications.sending.decisions import Decision, ToBeSent, decide
from services.notifications.sending.delivery_subject import DeliverySubject, render_context
from services.notifications.sending.domain import HELD_WAIT, Held, Missing, NotToBeSent
from services.notifications.sending.envelopes import bounce_address
from services.notifications.sending.invitations import calendar_of
from services.notifications.sending.quiet_hours import wait_for_the_day
from services.notifications.settings import MailSettings
from services.notifications.templates.rendering import CompiledTemplate
from services.notifications.templates.skeletons import Skeletons
from services.notifications.templates.store import TemplateCache, identifier
from services.notifications.templates.written import WrittenText
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES
from shared.secrets import LINK_GRACE, Secrets
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# Those that readers and mail programs act on (RFC 6376, 5.4; for the last two RFC 8058, 4).
SIGNED_HEADERS = [
    *(b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"references", b"mime-version"),
    *(b"content-type", b"list-unsubscribe", b"list-unsubscribe-post"),
]
REGISTRATIONS_LINK, INVITATIONS_LINK = "registrations", "invitations"
"""The purposes that the events service signs its links for."""


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
        self.skeletons = Skeletons()

    def write(self, deliveries: Sequence[Document]) -> Callable[[Document], Written]:
        """What becomes of each of these deliveries, for whoever asks for it; a mail is written when its turn comes."""
        decided = decide(self.db, self.secrets, deliveries, self.mail.allow_list)
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
                return Held(wait=HELD_WAIT)
        wait = wait_for_the_day(self.mail.optional_hours, delivery["template"], decision.subject.event, utc_now())
        if wait is not None and not decision.subject.is_a_test:
            return Held(wait=wait)
        text = texts.get(identifier(delivery["template"], decision.person.language))
        if text is None:
            return NotToBeSent(state="failed", error="unknown_template")
        return self._compose(delivery, decision.person, decision.subject, text)

    def _compose(
        self, delivery: Document, person: Addressee, subject: DeliverySubject, text: CompiledTemplate
    ) -> OutgoingMail:
        choice = CHOICE_OF_TEMPLATE.get(delivery["template"])
        preferences_url = self._link(
            "notifications", PREFERENCES_LINK, name_in_link(delivery["contact_id"], delivery["registration_id"])
        )
        expires_at = subject.event["ends_at"] + LINK_GRACE if subject.event else None
        manage_url = self._link("events", REGISTRATIONS_LINK, delivery["registration_id"], expires_at=expires_at)
        invitation_id = subject.personalisation.get("invitation_id")
        invitation_url = self._link("events", INVITATIONS_LINK, invitation_id, expires_at=expires_at)
        context = render_context(
            subject,
            language=person.language,
            person=person.person,
            preferences_url=preferences_url,
            manage_url=manage_url,
            invitation_url=invitation_url,
            network={"name": self.mail.network_name, "sender": self.mail.sender},
        )
        written = self._text(text, context, person.language)
        method, calendar = calendar_of(
            subject, person.language, sender=self.mail.sender, attendee=person.email, made_at=delivery["due_at"]
        )
        content = compose(
            delivery_id=delivery["_id"],
            sender=self.mail.sender,
            recipient_name=person.name,
            recipient_address=person.email,
            subject=f"[Test] {written.subject}" if subject.is_a_test else written.subject,
            text=written.text_part,
            html=written.html_part,
            language=person.language,
            date=delivery["due_at"],  # a mail that is sent again has the same bytes, its date included
            domain=self.mail.domain,
            calendar=calendar,
            calendar_method=method,
            conversation=delivery["registration_id"],
            reply_to=subject.reply_to,
            unsubscribe_url=f"{preferences_url}?choice={choice}" if preferences_url and choice else None,
        )
        return OutgoingMail(
            sender=self._envelope_sender(delivery["_id"]),
            recipient=person.email,
            content=self._signed(content),
            fields={
                "subject": written.kept_subject,
                "text": written.kept_text,
                "template_version": written.version,
                "text_expires_at": utc_now() + timedelta(days=self.mail.text_days),
                "language": person.language,
                "message_id": f"<{delivery['_id']}@{self.mail.domain}>",
            },
        )

    def _signed(self, content: bytes) -> bytes:
        """The mail with a DKIM signature where the operator has given a key (RFC 6376)."""
        if not self.mail.dkim_key:
            return content
        domain = address_of(self.mail.sender).rpartition("@")[2].encode()
        selector, key = self.mail.dkim_selector.encode(), self.mail.dkim_key.encode()
        return bytes(dkim.sign(content, selector, domain, key, include_headers=SIGNED_HEADERS)) + content

    def _envelope_sender(self, delivery_id: str) -> str:
        if not self.mail.bounces_to:
            return address_of(self.mail.sender)
        return bounce_address(self.secrets, self.mail.bounces_to, delivery_id)

    def _text(self, text: CompiledTemplate, context: Mapping[str, Any], language: str) -> WrittenText:
        """The mail's text. When the saved template fails for this mail, the packaged template is used."""
        try:
            return self.skeletons.write(text, context)
        except Exception as error:
            packaged = self.templates.packaged(text.key, language)
            if packaged is text:
                raise
            log.error(  # noqa: TRY400 - the exception's text may quote a person
                "a saved text failed; the packaged one is used", template=text.key, error=type(error).__name__
            )
            metrics.PACKAGED_INSTEAD.labels(text.key).inc()
            return self.skeletons.write(packaged, context)

    def _link(
        self, service: str, purpose: str, identifier: str | None, *, expires_at: datetime | None = None
    ) -> str | None:
        """A signed link for the recipient, valid until `expires_at`; None without a public address of the service."""
        base = self.public_urls.get(service)
        if not base or not identifier:
            return None
        token = self.secrets.sign(purpose, identifier, expires_at=expires_at)
        return f"{base.rstrip('/')}/public/{purpose}/{token}"
