"""Words that the software itself puts into texts, in each language. Pure."""

from collections.abc import Iterable, Mapping

KINDS: Mapping[str, Mapping[str, str]] = {
    "webinar": {"fi": "webinaari", "sv": "webbinarium", "en": "webinar"},
    "seminar": {"fi": "seminaari", "sv": "seminarium", "en": "seminar"},
    "workshop": {"fi": "työpaja", "sv": "workshop", "en": "workshop"},
}

_TIME = {"fi": "aika", "sv": "tid", "en": "time"}
CHANGES: Mapping[str, Mapping[str, str]] = {
    "title": {"fi": "nimi", "sv": "namn", "en": "title"},
    "starts_at": _TIME,
    "ends_at": _TIME,
    "timezone": _TIME,
    "venue": {"fi": "paikka", "sv": "plats", "en": "venue"},
    "online_url": {"fi": "verkko-osallistumisen linkki", "sv": "länk för distansdeltagande", "en": "online link"},
}


TASK = {"fi": "tehtävä", "sv": "uppgift", "en": "task"}
ABOUT: Mapping[str, Mapping[str, str]] = {
    "contact": {"fi": "yhteyshenkilö", "sv": "kontaktperson", "en": "a contact"},
}

REFUSALS: Mapping[str, Mapping[str, str]] = {
    "full": {"fi": "tilaisuus on täynnä", "sv": "evenemanget är fullbokat", "en": "the event is full"},
    "organisation_full": {
        "fi": "organisaatiosi paikat ovat täynnä",
        "sv": "din organisations platser är slut",
        "en": "the places of your organisation are taken",
    },
    "not_invited": {
        "fi": "tilaisuus on tarkoitettu muille osallistujille",
        "sv": "evenemanget är avsett för andra deltagare",
        "en": "the event is meant for other participants",
    },
}


def refusal(code: str | None, language: str) -> str | None:
    """The reason of a refusal in words; None for an unknown code."""
    return REFUSALS.get(code or "", {}).get(language)


def event_kind(kind: str, language: str) -> str:
    """The word for a kind of event: `webinaari`. Raises KeyError for an unknown kind or language."""
    return KINDS[kind][language]


def what_changed(fields: Iterable[str], language: str) -> list[str]:
    """The changed fields of an event as words, each once: `["aika", "paikka"]`. Raises KeyError as above."""
    return list(dict.fromkeys(CHANGES[field][language] for field in fields))
