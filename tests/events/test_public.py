"""What people without a token can do."""

from typing import Any

from tests.events import builders as a
from tests.events.conftest import Events, Json


def visit(events: Events, path: str, body: Json | None = None) -> Any:
    if body is None:
        return events.client.get(f"/public{path}", role=None)
    return events.client.post(f"/public{path}", json=body, role=None)


def test_the_public_sees_public_events_and_never_the_meetings_address(events: Events) -> None:
    seventh = a.season()
    events.hears(a.known(a.SEASONS, seventh))
    shown = events.published(a.webinar(online_url="https://meet.example/secret"))
    draft = events.drafted(a.webinar())
    closed = events.published(a.webinar(audience={"open_to": "season", "season_id": seventh["id"]}))
    over = events.published(a.webinar(starts_at=a.in_(days=-2), ends_at=a.in_(days=-1)))
    answer = visit(events, "/events")
    assert [one["id"] for one in answer.json["items"]] == [shown["id"]]
    assert "secret" not in answer.text + visit(events, f"/events/{shown['id']}").text
    hidden = [visit(events, f"/events/{one['id']}").status_code for one in (draft, closed, over)]
    assert hidden == [404, 404, 200]
    assert visit(events, f"/events/{closed['id']}/registrations", {"person": a.person()}).status_code == 404


def test_one_registers_sees_and_cancels_by_the_link(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, online_url="https://meet.example/secret"))
    path = f"/events/{event['id']}/registrations"
    first, second = (visit(events, path, {"person": a.person(n)}) for n in (1, 2))
    assert (first.status_code, first.json["state"], first.json["online_url"]) == (201, "confirmed", event["online_url"])
    assert (second.json["state"], second.json["position"], second.json["online_url"]) == ("waitlisted", 1, None)
    again = visit(events, path, {"person": a.person(1)})
    assert (again.status_code, "existing_id" in again.json) == (409, False)

    link = f"/registrations/{first.json['token']}"
    assert visit(events, link).json == first.json
    assert visit(events, link, {"to": "attended"}).status_code == 422
    assert visit(events, link, {"to": "cancelled"}).json["state"] == "cancelled"
    assert visit(events, f"/registrations/{second.json['token']}").json["state"] == "confirmed"
    assert events.said(a.REGISTRATIONS)[-1].actor == "public"


def test_a_link_that_we_did_not_sign_opens_nothing(events: Events) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person())
    other_purpose = events.secrets.sign("preferences", registration["id"], expires_at=None)
    for token in (registration["id"], other_purpose, "x"):
        assert visit(events, f"/registrations/{token}").status_code == 404


def test_who_asks_too_often_is_told_when_to_come_back(events: Events) -> None:
    answers = [visit(events, "/events") for _ in range(140)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert late[0].headers["Retry-After"] == "1"
