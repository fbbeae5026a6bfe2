"""Each page in each of its states: a name and the path at which it stands."""

from datetime import UTC, datetime, timedelta

from tests.events import builders as a
from tests.events.conftest import Events, Json

TITLE = {
    "fi": "Johtamisen tilannekuva: mitä kunnissa nyt tapahtuu",
    "sv": "Lägesbild av ledarskapet: vad händer nu i kommunerna",
    "en": "Leadership today: what is going on in the municipalities",
}
TEXT = {
    "fi": "Katsomme yhdessä, mitä verkoston kunnista on opittu.\n\nMukana on johtajia kolmesta kunnasta.",
    "sv": "Vi ser tillsammans på vad vi har lärt oss av kommunerna.\n\nLedare från tre kommuner deltar.",
}
VENUE = {"fi": "Kuntatalo, Toinen linja 14, Helsinki", "sv": "Kommunernas hus, Andra linjen 14, Helsingfors"}
GUIDE = {"title": {"fi": "Ennakkotehtävä", "sv": "Förhandsuppgift"}, "url": "https://uso.example/tehtava.pdf"}
LUNCH = {"fi": "Tuletko lounaalle?", "sv": "Kommer du på lunch?", "en": "Do you come to lunch?"}
AGENDA = [
    {"starts_at": a.in_(days=30), "title": {"fi": "Avaus", "sv": "Öppning"}, "speakers": [
        {"name": "Maija Mallikas", "title": {"fi": "kunnanjohtaja", "sv": "kommundirektör"}},
    ]},
    {"starts_at": a.in_(days=30, minutes=20), "title": {"fi": "Tilannekuva", "sv": "Lägesbild"}},
]  # fmt: skip
QUESTIONS = [
    {"key": "lunch", "kind": "yes_no", "label": LUNCH, "required": True},
    {"key": "diet", "kind": "text", "label": {"fi": "Ruokavalio", "sv": "Specialkost"}, "sensitive": True},
    {"key": "topics", "kind": "choices", "label": {"fi": "Mikä kiinnostaa?"}, "options": [
        {"key": "change", "label": {"fi": "Muutos", "sv": "Förändring"}},
        {"key": "trust", "label": {"fi": "Luottamus", "sv": "Förtroende"}},
    ]},
    {"key": "size", "kind": "number", "label": {"fi": "Tiimin koko"}},
    {"key": "since", "kind": "date", "label": {"fi": "Tehtävässä alkaen"}},
]  # fmt: skip


def own_path(events: Events, registration: Json) -> str:
    """The path of the link in the mail about a registration."""
    ends = datetime.now(UTC) + timedelta(days=60)
    return f"/public/registrations/{events.secrets.sign('registrations', registration['id'], expires_at=ends)}"


def all_scenes(events: Events) -> dict[str, str]:
    """Makes the events and registrations that the scenes show. The paths have no query yet."""
    rich = a.webinar(title=TITLE, description=TEXT, venue=VENUE, online_url="https://meet.example/uso", capacity=2)
    rich |= {"online_capacity": 5, "participant_list": True, "feedback_anonymous": True}
    rich |= {"materials": [GUIDE], "questions": QUESTIONS, "agenda": AGENDA}
    event = events.published(rich)
    plain = events.published(
        a.webinar(
            kind="seminar",
            title={"en": "In English only"},
            starts_at=a.in_(days=40, hours=2),
            ends_at=a.in_(days=40, hours=4),
        )
    )
    soon = events.published(a.webinar(title={"fi": "Ilmoittautuminen myöhemmin"}, registration_opens_at=a.in_(days=5)))
    called_off = events.moved(events.published(a.webinar(title=TITLE, venue=VENUE)), "cancelled")
    scenes = {
        "list": "/public/events",
        "event": f"/public/events/{event['id']}",
        "accepted": f"/public/events/{event['id']}?accepted=yes",
        "event in one language": f"/public/events/{plain['id']}",
        "not open yet": f"/public/events/{soon['id']}",
        "cancelled event": f"/public/events/{called_off['id']}",
        "no such event": f"/public/events/{'0' * 8}-0000-7000-8000-{'0' * 12}",
    }
    confirmed, attended, waiting = (events.registered(event, person=a.person(number)) for number in (1, 2, 3))
    events.turned(attended, "attended")
    gone = events.turned(events.registered(event, person=a.person(4)), "cancelled")
    asking = events.published(a.webinar(title=TITLE, confirm_address=True))
    events.client.post(f"/public/events/{asking['id']}/registrations", json={"person": a.person(5)}, role=None)
    offered = events.registrations(asking)[0]
    states = {
        "confirmed": confirmed,
        "attended": attended,
        "waitlisted": waiting,
        "cancelled": gone,
        "offered": offered,
    }
    town = a.organisation()
    leaders = [a.contact(town) for _ in range(2)]
    events.hears(a.known(a.ORGANISATIONS, town), a.known(a.CONTACTS, *leaders))
    body = {"contact_ids": [leader["id"] for leader in leaders]}
    invitations = events.client.post(f"/v1/events/{event['id']}/invitations", json=body).json["invited"]
    scenes["invitation"], scenes["invitation declined"] = (
        f"/public/invitations/{events.secrets.sign('invitations', invitation['id'], expires_at=None)}"
        for invitation in invitations
    )
    events.client.post(scenes["invitation declined"], json={"answer": "declined"}, role=None)
    scenes["participants"] = f"{own_path(events, confirmed)}/participants"
    door = events.client.post(f"/v1/events/{event['id']}/door-links").json["url"]
    scenes["door"] = door[door.index("/public/") :]
    return scenes | {f"own {state}": own_path(events, registration) for state, registration in states.items()}
