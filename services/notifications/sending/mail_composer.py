"""A delivery and what it refers to → an e-mail, or the reason why there is none."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import parseaddr
from typing import Any

from services.notifications.mail import compose
from services.notifications.preferences.store import CHOICE_OF_TEMPLATE, PREFERENCES_LINK, opted_out
from services.notifications.sending.delivery_subject import DeliverySubject, calendar_of, render_context
from services.notifications.sending.references import References, load_references, suppressed
from services.notifications.settings import MailSettings
from services.notifications.suppressions.store import normalise_email
from services.notifications.templates.rendering import CompiledTemplate, render
from services.notifications.templates.store import TemplateCache, identifier
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES
from shared.secrets import LINK_GRACE, Secrets
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

DEFAULT_LANGUAGE = "fi"
REGISTRATIONS_LINK = "registrations"
"""What the events service expects its links to be signed for."""


@dataclass(frozen=True, kw_only=True)
class OutgoingMail:
    """A mail ready to be handed over; `fields` are kept with the delivery."""

    sender: str
    recipient: str
    content: bytes
    fields: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something that the delivery refers to has not arrived yet."""

    what: str


@dataclass(frozen=True, kw_only=True)
class NotToBeSent:
    """The delivery ends here, in `state`."""

    state: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Addressee:
    given_name: str
    family_name: str
    email: str
    language: str
    organisation: str | None = None
    contact: Document | None = None


Written = OutgoingMail | Missing | NotToBeSent


class MailComposer:
    """Writes the mails of a batch. For several threads."""

    def __init__(self, db: Database, secrets: Secrets, mail: MailSettings, public_urls: Mapping[str, str]) -> None:
        self.db = db
        self.secrets = secrets
        self.mail = mail
        self.public_urls = public_urls
        self.templates = TemplateCache(db)

    def write(self, deliveries: Sequence[Document]) -> Callable[[Document], Written]:
        """What becomes of each of these deliveries, for whoever asks for it.

        The copies are read at once, in a handful of queries; a mail is written when its turn has come.
        """
        references = load_references(self.db, deliveries)
        people: dict[str, Addressee | Missing | NotToBeSent] = {
            one["_id"]: self._addressee(one, references) or Missing(what="recipient") for one in deliveries
        }
        known = {name: person for name, person in people.items() if isinstance(person, Addressee)}
        silent = suppressed(self.db, (person.email for person in known.values()))
        by_id = {one["_id"]: one for one in deliveries}
        texts = self.templates.get_many(
            {identifier(by_id[name]["template"], one.language) for name, one in known.items()}
        )

        def written(delivery: Document) -> Written:
            person = people[delivery["_id"]]
            return self._write(delivery, person, references, silent, texts) if isinstance(person, Addressee) else person

        return written

    def _write(
        self,
        delivery: Document,
        person: Addressee,
        references: References,
        silent: set[str],
        texts: Mapping[str, CompiledTemplate],
    ) -> Written:
        try:
            subject = DeliverySubject.of(delivery, references, person.contact)
            if subject.missing:
                return Missing(what=subject.missing)
            no = _why_not(delivery, person, subject, references, silent)
            if no is not None:
                return no
            text = texts.get(identifier(delivery["template"], person.language))
            if text is None:
                return NotToBeSent(state="failed", error="unknown_template")
            return self._compose(delivery, person, subject, text)
        except Exception as error:  # noqa: BLE001 - one mail that cannot be written must not hold up the others
            log.error(  # noqa: TRY400 - the exception's text may quote a person: only its kind is told
                "a mail could not be written",
                delivery_id=delivery["_id"],
                template=delivery["template"],
                error=type(error).__name__,
            )
            return NotToBeSent(state="failed", error=f"rendering_{type(error).__name__}")

    def _compose(
        self, delivery: Document, person: Addressee, subject: DeliverySubject, text: CompiledTemplate
    ) -> OutgoingMail:
        choice = CHOICE_OF_TEMPLATE.get(delivery["template"])
        preferences_url = self._link("notifications", PREFERENCES_LINK, delivery["contact_id"])
        context = render_context(
            subject,
            language=person.language,
            names=(person.given_name, person.family_name),
            organisation=person.organisation,
            preferences_url=preferences_url,
            manage_url=self._link(
                "events",
                REGISTRATIONS_LINK,
                delivery["registration_id"],
                expires_at=subject.event["ends_at"] + LINK_GRACE if subject.event else None,
            ),
            network={"name": self.mail.network_name, "sender": self.mail.sender},
        )
        rendered = render(text, context)
        method, calendar = calendar_of(subject, person.language, sender=self.mail.sender, attendee=person.email)
        message = compose(
            delivery_id=delivery["_id"],
            sender=self.mail.sender,
            recipient_name=f"{person.given_name} {person.family_name}".strip(),
            recipient_address=person.email,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            language=person.language,
            date=delivery["due_at"],  # the same each time: a mail sent again is the same bytes
            domain=self.mail.domain,
            calendar=calendar,
            calendar_method=method,
            unsubscribe_url=f"{preferences_url}?choice={choice}" if preferences_url and choice else None,
        )
        return OutgoingMail(
            sender=parseaddr(self.mail.sender)[1],
            recipient=person.email,
            content=as_bytes(message, person.email),
            fields={
                "subject": rendered.subject,
                "text": rendered.text,
                "language": person.language,
                "message_id": str(message["Message-ID"]),
            },
        )

    def _addressee(self, delivery: Document, references: References) -> Addressee | NotToBeSent | None:
        if delivery["contact_id"]:
            contact = references.contacts.get(delivery["contact_id"])
            if contact is None:
                return None
            if contact.get("erased"):
                return NotToBeSent(state="cancelled", error="erased")
            return _person(contact, delivery["language"], contact=contact)
        registration = references.registrations.get(delivery["registration_id"])
        if registration is None:
            return None
        if registration.get("erased") or not registration.get("person_sealed"):
            return NotToBeSent(state="cancelled", error="erased")
        try:
            return _person(json.loads(self.secrets.unseal(registration["person_sealed"])), delivery["language"])
        except (ValueError, AttributeError):
            return NotToBeSent(state="failed", error="unreadable_recipient")

    def _link(
        self, service: str, purpose: str, identifier: str | None, *, expires_at: datetime | None = None
    ) -> str | None:
        """A signed link for the recipient alone, good until `expires_at`; None without a public address."""
        base = self.public_urls.get(service)
        if not base or not identifier:
            return None
        token = self.secrets.sign(purpose, identifier, expires_at=expires_at)
        return f"{base.rstrip('/')}/public/{purpose}/{token}"


def _person(fields: Mapping[str, Any], fallback: str | None, *, contact: Document | None = None) -> Addressee:
    languages = (fields.get("language"), fallback, DEFAULT_LANGUAGE)
    return Addressee(
        given_name=fields.get("given_name") or "",
        family_name=fields.get("family_name") or "",
        email=fields.get("email") or "",
        language=next(language for language in languages if language in LANGUAGES),
        organisation=fields.get("organisation"),
        contact=contact,
    )


def _why_not(
    delivery: Document, person: Addressee, subject: DeliverySubject, references: References, silent: set[str]
) -> NotToBeSent | None:
    """Why a delivery that was wanted once is not sent any more."""
    if not person.email:
        return NotToBeSent(state="failed", error="no_address")
    if normalise_email(person.email) in silent:
        return NotToBeSent(state="suppressed", error="suppressed_address")
    chosen = references.preferences.get((person.contact or {}).get("_id", ""))
    if opted_out(chosen, delivery["template"]):
        return NotToBeSent(state="suppressed", error="opted_out")
    if delivery["template"] == "event_reminder":
        overtaken = _reminder_overtaken(delivery, subject, utc_now())
        return NotToBeSent(state="cancelled", error=overtaken) if overtaken else None
    if delivery["template"] == "feedback_request":
        came = subject.registration is not None and subject.registration.get("state") == "attended"
        if not came and delivery["event_id"] in references.events_with_check_in:
            return NotToBeSent(state="cancelled", error="not_attended")
    return None


def _reminder_overtaken(delivery: Document, subject: DeliverySubject, now: datetime) -> str | None:
    event, registration = subject.event or {}, subject.registration or {}
    if event.get("state") != "published":
        return f"event_{event.get('state')}"
    if event["starts_at"] <= now:
        return "event_started"
    if subject.starts_at != delivery["personalisation"].get("starts_at", subject.starts_at):
        return "event_moved"
    return None if registration.get("state") == "confirmed" else "registration_not_confirmed"


def as_bytes(message: EmailMessage, address: str) -> bytes:
    """The mail as it goes over the wire, with CRLF line ends."""
    return message.as_bytes(policy=SMTP if address.isascii() else SMTPUTF8)
