"""What each template may speak of: its placeholders, with an example of each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Kind = Literal["line", "text", "url", "markdown", "lines", "number"]
ByLanguage = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Placeholder:
    """One value that a text can show.

    `kind` says how it is written: `line` on one line, `text` in several, `url` as a link where it is
    one, `markdown` with its own formatting, `lines` to be looped over, `number`. An `optional` one may
    be None, "" or empty: a text shows it inside `{% if … %}`.
    """

    description: str
    example: Any
    kind: Kind = "line"
    optional: bool = False

    def example_in(self, language: str) -> Any:
        return self.example[language] if isinstance(self.example, Mapping) else self.example


def _three(fi: Any, sv: Any, en: Any) -> ByLanguage:
    return {"fi": fi, "sv": sv, "en": en}


EVERYWHERE = {
    "contact.given_name": Placeholder(description="The recipient's given name", example="Åsa"),
    "contact.family_name": Placeholder(description="The recipient's family name", example="Öhman-Virtanen"),
    "organisation.name": Placeholder(
        description="The name of the recipient's organisation",
        example=_three("Porvoon kaupunki", "Borgå stad", "City of Porvoo"),
        optional=True,
    ),
    "network.name": Placeholder(description="The network's name", example="USO"),
    "network.sender": Placeholder(description="Whom the mail comes from", example="USO <uso@network.example>"),
    "preferences_url": Placeholder(
        description="Where the recipient chooses which mail to get",
        example="https://notifications.example/public/preferences/example",
        kind="url",
        optional=True,
    ),
}
SEASON = {
    "season.number": Placeholder(description="The season's number", example=7, kind="number"),
    "season.name": Placeholder(
        description="The season's name", example=_three("USO7 2023–2024", "USO7 2023–2024", "USO7 2023–2024")
    ),
}
EVENT = {
    "event.title": Placeholder(
        description="The event's title",
        example=_three(
            "Kuntajohtamisen tilannekuva", "Lägesbild av kommunledningen", "The state of municipal leadership"
        ),
    ),
    "event.kind": Placeholder(description="`webinar`, `seminar` or `workshop`", example="webinar"),
    "event.description": Placeholder(
        description="What the event is about",
        example=_three(
            "Keskustelemme uuden sukupolven johtamisesta.\n\nOhjelma tarkentuu.",
            "Vi diskuterar den nya generationens ledarskap.\n\nProgrammet preciseras.",
            "We discuss leadership of a new generation.\n\nThe programme will follow.",
        ),
        kind="text",
        optional=True,
    ),
    "event.when": Placeholder(
        description="Day and time, as the language writes them",
        example=_three("to 1.12.2022 klo 14.00–15.00", "to 1.12.2022 kl. 14.00–15.00", "Thu 1 Dec 2022, 14:00–15:00"),
    ),
    "event.venue": Placeholder(
        description="Where it is held",
        example=_three("Kuntatalo, Helsinki", "Kommunernas hus, Helsingfors", "Kuntatalo, Helsinki"),
        optional=True,
    ),
}
# Only where the recipient has a place: the link is not for those in line, nor for the public.
ONLINE = {
    "event.online_url": Placeholder(
        description="Where to join online",
        example="https://meet.example/uso-7_tilannekuva?a=1&b=2",
        kind="url",
        optional=True,
    ),
}
MANAGE = {
    "registration.manage_url": Placeholder(
        description="Where the recipient sees and cancels the registration",
        example="https://events.example/public/registrations/example",
        kind="url",
        optional=True,
    ),
}
POSITION = {
    "registration.position": Placeholder(
        description="The place in the waiting line, from 1", example=3, kind="number", optional=True
    ),
}
REASON = {
    "change.reason": Placeholder(
        description="Why, as staff wrote it",
        example=_three("Kouluttaja on sairastunut.", "Utbildaren har insjuknat.", "The trainer is ill."),
        kind="text",
        optional=True,
    ),
}
CHANGES = {
    "change.fields": Placeholder(
        description="What has changed, one line each",
        example=_three(["ajankohta", "paikka"], ["tidpunkt", "plats"], ["time", "place"]),
        kind="lines",
        optional=True,
    ),
}
WORKSHOP = {
    "workshop.days": Placeholder(
        description="The workshop days that it takes", example=_three("1,5 päivää", "1,5 dagar", "1.5 days")
    ),
}
ANNOUNCEMENT = {
    "announcement.subject": Placeholder(
        description="The announcement's subject",
        example=_three("Kevään ohjelma on julkaistu", "Vårens program har publicerats", "The spring programme is out"),
    ),
    "announcement.body": Placeholder(
        description="The announcement's text in Markdown, alone on its line",
        example=_three(
            "Kevään **ohjelma** on julkaistu.\n\n- Webinaari helmikuussa\n- Seminaari huhtikuussa",
            "Vårens **program** har publicerats.\n\n- Webbinarium i februari\n- Seminarium i april",
            "The spring **programme** is out.\n\n- Webinar in February\n- Seminar in April",
        ),
        kind="markdown",
    ),
}

CONTEXT: Mapping[str, Mapping[str, Placeholder]] = {
    "enrolment_received": EVERYWHERE | SEASON,
    "enrolment_confirmed": EVERYWHERE | SEASON,
    "registration_confirmed": EVERYWHERE | EVENT | ONLINE | MANAGE,
    "registration_waitlisted": EVERYWHERE | EVENT | POSITION | MANAGE,
    "registration_promoted": EVERYWHERE | EVENT | ONLINE | MANAGE,
    "registration_cancelled": EVERYWHERE | EVENT | REASON,
    "event_changed": EVERYWHERE | EVENT | ONLINE | MANAGE | CHANGES,
    "event_cancelled": EVERYWHERE | EVENT | REASON,
    "event_reminder": EVERYWHERE | EVENT | ONLINE | MANAGE,
    "feedback_request": EVERYWHERE | EVENT | MANAGE,
    "workshop_confirmed": EVERYWHERE | SEASON | EVENT | ONLINE | WORKSHOP,
    "workshop_refused": EVERYWHERE | SEASON | EVENT | REASON | WORKSHOP,
    "announcement": EVERYWHERE | ANNOUNCEMENT,
}


def example_context(key: str, language: str) -> dict[str, Any]:
    """A context for previews, with every placeholder of the key. Raises KeyError for an unknown key or language."""
    return _nested({path: one.example_in(language) for path, one in CONTEXT[key].items()}, language)


def bare_context(key: str, language: str) -> dict[str, Any]:
    """The same with everything that may be absent absent."""
    return _nested(
        {path: None if one.optional else one.example_in(language) for path, one in CONTEXT[key].items()},
        language,
    )


@cache
def paths_of_kind(key: str, kind: Kind) -> frozenset[str]:
    """The placeholders of the key that are written this way."""
    return frozenset(path for path, one in CONTEXT[key].items() if one.kind == kind)


def _nested(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    context: dict[str, Any] = {"language": language}
    for path, value in values.items():
        group, _, name = path.partition(".")
        if name:
            context.setdefault(group, {})[name] = list(value) if isinstance(value, list) else value
        else:
            context[group] = value
    return context
