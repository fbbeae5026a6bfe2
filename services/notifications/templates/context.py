"""The placeholders of each template, with an example of each. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Form = Literal["line", "paragraphs", "markdown"]
ByLanguage = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Placeholder:
    """One value that a text can show, by its path: `event.when`.

    `form` is the form of the value: on one `line`, in `paragraphs`, or as `markdown` with its own formatting.
    A placeholder with `many` is a list to loop over. An `optional` value may be missing, None or empty: a text
    shows it inside `{% if … %}`.
    """

    name: str
    description: str
    example: Any
    form: Form = "line"
    many: bool = False
    optional: bool = False

    def example_in(self, language: str) -> Any:
        return self.example[language] if isinstance(self.example, Mapping) else self.example


def _three(fi: Any, sv: Any, en: Any) -> ByLanguage:
    return {"fi": fi, "sv": sv, "en": en}


EVERYWHERE = (
    Placeholder(name="language", description="The mail's language: fi, sv or en", example=_three("fi", "sv", "en")),
    Placeholder(name="contact.given_name", description="The recipient's given name", example="Åsa"),
    Placeholder(name="contact.family_name", description="The recipient's family name", example="Öhman-Virtanen"),
    Placeholder(
        name="organisation.name",
        description="The name of the recipient's organisation",
        example=_three("Porvoon kaupunki", "Borgå stad", "City of Porvoo"),
        optional=True,
    ),
    Placeholder(name="network.name", description="The network's name", example="USO"),
    Placeholder(name="network.sender", description="Whom the mail comes from", example="USO <uso@network.example>"),
    Placeholder(
        name="preferences_url",
        description="Where the recipient chooses which mail to get",
        example="https://notifications.example/public/preferences/example",
        optional=True,
    ),
)
SEASON = (
    Placeholder(name="season.number", description="The season's number", example=7),
    Placeholder(
        name="season.name",
        description="The season's name",
        example=_three("USO7 2023–2024", "USO7 2023–2024", "USO7 2023–2024"),
    ),
)
EVENT = (
    Placeholder(
        name="event.title",
        description="The event's title",
        example=_three(
            "Kuntajohtamisen tilannekuva", "Lägesbild av kommunledningen", "The state of municipal leadership"
        ),
    ),
    Placeholder(
        name="event.kind", description="What it is called", example=_three("webinaari", "webbinarium", "webinar")
    ),
    Placeholder(
        name="event.description",
        description="What the event is about",
        example=_three(
            "Keskustelemme uuden sukupolven johtamisesta.\n\nOhjelma tarkentuu.",
            "Vi diskuterar den nya generationens ledarskap.\n\nProgrammet preciseras.",
            "We discuss leadership of a new generation.\n\nThe programme will follow.",
        ),
        form="paragraphs",
        optional=True,
    ),
    Placeholder(
        name="event.when",
        description="Day and time, as the language writes them",
        example=_three("to 1.12.2022 klo 14.00–15.00", "to 1.12.2022 kl. 14.00–15.00", "Thu 1 Dec 2022, 14:00–15:00"),
    ),
    Placeholder(
        name="event.venue",
        description="Where it is held",
        example=_three("Kuntatalo, Helsinki", "Kommunernas hus, Helsingfors", "Kuntatalo, Helsinki"),
        optional=True,
    ),
)
# Only where the recipient has a place: the link is not for those in line, nor for the public.
ONLINE = (
    Placeholder(
        name="event.online_url",
        description="Where to join online",
        example="https://meet.example/uso-7_tilannekuva?a=1&b=2",
        optional=True,
    ),
)
MANAGE = (
    Placeholder(
        name="registration.manage_url",
        description="Where the recipient sees and cancels the registration",
        example="https://events.example/public/registrations/example",
        optional=True,
    ),
)
POSITION = (
    Placeholder(
        name="registration.position", description="The place in the waiting line, from 1", example=3, optional=True
    ),
)
REASON = (
    Placeholder(
        name="change.reason",
        description="Why, as staff wrote it",
        example=_three("Kouluttaja on sairastunut.", "Utbildaren har insjuknat.", "The trainer is ill."),
        form="paragraphs",
        optional=True,
    ),
)
CHANGES = (
    Placeholder(
        name="change.what",
        description="What has changed, one line each",
        example=_three(["aika", "paikka"], ["tid", "plats"], ["time", "venue"]),
        many=True,
        optional=True,
    ),
)
WORKSHOP = (
    Placeholder(
        name="workshop.days",
        description="The workshop days that it takes",
        example=_three("1,5 päivää", "1,5 dagar", "1.5 days"),
    ),
)
OFFER = (
    Placeholder(
        name="offer.expires",
        description="Until when the offered place is held",
        example=_three("to 1.12.2022 klo 14.00", "to 1.12.2022 kl. 14.00", "Thu 1 Dec 2022, 14:00"),
        optional=True,
    ),
)
REFUSAL = (
    Placeholder(
        name="refusal.reason",
        description="Why there is neither a place nor a line",
        example=_three("tilaisuus on täynnä", "evenemanget är fullbokat", "the event is full"),
        optional=True,
    ),
)
INVITATION = (
    Placeholder(
        name="invitation.url",
        description="Where the recipient answers the invitation",
        example="https://events.example/public/invitations/example",
        optional=True,
    ),
)
CERTIFICATE = (
    Placeholder(
        name="certificate.url",
        description="Where the certificate can be had",
        example="https://events.example/public/registrations/example/certificate.pdf",
        optional=True,
    ),
)
TASK = (
    Placeholder(
        name="task.title",
        description="What is to be done",
        example=_three("Soita Kangasalle", "Ring Kangasala", "Call Kangasala"),
    ),
    Placeholder(
        name="task.due_on",
        description="The day by which it was to be done",
        example=_three("to 1.12.2022", "to 1.12.2022", "Thu 1 Dec 2022"),
    ),
    Placeholder(
        name="task.about", description="The organisation, contact or event", example="Kangasala", optional=True
    ),
)
WEBHOOK = (
    Placeholder(name="webhook.host", description="The host of its address", example="crm.example"),
    Placeholder(
        name="webhook.is_gone",
        description="Whether the endpoint itself said that it is gone (410)",
        example="x",
        optional=True,
    ),
)
DIGEST = (
    Placeholder(
        name="digest.registrations",
        description="New registrations, one line for each event",
        example=_three(["Tilannekuva: 3"], ["Lägesbild: 3"], ["Situation: 3"]),
        many=True,
        optional=True,
    ),
    Placeholder(
        name="digest.tasks",
        description="Overdue tasks, one line each",
        example=_three(["Soita Kangasalle"], ["Ring Kangasala"], ["Call Kangasala"]),
        many=True,
        optional=True,
    ),
)
ANNOUNCEMENT = (
    Placeholder(
        name="announcement.subject",
        description="The announcement's subject",
        example=_three("Kevään ohjelma on julkaistu", "Vårens program har publicerats", "The spring programme is out"),
    ),
    Placeholder(
        name="announcement.body",
        description="The announcement's text in Markdown, alone on its line",
        example=_three(
            "Kevään **ohjelma** on julkaistu.\n\n- Webinaari helmikuussa\n- Seminaari huhtikuussa",
            "Vårens **program** har publicerats.\n\n- Webbinarium i februari\n- Seminarium i april",
            "The spring **programme** is out.\n\n- Webinar in February\n- Seminar in April",
        ),
        form="markdown",
    ),
)

CONTEXT: Mapping[str, tuple[Placeholder, ...]] = {
    "enrolment_received": EVERYWHERE + SEASON,
    "enrolment_confirmed": EVERYWHERE + SEASON,
    "registration_confirmed": EVERYWHERE + EVENT + ONLINE + MANAGE,
    "registration_waitlisted": EVERYWHERE + EVENT + POSITION + MANAGE,
    "registration_promoted": EVERYWHERE + EVENT + ONLINE + MANAGE,
    "registration_cancelled": EVERYWHERE + EVENT + REASON,
    "event_changed": EVERYWHERE + EVENT + ONLINE + MANAGE + POSITION + CHANGES,
    "event_cancelled": EVERYWHERE + EVENT + REASON,
    "event_reminder": EVERYWHERE + EVENT + ONLINE + MANAGE,
    "feedback_request": EVERYWHERE + EVENT + MANAGE,
    "workshop_confirmed": EVERYWHERE + SEASON + EVENT + ONLINE + WORKSHOP,
    "workshop_refused": EVERYWHERE + SEASON + EVENT + REASON + WORKSHOP,
    "registration_offered": EVERYWHERE + EVENT + MANAGE + OFFER,
    "registration_transferred": EVERYWHERE + EVENT + ONLINE + MANAGE,
    "registration_refused": EVERYWHERE + EVENT + REFUSAL,
    "confirm_address": EVERYWHERE + EVENT + MANAGE,
    "already_registered": EVERYWHERE + EVENT + MANAGE,
    "invitation": EVERYWHERE + EVENT + INVITATION,
    "invitation_reminder": EVERYWHERE + EVENT + INVITATION,
    "certificate": EVERYWHERE + EVENT + CERTIFICATE,
    "task_overdue": EVERYWHERE + TASK,
    "webhook_stopped": EVERYWHERE + WEBHOOK,
    "digest": EVERYWHERE + DIGEST,
    "announcement": EVERYWHERE + ANNOUNCEMENT,
}


def example_context(key: str, language: str) -> dict[str, Any]:
    """Values for a preview, with every placeholder of the key. Raises KeyError for an unknown key or language."""
    return _nested({placeholder.name: placeholder.example_in(language) for placeholder in CONTEXT[key]})


def bare_context(key: str, language: str) -> dict[str, Any]:
    """The same without the optional values. Raises KeyError like `example_context`."""
    return _nested(
        {
            placeholder.name: None if placeholder.optional else placeholder.example_in(language)
            for placeholder in CONTEXT[key]
        }
    )


def context_without(key: str, language: str, missing: Collection[str]) -> dict[str, Any]:
    """The same without the values of the placeholders `missing`. Raises KeyError like `example_context`."""
    return _nested(
        {
            placeholder.name: None if placeholder.name in missing else placeholder.example_in(language)
            for placeholder in CONTEXT[key]
        }
    )


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for path, value in values.items():
        group, _, name = path.rpartition(".")
        into = context.setdefault(group, {}) if group else context
        into[name] = list(value) if isinstance(value, list) else value
    return context
