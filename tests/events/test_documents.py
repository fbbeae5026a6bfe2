"""Certificates, name tags, codes for the door, and calendars that programs subscribe to."""

import re
from typing import Any

import icalendar
import pytest

from tests.events import builders as a
from tests.events.conftest import Events, Json
from tests.pages.scenes import own_path


def stranger(events: Events, path: str, **headers: str) -> Any:
    return events.client.get(path, role=None, headers=headers)


def entries(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text
    found: list[Any] = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    return found


def test_who_attended_has_a_certificate_by_staff_and_by_the_link(events: Events) -> None:
    event = events.published(a.webinar(venue={"fi": "Kuntatalo"}))
    registration = events.registered(event, person=a.person(given_name="Áŋŋel", family_name="Čuoŋŋá"))
    path, own = f"/v1/registrations/{registration['id']}/certificate.pdf", own_path(events, registration)
    assert events.client.get(path).status_code == 409
    events.turned(registration, "attended")
    for answer in (events.client.get(path), stranger(events, f"{own}/certificate.pdf")):
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.data.startswith(b"%PDF-")
        assert "Deltagarintyg".encode("utf-16-be") in answer.data or b"Deltagarintyg" in answer.data


def test_name_tags_come_ten_on_a_sheet(events: Events) -> None:
    event = events.published(a.webinar())
    for number in range(11):
        events.registered(event, person=a.person(number))
    answer = events.client.get(f"/v1/events/{event['id']}/badges.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert re.search(rb"/Count 2\b", answer.data)


def test_the_code_for_the_door_is_a_picture_that_runs_nothing(events: Events) -> None:
    registration = events.registered(events.published(a.webinar()), person=a.person())
    answer = stranger(events, f"{own_path(events, registration)}/qr.svg")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert b"<script" not in answer.data


def test_everything_public_can_be_subscribed_to_and_asked_again_cheaply(events: Events) -> None:
    shown = events.published(a.webinar(online_url="https://meet.example/secret"))
    events.drafted(a.webinar())
    answer = stranger(events, "/public/calendar.ics")
    assert [str(entry["uid"]) for entry in entries(answer)] == [shown["calendar"]["uid"]]
    assert "secret" not in answer.text
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in answer.text
    assert "max-age" in answer.headers["Cache-Control"]
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert stranger(events, "/public/calendar.ics", **tag).status_code == 304
    events.changed(shown, venue={"fi": "Kuntatalo"})
    assert stranger(events, "/public/calendar.ics", **tag).status_code == 200


def linked(events: Events, **of: str) -> tuple[Json, str]:
    link = events.client.post("/v1/calendar-links", json=of)
    assert link.status_code == 201, link.text
    return link.json, link.json["url"].removeprefix("http://events.example")


def test_one_persons_events_stand_at_a_secret_address_that_can_be_renewed(events: Events) -> None:
    contact = a.contact()
    events.hears(a.known(a.CONTACTS, contact))
    event, other = (events.published(a.webinar()) for _ in range(2))
    events.registered(event, contact=contact)
    events.turned(events.registered(other, contact=contact), "cancelled")
    link, path = linked(events, contact_id=contact["id"])
    assert [str(entry["uid"]) for entry in entries(stranger(events, path))] == [event["calendar"]["uid"]]
    assert events.client.delete(f"/v1/calendar-links/{link['id']}").status_code == 204
    assert stranger(events, path).status_code == 404
    assert entries(stranger(events, linked(events, contact_id=contact["id"])[1]))


def test_a_seasons_events_stand_at_a_secret_address(events: Events) -> None:
    seventh = a.season()
    events.hears(a.known(a.SEASONS, seventh))
    event = events.published(a.webinar(audience={"open_to": "season", "season_id": seventh["id"]}))
    events.published(a.webinar())
    _, path = linked(events, season_id=seventh["id"])
    assert [str(entry["uid"]) for entry in entries(stranger(events, path))] == [event["calendar"]["uid"]]


@pytest.mark.parametrize("body", [{}, {"contact_id": "x"}, {"season_id": "0" * 8, "contact_id": "x"}])
def test_a_calendar_is_of_one_person_or_season(events: Events, body: Json) -> None:
    assert events.client.post("/v1/calendar-links", json=body).status_code == 422


def test_ones_own_event_has_the_meetings_address_once_there_is_a_seat(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, online_url="https://meet.example/uso"))
    seated, waiting = (events.registered(event, person=a.person(number)) for number in (1, 2))
    texts = [
        stranger(events, f"{own_path(events, registration)}/calendar.ics").text for registration in (seated, waiting)
    ]
    assert ["meet.example" in text for text in texts] == [True, False]
