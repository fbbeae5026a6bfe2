"""Events: drafting, changing, publishing, listing."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.events import builders as a
from tests.events.conftest import Events


def test_a_new_event_is_a_draft_with_the_usual_reminders_and_time_zone(events: Events) -> None:
    event = events.drafted(a.webinar())
    assert (event["state"], event["version"], event["timezone"]) == ("draft", 1, "Europe/Helsinki")
    assert event["reminders"] == ["P7D", "PT2H"]
    assert event["audience"] == {"open_to": "public", "roles": []}
    assert event["calendar"]["sequence"] == 0
    assert events.types(a.EVENTS) == ["event.created"]
    state = events.said(a.EVENTS)[0].state or {}
    assert {**state, "warnings": [], "preview": None} == events.event(event)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ends_at", a.in_(days=29)),
        ("starts_at", "0001-01-01T00:00:00+02:00"),
        ("timezone", "Europe/Tampere"),
        ("timezone", "Factory"),
        ("reminders", ["-P1D"]),
        ("reminders", ["P99999999Y"]),
        ("reminders", ["PT2H", "PT2H"]),
        ("capacity", 0),
        ("capacity", 1.5),
        ("max_per_organisation", 0),
        ("online_url", "ftp://meet.example"),
        ("online_url", "javascript:alert(1)"),
        ("audience", {"open_to": "season"}),
        ("days", 1),
        ("enrolment_id", new_id()),
        ("title", {}),
        ("colour", "red"),
        ("kind", "party"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(events: Events, field: str, value: Any) -> None:
    answer = events.client.post("/v1/events", json=a.webinar(**{field: value}))
    assert answer.status_code == 422
    assert any(path.split(".")[0] == field for path in answer.json["errors"])


def test_registration_must_open_before_it_closes(events: Events) -> None:
    body = a.webinar(registration_opens_at=a.in_(days=2), registration_closes_at=a.in_(days=1))
    assert events.client.post("/v1/events", json=body).status_code == 422


def test_a_season_that_is_not_known_yet_is_worth_another_try(events: Events) -> None:
    seventh = a.season()
    body = a.webinar(audience={"open_to": "season", "season_id": seventh["id"]})
    answer = events.client.post("/v1/events", json=body)
    assert (answer.status_code, answer.headers["Retry-After"]) == (422, "1")
    assert list(answer.json["errors"]) == ["audience.season_id"]
    events.hears(a.known(a.SEASONS, seventh))
    assert events.drafted(body)["season_id"] == seventh["id"]


def test_the_same_request_twice_makes_one_event(events: Events) -> None:
    first, second = (
        events.client.post("/v1/events", json=body, headers={"Idempotency-Key": "once"}) for body in [a.webinar()] * 2
    )
    assert first.json == second.json
    assert second.headers["Idempotent-Replayed"] == "true"
    assert events.types(a.EVENTS) == ["event.created"]


def test_each_change_moves_the_version_and_the_calendars_sequence(events: Events) -> None:
    event = events.published(a.webinar())
    changed = events.changed(event, starts_at=a.in_(days=30, minutes=30), venue={"fi": "Sali"})
    assert (changed["version"], changed["calendar"]["sequence"]) == (3, 2)
    assert changed["calendar"]["uid"] == event["calendar"]["uid"]
    told = events.said(a.EVENTS)[-1]
    assert told.type == "event.updated"
    assert told.change["changed"]["venue"] == {"from": None, "to": {"fi": "Sali"}}


def test_a_change_needs_the_present_version(events: Events) -> None:
    event = events.published(a.webinar())
    path = f"/v1/events/{event['id']}"
    assert events.client.patch(path, json={"capacity": 5}).status_code == 428
    assert events.client.patch(path, json={"capacity": 5}, headers={"If-Match": '"1"'}).status_code == 412


@pytest.mark.parametrize("to", ["completed", "cancelled"])
def test_an_event_that_is_over_stays_as_it_is(events: Events, to: str) -> None:
    event = events.moved(events.published(a.webinar()), to)
    answer = events.client.patch(f"/v1/events/{event['id']}", json={"capacity": 5}, headers={"If-Match": "*"})
    assert answer.status_code == 409


@pytest.mark.parametrize(("state", "to"), [("draft", "completed"), ("draft", "draft"), ("published", "draft")])
def test_a_step_that_the_table_does_not_have_is_refused(events: Events, state: str, to: str) -> None:
    event = events.drafted(a.webinar()) if state == "draft" else events.published(a.webinar())
    answer = events.client.post(f"/v1/events/{event['id']}/transitions", json={"to": to})
    assert answer.status_code == 409


def test_a_transition_tells_from_where_to_where_and_why(events: Events) -> None:
    event = events.published(a.webinar())
    events.moved(event, "cancelled", "Puhuja on sairas.")
    told = events.said(a.EVENTS)[-1]
    assert told.type == "event.transitioned"
    facts = {name: told.change[name] for name in ("from", "to", "reason")}
    assert facts == {"from": "published", "to": "cancelled", "reason": "Puhuja on sairas."}
    history = events.client.get(f"/v1/events/{event['id']}/history").json["items"]
    assert [row["type"] for row in history] == ["event.transitioned", "event.transitioned", "event.created"]


def test_lists_go_by_start_and_can_be_narrowed(events: Events) -> None:
    late, early = (events.drafted(a.webinar(starts_at=a.in_(days=day), ends_at=a.in_(days=40))) for day in (20, 10))
    seminar = events.published(a.webinar(kind="seminar", title={"en": "Leadership"}))

    def found(**query: Any) -> list[str]:
        return [event["id"] for event in events.client.get("/v1/events", query_string=query).json["items"]]

    assert found() == [early["id"], late["id"], seminar["id"]]
    assert found(kind="seminar") == found(state="published") == found(q="leader") == [seminar["id"]]
    assert found(**{"from": a.in_(days=15), "to": a.in_(days=25)}) == [late["id"]]
    first = events.client.get("/v1/events?limit=2").json
    rest = events.client.get("/v1/events", query_string={"limit": 2, "cursor": first["next_cursor"]}).json
    assert [event["id"] for event in first["items"] + rest["items"]] == found()
    assert rest["next_cursor"] is None


def test_a_viewer_reads_and_does_not_write(events: Events) -> None:
    assert events.client.get("/v1/events", role="viewer").status_code == 200
    assert events.client.post("/v1/events", json=a.webinar(), role="viewer").status_code == 403
    assert events.client.get("/v1/events", role="operator").status_code == 403
    assert events.client.get("/v1/events", role=None).status_code == 401
