"""What a line of a timeline says, in three languages. Pure."""

from collections.abc import Mapping
from typing import Any

Text = Mapping[str, str]
LANGUAGES = ("fi", "sv", "en")

# By the type of the change, or `kind.state` of what other services tell.
TEXTS: Mapping[str, Text] = {
    key: dict(zip(LANGUAGES, texts, strict=True))
    for key, *texts in (
        ("contact.created", "Yhteystieto lisättiin", "Kontakten lades till", "Contact added"),
        ("contact.updated", "Yhteystietoa muutettiin", "Kontakten ändrades", "Contact changed"),
        (
            "contact.merged",
            "Yhdistettiin toiseen yhteystietoon",
            "Slogs ihop med en annan kontakt",
            "Merged into another contact",
        ),
        ("organisation.created", "Organisaatio lisättiin", "Organisationen lades till", "Organisation added"),
        ("organisation.updated", "Organisaatiota muutettiin", "Organisationen ändrades", "Organisation changed"),
        (
            "organisation.succeeded",
            "Organisaatio päättyi, ja toinen jatkaa",
            "Organisationen upphörde och en annan fortsätter",
            "Organisation ended, another goes on",
        ),
        ("enrolment.created", "Yhteydenotto kauteen", "Förfrågan om säsongen", "Inquiry about a season"),
        ("enrolment.updated", "Kauteen osallistumista muutettiin", "Medverkan ändrades", "Enrolment changed"),
        ("enrolment.transitioned", "Osallistuminen kauteen eteni", "Medverkan gick vidare", "Enrolment moved on"),
        (
            "situation_analysis.updated",
            "Tilanneanalyysiä muutettiin",
            "Lägesanalysen ändrades",
            "Situation analysis changed",
        ),
        ("workshop_days", "Työpajapäiviä kirjattiin", "Verkstadsdagar bokfördes", "Workshop days entered"),
        ("note", "Muistiinpano", "Anteckning", "Note"),
        ("task.open", "Tehtävä avoinna", "Uppgift öppen", "Task open"),
        ("task.done", "Tehtävä tehty", "Uppgift utförd", "Task done"),
        ("task.cancelled", "Tehtävä peruttu", "Uppgift avbruten", "Task called off"),
        (
            "registration.confirmed",
            "Ilmoittautui tapahtumaan",
            "Anmälde sig till ett evenemang",
            "Registered for an event",
        ),
        ("registration.waitlisted", "Jonossa tapahtumaan", "I kö till ett evenemang", "In line for an event"),
        ("registration.offered", "Sai tarjouksen paikasta", "Erbjöds en plats", "Was offered a seat"),
        ("registration.attended", "Osallistui tapahtumaan", "Deltog i ett evenemang", "Attended an event"),
        ("registration.absent", "Ei tullut tapahtumaan", "Uteblev från ett evenemang", "Did not come to an event"),
        ("registration.cancelled", "Perui ilmoittautumisen", "Avbokade", "Cancelled a registration"),
        ("delivery", "Sähköposti", "E-post", "E-mail"),
    )
}
OTHER: Text = {"fi": "Tapahtui jotakin", "sv": "Något hände", "en": "Something happened"}


def text_of(kind: str, detail: str, **values: Any) -> dict[str, str]:
    """The text for a kind of entry, with the event's title, the new state or the template behind it."""
    found = TEXTS.get(detail) or TEXTS.get(f"{kind}.{detail}") or TEXTS.get(kind) or OTHER
    return {language: f"{text}{_more(language, **values)}" for language, text in found.items()}


def _more(
    language: str, *, title: Mapping[str, str] | None = None, to: str | None = None, template: str | None = None
) -> str:
    if title:
        return f": {title.get(language) or next(iter(title.values()))}"
    return f": {to or template}" if to or template else ""
