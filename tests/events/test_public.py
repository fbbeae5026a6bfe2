"""What people without a token can do."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.events.offers import end_offers
from services.events.registrations.store import REGISTRATIONS
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
    assert [event["id"] for event in answer.json["items"]] == [shown["id"]]
    assert "secret" not in answer.text + visit(events, f"/events/{shown['id']}").text
    hidden = [visit(events, f"/events/{event['id']}").status_code for event in (draft, closed, over)]
    assert hidden == [404, 404, 200]
    assert visit(events, f"/events/{closed['id']}/registrations", {"person": a.person()}).status_code == 404


def ask(events: Events, event: Json, **who: Any) -> Any:
    """The answer to a registration by the public form."""
    return visit(events, f"/events/{event['id']}/registrations", {"person": a.person(**who)})


def link_of(events: Events, registration: Json) -> str:
    """The path of the link in the registration's mails."""
    return f"/registrations/{events.secrets.sign('registrations', registration['id'], expires_at=None)}"


def newest(events: Events, event: Json) -> Json:
    return events.registrations(event)[-1]


def test_one_registers_sees_and_cancels_by_the_link(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, online_url="https://meet.example/secret"))
    assert [ask(events, event, number=number).status_code for number in (1, 2)] == [202, 202]
    first, second = events.registrations(event)
    assert [first["state"], second["state"]] == ["confirmed", "waitlisted"]
    shown = [visit(events, link_of(events, registration)).json for registration in (first, second)]
    assert [
        (registration["state"], registration["position"], registration["online_url"]) for registration in shown
    ] == [
        ("confirmed", None, event["online_url"]),
        ("waitlisted", 1, None),
    ]
    link = link_of(events, first)
    assert visit(events, link, {"to": "attended"}).status_code == 422
    assert visit(events, link, {"to": "cancelled"}).json["state"] == "cancelled"
    assert events.said(a.REGISTRATIONS)[-1].actor == "public"
    assert visit(events, link_of(events, second)).json["state"] == "confirmed"


def test_the_answer_is_the_same_byte_for_byte_whoever_asks(events: Events) -> None:
    town = a.organisation()
    elected, officeholder = a.contact(town, role="elected"), a.contact(town)
    events.hears([*a.known(a.ORGANISATIONS, town), *a.known(a.CONTACTS, elected, officeholder)])
    audience = {"open_to": "public", "roles": ["elected"]}
    for body in (a.webinar(), a.webinar(audience=audience), a.webinar(capacity=1, waitlist=False)):
        event = events.published(body)
        addresses = [elected["email"], officeholder["email"], "uusi@muualla.example"] * 2
        answers = [ask(events, event, email=address, given_name=f"N{n}") for n, address in enumerate(addresses)]
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.data for answer in answers}) == 1
        headers = [{name: value for name, value in answer.headers if name != "X-Request-ID"} for answer in answers]
        assert headers == [headers[0]] * len(answers)
        assert "token" not in answers[0].text


def test_whoever_is_registered_already_hears_it_at_their_own_address(events: Events) -> None:
    event = events.published(a.webinar())
    ask(events, event)
    ask(events, event, given_name="Somebody", family_name="Else")
    [registration] = events.registrations(event)
    assert registration["person"]["given_name"] == "Aino1"
    told = events.said(a.REGISTRATIONS)[-1]
    assert (told.type, told.key, told.sequence) == ("registration.asked_again", registration["id"], 2)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"capacity": 1, "waitlist": False}, "full"),
        ({"audience": {"open_to": "public", "roles": ["elected"]}}, "not_invited"),
    ],
)
def test_a_refusal_goes_to_the_address_as_well(events: Events, changes: Json, because: str) -> None:
    event = events.published(a.webinar(**changes))
    for number in (1, 2):
        ask(events, event, number=number)
    refused = newest(events, event)
    assert (refused["state"], refused["refused_because"], refused["position"]) == ("refused", because, None)
    assert (events.said(a.REGISTRATIONS)[-1].state or {})["state"] == "refused"
    seated = sum(registration["state"] == "confirmed" for registration in events.registrations(event))
    assert events.seats(event)["taken"] == seated
    assert [row["family_name"] for row in door_rows(events, event)] == ["Meriläinen"] * seated


def door_rows(events: Events, event: Json) -> list[dict[str, str]]:
    answer = events.client.get(f"/v1/events/{event['id']}/registrations.csv")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def mails_due(events: Events, before: timedelta) -> int:
    """How many of the messages about registrations let an e-mail go before then."""
    limit = datetime.now(UTC) + before
    states = [message.state or {} for message in events.said(a.REGISTRATIONS)]
    moments = [state["mail_not_before"] for state in states]
    return sum(moment is None or datetime.fromisoformat(moment) < limit for moment in moments)


def test_an_address_that_nobody_confirmed_gets_two_mails_an_hour_whatever_is_done(events: Events) -> None:
    webinars = [events.published(a.webinar()) for _ in range(4)]
    for number in range(20):
        event = webinars[number % 4]
        ask(events, event)
        live = [registration for registration in events.registrations(event) if registration["state"] == "confirmed"]
        if live:
            visit(events, link_of(events, live[0]), {"to": "cancelled"})
    assert mails_due(events, timedelta(minutes=59)) == 2
    assert mails_due(events, timedelta(minutes=61)) <= 4


def test_two_mails_an_hour_hold_for_a_crowd_of_requests_at_once(
    events: Events, at_once: Callable[[Any], list[Any]]
) -> None:
    webinars = [events.published(a.webinar()) for _ in range(8)]
    answers = at_once([lambda event=event: ask(events, event) for event in webinars * 2])
    assert {answer.status_code for answer in answers} == {202}
    assert mails_due(events, timedelta(minutes=59)) == 2


def test_a_confirmed_address_hears_of_each_registration_at_once(events: Events) -> None:
    webinars = [events.published(a.webinar()) for _ in range(5)]
    ask(events, webinars[0])
    [first] = events.registrations(webinars[0])
    assert visit(events, link_of(events, first), {"to": "confirmed"}).json["state"] == "confirmed"
    for event in webinars[1:]:
        ask(events, event)
    assert mails_due(events, timedelta(minutes=1)) == 5


def test_a_seat_is_held_until_the_link_is_confirmed(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, confirm_address=True, online_url="https://meet.example/secret"))
    for number in (1, 2):
        ask(events, event, number=number)
    held, waits = events.registrations(event)
    assert (held["state"], held["awaits"], waits["state"]) == ("offered", "address", "waitlisted")
    assert events.said(a.REGISTRATIONS)[0].type == "registration.created"
    link = link_of(events, held)
    assert visit(events, link).json["online_url"] is None
    assert events.registration(held)["state"] == "offered"
    assert visit(events, link, {"to": "confirmed"}).json["online_url"] == event["online_url"]
    assert visit(events, link, {"to": "confirmed"}).status_code == 200
    assert events.seats(event) | {"taken": 1, "waiting": 1} == events.seats(event)


def test_a_seat_that_nobody_confirmed_goes_to_the_next_in_line(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, confirm_address=True))
    for number in (1, 2):
        ask(events, event, number=number)
    held, waits = events.registrations(event)
    past = datetime.now(UTC) - timedelta(minutes=1)
    events.db[REGISTRATIONS.collection].update_one({"_id": held["id"]}, {"$set": {"held_until": past}})
    assert visit(events, link_of(events, held), {"to": "confirmed"}).status_code == 409
    assert end_offers(events.db)
    assert not end_offers(events.db)
    assert [events.registration(registration)["state"] for registration in (held, waits)] == ["cancelled", "offered"]
    ended = next(message for message in events.said(a.REGISTRATIONS) if message.type == "registration.transitioned")
    assert (ended.change["to"], ended.change["expired"]) == ("cancelled", True)
    assert events.types(a.REGISTRATIONS)[-1] == "registration.offered"


def test_a_free_seat_is_offered_where_the_event_leaves_time_to_accept(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, offer_expires_after="P2D"))
    first, second, third = (events.registered(event, person=a.person(number)) for number in (1, 2, 3))
    events.turned(first, "cancelled")
    offered = events.registration(second)
    assert (offered["state"], offered["awaits"]) == ("offered", "answer")
    ends = datetime.fromisoformat(offered["held_until"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < ends < timedelta(days=2, minutes=1)
    assert visit(events, link_of(events, second), {"to": "cancelled"}).json["state"] == "cancelled"
    assert visit(events, link_of(events, third), {"to": "confirmed"}).json["state"] == "confirmed"
    assert events.seats(event)["taken"] == 1


def test_feedback_is_given_by_the_link_in_the_mail(events: Events) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person())
    path = f"{link_of(events, registration)}/feedback"
    assert visit(events, path, {"score": 5}).status_code == 409
    events.moved(events.event(event), "completed")
    assert visit(events, path, {"score": 6}).status_code == 422
    answer = visit(events, path, {"score": 5, "comment": "Hyvä Zebrakka"})
    assert (answer.status_code, answer.json["feedback"]) == (200, {"score": 5})
    assert events.registration(registration)["feedback"] == {"score": 5, "comment": "Hyvä Zebrakka"}
    assert "Zebrakka" not in events.all_that_was_said()
    assert events.said(a.REGISTRATIONS)[-1].change["score"] == 5


def test_register_cancel_register_again_is_in_an_order_that_calendars_know(events: Events) -> None:
    event = events.published(a.webinar())
    sequences = []
    for _ in range(2):
        registration = events.registered(event, person=a.person())
        sequences += [registration["calendar_sequence"], events.turned(registration, "cancelled")["calendar_sequence"]]
    event = events.changed(event, starts_at=a.in_(days=30, minutes=10))
    sequences.append(event["calendar"]["sequence"])
    sequences.append(events.registered(event, person=a.person())["calendar_sequence"])
    assert sequences == sorted(set(sequences))


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
