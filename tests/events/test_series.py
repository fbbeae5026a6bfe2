"""One registration for a whole series."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.events import builders as a
from tests.events.conftest import Events, Json


def series(events: Events, count: int, **changes: Any) -> list[Json]:
    """Published events of one series, a week apart."""
    first = events.drafted(a.webinar(**changes))
    starts = [datetime.fromisoformat(first["starts_at"]) + timedelta(weeks=week) for week in range(1, count)]
    body = {"starts_at": [start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for start in starts], "series": True}
    copies = events.client.post(f"/v1/events/{first['id']}/copies", json=body).json["events"]
    return [events.moved(event, "published") for event in (first, *copies)]


def places(events: Events, of: list[Json]) -> list[list[str]]:
    return [[registration["state"] for registration in events.registrations(event)] for event in of]


def ask(events: Events, series_id: str, **body: Any) -> Any:
    return events.client.post(f"/v1/series/{series_id}/registrations", json=body)


def test_one_registration_gives_a_place_at_each_event_of_the_series(events: Events) -> None:
    found = series(events, 3, capacity=1)
    registered = events.registered(found[1], person=a.person(1))
    events.moved(found[2], "cancelled")
    done = ask(events, found[0]["series_id"] or events.event(found[0])["series_id"], person=a.person(2)).json
    assert [each["state"] for each in done["registered"]] == ["confirmed", "waitlisted"]
    assert done["refused"] == []
    assert places(events, found) == [["confirmed"], ["confirmed", "waitlisted"], []]
    again = ask(events, events.event(found[0])["series_id"], person=a.person(1)).json
    assert [each["state"] for each in again["registered"]] == ["waitlisted"]
    assert [each["event_id"] for each in again["refused"]] == [found[1]["id"]]
    events.turned(registered, "cancelled")
    assert places(events, found)[1] == ["cancelled", "confirmed"]


def test_the_public_form_registers_for_the_series_and_tells_nothing(events: Events) -> None:
    found = series(events, 3)
    path = f"/public/events/{found[0]['id']}/registrations"
    body = {"person": a.person(), "whole_series": True}
    answers = [events.client.post(path, json=body, role=None) for _ in range(2)]
    assert [(answer.status_code, answer.json) for answer in answers] == [(202, answers[0].json)] * 2
    assert places(events, found) == [["confirmed"]] * 3


def test_the_form_takes_no_series_whose_mails_an_address_may_not_have(events: Events) -> None:
    found = series(events, 9)
    body = {"person": a.person(), "whole_series": True}
    refused = events.client.post(f"/public/events/{found[0]['id']}/registrations", json=body, role=None)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["whole_series"])
    alone = events.published(a.webinar())
    path = f"/public/events/{alone['id']}/registrations"
    assert events.client.post(path, json=body, role=None).status_code == 422
    assert ask(events, alone["id"], person=a.person()).status_code == 404
