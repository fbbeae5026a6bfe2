"""What comes after: feedback, counts, the list for the door, calendars."""

import csv
import io

import openpyxl
import pytest
from icalendar import Calendar

from shared.tables import XLSX
from tests.events import builders as a
from tests.events.conftest import Events, Json


def test_feedback_is_for_those_who_were_there_and_counts_once(events: Events) -> None:
    event = events.published(a.webinar(capacity=2))
    came, stayed_away, waits = (events.registered(event, person=a.person(n)) for n in range(3))

    def rate(registration: Json, score: int) -> int:
        path = f"/v1/registrations/{registration['id']}/feedback"
        status: int = events.client.post(path, json={"score": score, "comment": "Hyvä"}).status_code
        return status

    assert rate(came, 5) == 409
    events.turned(came, "attended")
    assert [rate(came, 2), rate(came, 4)] == [200, 200]
    assert rate(stayed_away, 3) == 409
    events.moved(event, "completed")
    assert [rate(stayed_away, 3), rate(waits, 3)] == [200, 409]
    assert rate(came, 6) == 422
    summary = events.client.get(f"/v1/events/{event['id']}/summary").json
    assert (summary["scores"]["count"], summary["scores"]["mean"]) == (2, 3.5)
    assert events.types(a.REGISTRATIONS).count("feedback.given") == 3


def test_the_summary_counts_by_state_role_and_organisation(events: Events) -> None:
    town = a.organisation()
    people = [a.contact(town), a.contact(town, role="elected")]
    events.hears([*a.known(a.ORGANISATIONS, town), *a.known(a.CONTACTS, *people)])
    event = events.published(a.webinar(capacity=3))
    first, _ = (events.registered(event, contact=contact) for contact in people)
    events.turned(first, "attended")
    for number in range(2):
        events.registered(event, person=a.person(number))
    summary = events.client.get(f"/v1/events/{event['id']}/summary").json
    assert summary["by_state"] == {"attended": 1, "confirmed": 2, "waitlisted": 1}
    assert summary["by_role"] == {"officeholder": 1, "elected": 1, "none": 1}
    assert summary["by_organisation"] == [{"organisation_id": town["id"], "name": town["name"], "count": 2}]
    assert summary["scores"] == {"count": 0, "mean": None, "distribution": dict.fromkeys("12345", 0)}


def test_registrations_are_found_by_name_and_state_page_by_page(events: Events) -> None:
    eero = a.contact()
    events.hears(a.known(a.CONTACTS, eero))
    event = events.published(a.webinar(capacity=2))
    registered = [events.registered(event, contact=eero)]
    registered += [events.registered(event, person=a.person(n)) for n in range(1, 4)]
    assert [registration["contact_id"] for registration in events.registrations(event, q="korh")] == [eero["id"]]
    assert [registration["person"]["given_name"] for registration in events.registrations(event, q="MERI aino3")] == [
        "Aino3"
    ]
    assert [registration["position"] for registration in events.registrations(event, state="waitlisted")] == [1, 2]
    path = f"/v1/events/{event['id']}/registrations"
    first = events.client.get(f"{path}?limit=3").json
    rest = events.client.get(path, query_string={"limit": 3, "cursor": first["next_cursor"]}).json
    assert [registration["id"] for registration in first["items"] + rest["items"]] == [
        registration["id"] for registration in registered
    ]


@pytest.mark.parametrize("q", ["***", "'", "-"])
def test_a_search_without_a_word_finds_no_registration(events: Events, q: str) -> None:
    event = events.published(a.webinar())
    events.registered(event, person=a.person(1))
    assert events.registrations(event, q=q) == []


def test_the_list_for_the_door_has_names_and_runs_no_formulas(events: Events) -> None:
    town = a.organisation()
    eero = a.contact(town)
    events.hears([*a.known(a.ORGANISATIONS, town), *a.known(a.CONTACTS, eero)])
    event = events.published(a.webinar(capacity=2))
    events.registered(event, contact=eero)
    events.registered(event, person=a.person(given_name="=HYPERLINK(1)", family_name="Aalto"))
    events.registered(event, person=a.person(2))
    path = f"/v1/events/{event['id']}/registrations.csv"
    answer = events.client.get(path, headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["family_name"], row["given_name"], row["organisation"], row["position"]) for row in rows] == [
        ("Aalto", "'=HYPERLINK(1)", "Esimerkkiyliopisto", ""),
        ("Korhonen", "Eero", "Tampere", ""),
        ("Meriläinen", "Aino2", "Esimerkkiyliopisto", "1"),
    ]
    for asked in ({"headers": {"Accept": XLSX}}, {"query_string": {"format": "xlsx"}}):
        answer = events.client.get(path, **asked)
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
        assert [row[0].value for row in sheet.iter_rows()] == ["family_name", "Aalto", "Korhonen", "Meriläinen"]
        assert answer.mimetype == XLSX


def test_the_list_for_the_door_goes_by_the_finnish_alphabet_and_opens_in_columns(events: Events) -> None:
    names = [
        "Aalto",
        "af Ursin",
        "Virtanen",
        "von Wright",
        "wirén",
        "Zetterström",
        "Åberg",
        "Äijälä",
        "Öhman",
        "Österman",
    ]
    event = events.published(a.webinar())
    for number, name in enumerate(reversed(names)):
        events.registered(event, person=a.person(number, family_name=name))
    path = f"/v1/events/{event['id']}/registrations.csv"
    for separator in (",", ";"):
        text = events.client.get(path, query_string={"separator": separator}).data.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
        assert [row["family_name"] for row in rows] == names


@pytest.mark.parametrize(
    ("state", "status"), [("draft", "TENTATIVE"), ("published", "CONFIRMED"), ("cancelled", "CANCELLED")]
)
def test_a_calendar_shows_what_has_become_of_an_event(events: Events, state: str, status: str) -> None:
    event = events.drafted(a.webinar(online_url="https://meet.example/secret"))
    if state != "draft":
        event = events.moved(event, state)
    answer = events.client.get(
        f"/v1/events/{event['id']}/calendar.ics?language=sv", headers={"Accept": "text/calendar"}
    )
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    calendar = Calendar.from_ical(answer.data)
    [entry] = calendar.walk("VEVENT")
    assert (str(entry["STATUS"]), str(entry["SUMMARY"]), int(entry["SEQUENCE"])) == (
        status,
        "Lägesbild",
        event["calendar"]["sequence"],
    )
    assert str(entry["UID"]) == event["calendar"]["uid"]
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Helsinki"]
    assert b"secret" not in answer.data


def test_a_seasons_calendar_has_just_its_events(events: Events) -> None:
    seventh = a.season()
    events.hears(a.known(a.SEASONS, seventh))
    event = events.drafted(a.webinar(audience={"open_to": "season", "season_id": seventh["id"]}))
    events.drafted(a.webinar())
    calendar = Calendar.from_ical(events.client.get(f"/v1/calendar.ics?season_id={seventh['id']}").data)
    assert [str(entry["UID"]) for entry in calendar.walk("VEVENT")] == [event["calendar"]["uid"]]
    assert len(Calendar.from_ical(events.client.get("/v1/calendar.ics").data).walk("VEVENT")) == 2
