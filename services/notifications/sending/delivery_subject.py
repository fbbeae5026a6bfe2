"""The values that a text can show, in the recipient's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.notifications.sending.references import References
from services.notifications.templates.defaults import in_language
from services.notifications.templates.event_values import event_values
from services.notifications.templates.words import refusal, what_changed
from shared.email_address import to_wire
from shared.instants import parse_instant
from shared.local_time import moment, workshop_days
from shared.mongo.aggregates import Document

ABOUT_AN_ENROLMENT = frozenset({"enrolment_received", "enrolment_confirmed"})
ABOUT_A_WORKSHOP = frozenset({"workshop_confirmed", "workshop_refused"})
# Only a person with a seat may read the address of the online meeting.
SEATED = frozenset({"confirmed", "attended", "absent"})


@dataclass(frozen=True, kw_only=True)
class DeliverySubject:
    """The documents behind one delivery. `missing` names a required document that has not arrived."""

    template: str
    personalisation: Mapping[str, Any]
    missing: str | None
    event: Document | None
    registration: Document | None
    invitation: Document | None
    position: int | None
    organisation: Document | None
    season: Document | None
    announcement: Document | None
    coordinator: Document | None

    @classmethod
    def of(cls, delivery: Document, references: References, contact: Document | None) -> "DeliverySubject":
        event = references.events.get(delivery["event_id"] or "")
        enrolment = references.enrolments.get(delivery["enrolment_id"] or "")
        home = (enrolment or contact or {}).get("organisation_id")
        organisation = references.organisations.get(home or "")
        season = references.seasons.get((enrolment or {}).get("season_id") or "")
        missing = None
        if delivery["announcement_id"] and delivery["announcement_id"] not in references.announcements:
            missing = "announcement"
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
            invitation=references.invitations.get(delivery["personalisation"].get("invitation_id") or ""),
            position=references.positions.get(delivery["registration_id"] or ""),
            organisation=organisation,
            season=season,
            announcement=references.announcements.get(delivery["announcement_id"] or ""),
            coordinator=references.coordinators.get(
                (event or {}).get("coordinator") or (enrolment or {}).get("coordinator") or ""
            ),
        )

    @property
    def is_a_test(self) -> bool:
        """Whether it is a test mail that staff sent to themselves."""
        return "test_to" in self.personalisation

    @property
    def reply_to(self) -> str | None:
        """The address that answers go to: the announcement's, or else that of the event's or enrolment's coordinator.

        None for an address that only servers with SMTPUTF8 take: it would keep the whole mail from the others.
        """
        address = (self.announcement or {}).get("reply_to") or (self.coordinator or {}).get("email")
        return to_wire(address) if address and address.rpartition("@")[0].isascii() else None

    @property
    def may_join(self) -> bool:
        """Whether the recipient has a seat now, so that they may read the address of the online meeting."""
        return self.registration is None or self.registration.get("state") in SEATED


def render_context(
    subject: DeliverySubject,
    *,
    language: str,
    person: Mapping[str, Any],
    preferences_url: str | None,
    manage_url: str | None,
    invitation_url: str | None,
    network: Mapping[str, str],
) -> dict[str, Any]:
    """The values of the placeholders that templates/context.py lists."""
    given = subject.personalisation
    context: dict[str, Any] = {
        "language": language,
        "contact": person,
        "network": dict(network),
        "preferences_url": preferences_url,
        "registration": {"position": given.get("position") or subject.position, "manage_url": manage_url},
        "invitation": {"url": invitation_url},
        "certificate": {"url": manage_url and f"{manage_url}/certificate.pdf"},
        "change": {"reason": given.get("reason"), "what": what_changed(given.get("fields") or (), language)},
    }
    context |= {name: given[name] for name in ("digest", "task", "webhook") if name in given}
    organisation = person.get("organisation")
    if subject.organisation is not None:
        organisation = in_language(subject.organisation.get("name"), language)
    context["organisation"] = {"name": organisation}
    if subject.announcement is not None:
        texts = {name: in_language(subject.announcement[name], language) for name in ("subject", "body")}
        context["announcement"] = texts
    if subject.season is not None:
        context["season"] = {
            "number": subject.season.get("number"),
            "name": in_language(subject.season.get("name"), language),
        }
    if subject.event is not None:
        context["event"] = event_values(subject.event, language, with_link=subject.may_join)
        context["refusal"] = {"reason": refusal(given.get("refused_because"), language)}
        context["offer"] = {"expires": _expires(given.get("expires_at"), subject.event, language)}
        context["workshop"] = {"days": workshop_days(int(2 * (subject.event.get("days") or 0)), language)}
    return context


def _expires(at: str | None, event: Document, language: str) -> str | None:
    return None if at is None else moment(parse_instant(at), event.get("timezone") or "UTC", language)
