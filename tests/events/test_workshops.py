"""Workshops: they wait for their days, and enrolment's answers may come late, twice or alone."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.events import builders as a
from tests.events.conftest import Events, Json


@pytest.fixture
def enrolled(events: Events) -> Json:
    """An enrolment that events has heard of."""
    town, seventh = a.organisation(), a.season()
    enrolment = a.enrolment(town, seventh)
    events.hears([*a.known(a.ORGANISATIONS, town), *a.known(a.SEASONS, seventh), *a.known(a.ENROLMENTS, enrolment)])
    return enrolment


def test_a_workshop_takes_organisation_season_and_audience_from_its_enrolment(events: Events, enrolled: Json) -> None:
    event = events.drafted(a.workshop(enrolled))
    assert event["organisation_id"] == enrolled["organisation_id"]
    assert event["season_id"] == enrolled["season_id"]
    assert event["audience"] == {"open_to": "season", "season_id": enrolled["season_id"], "roles": []}


@pytest.mark.parametrize("days", [None, 0, -1, 0.25, 1.7, 1000])
def test_a_workshop_lasts_whole_or_half_days(events: Events, enrolled: Json, days: float | None) -> None:
    answer = events.client.post("/v1/events", json=a.workshop(enrolled, days=days))
    assert list(answer.json["errors"]) == ["days"]


def test_an_enrolment_that_is_not_known_yet_is_worth_another_try(events: Events, enrolled: Json) -> None:
    answer = events.client.post("/v1/events", json=a.workshop(a.enrolment(a.organisation(), a.season())))
    assert (answer.status_code, answer.headers["Retry-After"]) == (422, "1")
    assert list(answer.json["errors"]) == ["enrolment_id"]


def test_reserved_days_publish_it(events: Events, enrolled: Json) -> None:
    event = events.published(a.workshop(enrolled))
    assert event["state"] == "awaiting_days"
    events.hears(a.account(event, a.answered(event, "reserved")))
    assert events.event(event)["state"] == "published"
    told = events.said(a.EVENTS)[-1]
    assert (told.change["from"], told.change["to"]) == ("awaiting_days", "published")
    assert told.actor == "test-coordinator"


def test_refused_days_refuse_it_with_the_reason_and_it_may_ask_again(events: Events, enrolled: Json) -> None:
    event = events.published(a.workshop(enrolled))
    refusal = a.answered(event, "refused", reason="Only 1 day is left.")
    events.hears(a.account(event, refusal))
    refused = events.event(event)
    assert (refused["state"], refused["refusal_reason"]) == ("refused", "Only 1 day is left.")

    smaller = events.changed(refused, days=1)
    again = events.moved(smaller, "published")
    assert (again["state"], again["refusal_reason"]) == ("awaiting_days", None)
    events.hears(a.account(again, refusal, version=3))
    assert events.event(again)["state"] == "awaiting_days", "an earlier request's answer does not count"
    events.hears(a.account(again, refusal, a.answered(again, "reserved"), version=4))
    assert events.event(again)["state"] == "published"


def test_the_newest_message_of_an_account_has_all_the_answers(events: Events, enrolled: Json) -> None:
    one, other = (events.published(a.workshop(enrolled)) for _ in range(2))
    adjusted = {"kind": "adjusted", "half_days": 2, "event_id": None, "event_version": None}
    ledger = [a.answered(one, "reserved"), a.answered(other, "refused", reason="Full."), adjusted]
    events.hears(a.account(one, *ledger, version=9))
    assert [events.event(event)["state"] for event in (one, other)] == ["published", "refused"]


def test_an_answer_that_comes_twice_has_its_effect_once(events: Events, enrolled: Json) -> None:
    event = events.published(a.workshop(enrolled))
    answer = a.account(event, a.answered(event, "reserved"))
    events.hears(answer, answer, a.account(event, a.answered(event, "reserved"), version=3))
    assert events.event(event)["version"] == event["version"] + 1


def test_a_workshop_cancelled_meanwhile_stays_cancelled(events: Events, enrolled: Json) -> None:
    event = events.published(a.workshop(enrolled))
    cancelled = events.moved(event, "cancelled")
    events.hears(a.account(event, a.answered(event, "reserved")))
    assert events.event(event) == cancelled


def test_an_answer_and_a_cancellation_at_once_end_in_one_of_both_orders(
    events: Events, enrolled: Json, at_once: Callable[[Any], list[Any]]
) -> None:
    for _ in range(5):
        event = events.published(a.workshop(enrolled))
        path, body = f"/v1/events/{event['id']}/transitions", {"to": "cancelled"}
        answer = a.account(event, a.answered(event, "reserved"))
        cancelled, _nothing = at_once(
            [lambda: events.client.post(path, json=body), lambda: events.hears(answer)]  # noqa: B023 - called at once
        )
        assert cancelled.status_code == 200
        assert events.event(event)["state"] == "cancelled"


def test_while_it_waits_it_can_be_cancelled_but_not_changed(events: Events, enrolled: Json) -> None:
    event = events.published(a.workshop(enrolled))
    answer = events.client.patch(f"/v1/events/{event['id']}", json={"days": 1}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


def test_what_enrolment_was_asked_for_stays_once_it_is_published(events: Events, enrolled: Json) -> None:
    event = events.published(a.workshop(enrolled))
    events.hears(a.account(event, a.answered(event, "reserved")))
    path = f"/v1/events/{event['id']}"
    assert events.client.patch(path, json={"days": 3}, headers={"If-Match": "*"}).status_code == 409
    assert events.changed(event, capacity=20)["days"] == 1.5
