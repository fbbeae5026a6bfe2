"""What a text can speak of, in the recipient's language, and the calendar entry that goes with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

from services.notifications.sending.references import References
from services.notifications.templates.defaults import in_language
from services.notifications.templates.localtime import when, workshop_days
from services.notifications.templates.words import event_kind, what_changed
from shared.calendars import calendar, calendar_entry, with_attendee
from shared.mongo.aggregates import Document
from shared.schemas import instant_text

PRODUCT_ID = "-//USO//Notifications//EN"
ABOUT_AN_ENROLMENT = frozenset({"enrolment_received", "enrolment_confirmed"})
ABOUT_A_WORKSHOP = frozenset({"workshop_confirmed", "workshop_refused"})
WITH_CALENDAR = {
    "registration_confirmed": "REQUEST",
    "registration_promoted": "REQUEST",
    "event_changed": "REQUEST",
    "event_cancelled": "CANCEL",
    "registration_cancelled": "CANCEL",
}


@dataclass(frozen=True, kw_only=True)
class DeliverySubject:
    """The documents behind one delivery; `missing` names one that it cannot do without."""

    template: str
    personalisation: Mapping[str, Any]
    missing: str | None
    event: Document | None
    registration: Document | None
    organisation: Document | None
    season: Document | None

    @classmethod
    def of(cls, delivery: Document, references: References, contact: Document | None) -> "DeliverySubject":
        event = references.events.get(delivery["event_id"] or "")
        enrolment = references.enrolments.get(delivery["enrolment_id"] or "")
        home = (enrolment or contact or {}).get("organisation_id")
        organisation = references.organisations.get(home or "")
        season = references.seasons.get((enrolment or {}).get("season_id") or "")
        missing = None
        if delivery["event_id"] and (event is None or event.get("erased")):
            missing = "event"
        elif delivery["template"] in ABOUT_AN_ENROLMENT | ABOUT_A_WORKSHOP:
            missing = (
                "enrolment"
                if enrolment is None
                else "organisation"
                if organisation is None
                else "season"
                if season is None
                else None
            )
        return cls(
            template=delivery["template"],
            personalisation=delivery["personalisation"],
            missing=missing,
            event=event,
            registration=references.registrations.get(delivery["registration_id"] or ""),
            organisation=organisation,
            season=season,
        )

    @property
    def starts_at(self) -> str:
        return instant_text(self.event["starts_at"]) if self.event else ""


def render_context(
    subject: DeliverySubject,
    *,
    language: str,
    names: tuple[str, str],
    organisation: str | None,
    preferences_url: str | None,
    manage_url: str | None,
    network: Mapping[str, str],
) -> dict[str, Any]:
    """The placeholders' values, as templates/context.py names them."""
    given = subject.personalisation
    context: dict[str, Any] = {
        "language": language,
        "contact": {"given_name": names[0], "family_name": names[1]},
        "network": dict(network),
        "preferences_url": preferences_url,
        "registration": {"position": given.get("position"), "manage_url": manage_url},
        "change": {"reason": given.get("reason"), "what": what_changed(given.get("fields") or (), language)},
    }
    if subject.organisation is not None:
        organisation = in_language(subject.organisation.get("name"), language)
    context["organisation"] = {"name": organisation}
    if subject.season is not None:
        context["season"] = {
            "number": subject.season.get("number"),
            "name": in_language(subject.season.get("name"), language),
        }
    if subject.event is not None:
        context["event"] = _event(subject.event, language)
        context["workshop"] = {"days": workshop_days(int(2 * (subject.event.get("days") or 0)), language)}
    return context


def _event(event: Document, language: str) -> dict[str, Any]:
    return {
        "title": in_language(event.get("title"), language),
        "kind": event_kind(event["kind"], language),
        "description": in_language(event.get("description"), language) or None,
        "when": when(event["starts_at"], event["ends_at"], event.get("timezone") or "UTC", language),
        "venue": in_language(event.get("venue"), language) or None,
        "online_url": event.get("online_url"),
    }


def calendar_of(
    subject: DeliverySubject, language: str, *, sender: str, attendee: str
) -> tuple[str | None, bytes | None]:
    """The iTIP method (RFC 5546) and the calendar that go with this mail; (None, None) without one."""
    method, event = WITH_CALENDAR.get(subject.template), subject.event
    if method is None or event is None or not _has_it_in_the_calendar(subject):
        return None, None
    known = event.get("calendar") or {}
    same_for_all = _invitation(
        method,
        uid=known.get("uid") or event["_id"],
        sequence=int(known.get("sequence") or 0),
        status="CANCELLED" if method == "CANCEL" else "CONFIRMED",
        summary=in_language(event.get("title"), language),
        description=in_language(event.get("description"), language),
        location=in_language(event.get("venue"), language),
        url=event.get("online_url"),
        starts_at=event["starts_at"],
        ends_at=event["ends_at"],
        timezone=event.get("timezone") or "UTC",
        updated_at=event.get("updated_at") or event["starts_at"],
        organizer=parseaddr(sender)[1],
    )
    return method, with_attendee(same_for_all, attendee)


@lru_cache(maxsize=128)
def _invitation(method: str, **entry: Any) -> bytes:
    return calendar([calendar_entry(**entry)], method=method, product_id=PRODUCT_ID)


def _has_it_in_the_calendar(subject: DeliverySubject) -> bool:
    """Whether the recipient got the entry before: who only stood in line did not."""
    if subject.template == "registration_cancelled":
        return bool(subject.personalisation.get("was_confirmed"))
    if subject.template in ("event_changed", "event_cancelled"):
        return (subject.registration or {}).get("state") != "waitlisted"
    return True
