"""The rules by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events.events.domain import answer_to, next_state, seats_grow
from services.events.registrations.domain import LIFECYCLE, Full, NotOpen
from services.events.registrations.seating import Seating, check_open, next_in_line, state_on_arrival
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


NOBODY: dict[str, Any] = {"organisation_id": None, "role": None, "mode": None}


def seating(event: dict[str, Any], seated: dict[str, int] | None = None, **counts: Any) -> Seating:
    """The seats of an event that is not in any database."""
    return Seating(event, {"taken": 0, "waiting": 0, **counts}, seated or {}, NOW)


def test_who_comes_last_gets_the_last_seat_and_not_one_more() -> None:
    event = {"capacity": 2}
    assert state_on_arrival(seating(event, taken=1).no_seat(NOBODY), waitlist=True) == "confirmed"
    assert state_on_arrival(seating(event, taken=2).no_seat(NOBODY), waitlist=True) == "waitlisted"
    with pytest.raises(Full):
        state_on_arrival(seating(event, taken=2).no_seat(NOBODY), waitlist=False)


@pytest.mark.parametrize(
    ("mode", "online_taken", "reason"), [("on_site", 3, None), ("online", 3, "event_full"), ("online", 2, None)]
)
def test_a_hybrid_event_counts_the_room_and_the_seats_online_apart(
    mode: str, online_taken: int, reason: str | None
) -> None:
    event = {"capacity": 2, "online_capacity": 3}
    seats = seating(event, taken=1 + online_taken, online_taken=online_taken)
    assert seats.no_seat({**NOBODY, "mode": mode}) == reason


def test_held_seats_are_for_those_whom_they_are_held_for_until_they_are_released() -> None:
    """Five seats, two taken: two are held for the elected, one for A. So none is left for anybody else."""
    holds = [
        {"key": "elected", "seats": 2, "role": "elected", "released_at": NOW + timedelta(hours=1)},
        {"key": "a", "seats": 1, "organisation_id": "A", "released_at": NOW + timedelta(hours=1)},
    ]
    event = {"capacity": 5, "held_seats": holds}
    seats = seating(event, taken=2)
    elected, of_a = {**NOBODY, "role": "elected"}, {**NOBODY, "organisation_id": "A"}
    assert seats.no_seat(NOBODY) == "event_full"
    assert [seats.no_seat(person) for person in (elected, of_a, {**NOBODY, "held_key": "a"})] == [None, None, None]
    assert [seats.give(of_a), seats.no_seat(of_a)] == ["a", "event_full"]
    assert [seats.give(elected), seats.give(elected), seats.no_seat(elected)] == ["elected", "elected", "event_full"]
    assert Seating(event, {"taken": 2}, {}, NOW + timedelta(hours=1)).no_seat(NOBODY) is None


@given(
    line=st.lists(st.sampled_from(["a", "b", None]), max_size=20),
    free=st.one_of(st.none(), st.integers(0, 10)),
    most=st.one_of(st.none(), st.integers(1, 3)),
)
def test_seats_go_in_the_order_of_the_line_to_those_who_may_have_them(
    line: list[str | None], free: int | None, most: int | None
) -> None:
    waiting = [{"n": number, "organisation_id": organisation} for number, organisation in enumerate(line)]
    seats = seating({"capacity": free, "max_per_organisation": most}, {"a": 1})
    chosen = [registration for registration, _ in next_in_line(waiting, seats)]
    assert [registration["n"] for registration in chosen] == sorted(registration["n"] for registration in chosen)
    assert free is None or len(chosen) <= free
    of = ["a", *(registration["organisation_id"] for registration in chosen)]
    assert most is None or all(of.count(organisation) <= max(most, 1) for organisation in ("a", "b"))
    if free is None or len(chosen) < free:
        left = [registration for registration in waiting if registration not in chosen]
        assert all(most is not None and of.count(registration["organisation_id"]) >= most for registration in left)
