"""The rules by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.events.domain import answer_to, next_state, seats_grow
from services.events.registrations.domain import LIFECYCLE, Full, NotOpen, check_open, next_in_line, state_on_arrival
from shared.errors import Invalid
from shared.state_machine import IllegalTransition

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_workshop_waits_where_others_are_published() -> None:
    assert next_state("workshop", "draft", "published") == "awaiting_days"
    assert next_state("workshop", "refused", "published") == "awaiting_days"
    assert next_state("webinar", "draft", "published") == "published"


EVENT_STEPS = {
    "draft": {"published", "cancelled"},
    "awaiting_days": {"cancelled"},
    "published": {"completed", "cancelled"},
    "refused": {"published", "cancelled"},
    "completed": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize("state", EVENT_STEPS)
@pytest.mark.parametrize("to", EVENT_STEPS)
def test_staff_take_the_tables_steps_only(state: str, to: str) -> None:
    if to in EVENT_STEPS[state]:
        assert next_state("webinar", state, to) == to
    else:
        with pytest.raises(IllegalTransition):
            next_state("webinar", state, to)


def test_a_word_that_is_no_state_is_invalid() -> None:
    with pytest.raises(Invalid):
        next_state("webinar", "draft", "archived")


REGISTRATION_STEPS = {
    "confirmed": {"cancelled", "attended", "absent"},
    "waitlisted": {"confirmed", "cancelled", "attended"},
    "offered": {"confirmed", "cancelled"},
    "attended": {"confirmed", "absent"},
    "absent": {"attended", "confirmed"},
    "cancelled": set(),
    "refused": set(),
}


@pytest.mark.parametrize("state", REGISTRATION_STEPS)
@pytest.mark.parametrize("to", REGISTRATION_STEPS)
def test_a_registration_takes_the_tables_steps_only(state: str, to: str) -> None:
    if to in REGISTRATION_STEPS[state]:
        LIFECYCLE.check(state, to)
    else:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.check(state, to)


def test_an_answer_counts_for_the_request_it_was_given_to() -> None:
    event: dict[str, Any] = {"_id": "e", "state": "awaiting_days", "awaiting_since_version": 4}
    entry = {"event_id": "e", "kind": "reserved", "event_version": 4, "reason": None}
    assert answer_to(event, [entry]) is not None
    assert answer_to(event, [entry | {"event_version": 2}]) is None
    assert answer_to(event, [entry | {"event_id": "other"}]) is None
    assert answer_to(event, [entry | {"kind": "released"}]) is None
    assert answer_to(event | {"state": "cancelled"}, [entry]) is None


@pytest.mark.parametrize(("before", "after", "grow"), [(1, 2, True), (2, 1, False), (1, None, True), (None, 1, False)])
def test_seats_grow_with_the_capacity(before: int | None, after: int | None, grow: bool) -> None:
    assert seats_grow({"capacity": before}, {"capacity": after}) is grow


def test_the_window_opens_and_closes_to_the_instant() -> None:
    event = {
        "state": "published",
        "registration_opens_at": NOW,
        "registration_closes_at": NOW + timedelta(days=1),
        "starts_at": NOW + timedelta(days=2),
        "ends_at": NOW + timedelta(days=3),
    }
    check_open(event, NOW)
    for moment in (NOW - timedelta(milliseconds=1), NOW + timedelta(days=1)):
        with pytest.raises(NotOpen):
            check_open(event, moment)


def test_who_comes_last_gets_the_last_seat_and_not_one_more() -> None:
    event = {"capacity": 2, "waitlist": True}
    assert state_on_arrival(event, taken=1, of_organisation=0) == "confirmed"
    assert state_on_arrival(event, taken=2, of_organisation=0) == "waitlisted"
    with pytest.raises(Full):
        state_on_arrival(event | {"waitlist": False}, taken=2, of_organisation=0)


@given(
    line=st.lists(st.sampled_from(["a", "b", None]), max_size=20),
    free=st.one_of(st.none(), st.integers(0, 10)),
    most=st.one_of(st.none(), st.integers(1, 3)),
)
def test_seats_go_in_the_order_of_the_line_to_those_who_may_have_them(
    line: list[str | None], free: int | None, most: int | None
) -> None:
    waiting = [{"n": number, "organisation_id": organisation} for number, organisation in enumerate(line)]
    chosen = next_in_line(waiting, free=free, seated={"a": 1}, most=most)
    assert [registration["n"] for registration in chosen] == sorted(registration["n"] for registration in chosen)
    assert free is None or len(chosen) <= free
    of = ["a", *(registration["organisation_id"] for registration in chosen)]
    assert most is None or all(of.count(organisation) <= max(most, 1) for organisation in ("a", "b"))
    if free is None or len(chosen) < free:
        left = [registration for registration in waiting if registration not in chosen]
        assert all(most is not None and of.count(registration["organisation_id"]) >= most for registration in left)
