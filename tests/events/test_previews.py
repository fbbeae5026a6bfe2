"""`?preview=true`: who would be told what; nothing is changed."""

from typing import Any

from services.events import previews
from services.notifications.rules.table import NOTICED_CHANGES
from tests.events import builders as a
from tests.events.conftest import Events, Json


def moved(events: Events, event: Json, to: str) -> Json:
    path = f"/v1/events/{event['id']}/transitions?preview=true"
    answer = events.client.post(path, json={"to": to})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json
    return body


def changed(events: Events, event: Json, **fields: Any) -> list[tuple[str, str, int]]:
    path = f"/v1/events/{event['id']}?preview=true"
    answer = events.client.patch(path, json=fields, headers={"If-Match": f'"{event["version"]}"'})
    assert answer.status_code == 200, answer.text
    return mails(answer.json)


def mails(body: Json) -> list[tuple[str, str, int]]:
    return [(each["template"], each["language"], each["count"]) for each in body["preview"]["mails"]]


def full(events: Events) -> Json:
    """An event with two seats taken, in Swedish and Finnish, and two people in line."""
    event = events.published(a.webinar(capacity=2))
    for number, language in enumerate(["sv", "fi", "fi", "en"]):
        events.registered(event, person=a.person(number, language=language))
    return event


def test_a_preview_of_a_cancellation_names_everybody_and_cancels_nothing(events: Events) -> None:
    event = full(events)
    said = len(events.said(a.EVENTS)), len(events.said(a.REGISTRATIONS))
    answer = moved(events, event, "cancelled")
    assert mails(answer) == [("event_cancelled", "en", 1), ("event_cancelled", "fi", 2), ("event_cancelled", "sv", 1)]
    assert {person["registration_id"] for person in answer["preview"]["people"]} == {
        registration["id"] for registration in events.registrations(event)
    }
    assert (answer["state"], answer["version"]) == ("cancelled", event["version"])
    assert events.event(event) == event
    assert (len(events.said(a.EVENTS)), len(events.said(a.REGISTRATIONS))) == said


def test_a_preview_of_a_change_says_who_moves_up_and_who_hears_of_it(events: Events) -> None:
    event = full(events)
    assert changed(events, event, capacity=3) == [("registration_promoted", "fi", 1)]
    assert changed(events, event, capacity=3, venue={"fi": "Turku"}) == [
        ("event_changed", "en", 1), ("event_changed", "fi", 2), ("event_changed", "sv", 1),
        ("registration_promoted", "fi", 1),
    ]  # fmt: skip
    assert changed(events, event, description={"fi": "Uusi"}) == []
    assert [each["state"] for each in events.registrations(event)] == ["confirmed"] * 2 + ["waitlisted"] * 2


def test_feedback_is_asked_of_those_who_came(events: Events) -> None:
    event = full(events)
    assert mails(moved(events, event, "completed")) == [("feedback_request", "fi", 1), ("feedback_request", "sv", 1)]
    events.turned(events.registrations(event)[0], "attended")
    assert mails(moved(events, event, "completed")) == [("feedback_request", "sv", 1)]


def test_a_preview_refuses_what_the_change_would(events: Events) -> None:
    event = full(events)
    stale = events.client.patch(f"/v1/events/{event['id']}?preview=true", json={}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    path = f"/v1/events/{event['id']}/transitions?preview=true"
    assert events.client.post(path, json={"to": "draft"}).status_code == 409
    usual = events.published(a.webinar())
    assert events.event(usual)["preview"] is None


def test_a_preview_knows_which_changes_notifications_tells_of() -> None:
    assert set(NOTICED_CHANGES) == previews.NOTICED
