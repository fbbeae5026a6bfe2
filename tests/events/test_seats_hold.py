"""Whatever is done in whatever order: never more seated than seats, and the queue keeps its order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.mongo.contention import KeyedLock
from shared.mongo.database import Database
from tests.events import builders as a
from tests.events.conftest import Events, Json

SEATED = ("confirmed", "attended", "absent")
ORGANISATIONS = [a.organisation() for _ in range(3)]
CONTACTS = [a.contact(ORGANISATIONS[number % 3]) for number in range(12)]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.integers(0, 11)),
        st.tuples(st.sampled_from(["cancelled", "attended", "absent"]), st.integers(0, 11)),
        st.tuples(st.just("capacity"), st.sampled_from([1, 2, 3, 5, None])),
        st.tuples(st.just("max_per_organisation"), st.sampled_from([1, 2, None])),
    ),
    max_size=30,
)


@pytest.fixture
def known(events: Events) -> Events:
    events.hears([*a.known(a.ORGANISATIONS, *ORGANISATIONS), *a.known(a.CONTACTS, *CONTACTS)])
    return events


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(capacity=st.integers(1, 4), most=st.one_of(st.none(), st.integers(1, 2)), story=steps)
def test_in_any_story_the_seats_hold(known: Events, capacity: int, most: int | None, story: list[Any]) -> None:
    event = known.published(a.webinar(capacity=capacity, max_per_organisation=most))
    seated_before = 0
    for what, how in story:
        live = {
            registration["contact_id"]: registration
            for registration in known.registrations(event)
            if registration["state"] != "cancelled"
        }
        if what == "register":
            known.register(event, contact=CONTACTS[how])
        elif what in ("capacity", "max_per_organisation"):
            event = known.changed(event, **{what: how})
        elif CONTACTS[how]["id"] in live:
            let_in = what == "attended" and live[CONTACTS[how]["id"]]["state"] == "waitlisted"
            seated_before += int(let_in)  # at the door staff let somebody in from the line, whatever the capacity
            let_in = what == "attended" and live[CONTACTS[how]["id"]]["state"] == "waitlisted"
            seated_before += int(let_in)  # at the door staff let somebody in from the line, whatever the capacity
            known.turn(live[CONTACTS[how]["id"]], what)
        seated_before = check(known, event, seated_before)


def check(events: Events, event: Json, seated_before: int) -> int:
    """The promises, after each step; returns how many are seated."""
    found = events.registrations(event)
    seated = [registration for registration in found if registration["state"] in SEATED]
    waiting = [registration for registration in found if registration["state"] == "waitlisted"]
    seats = events.seats(event)
    assert (seats["taken"], seats["waiting"]) == (len(seated), len(waiting))
    if event["capacity"] is not None:
        assert len(seated) <= max(event["capacity"], seated_before)
    assert [registration["position"] for registration in waiting] == list(range(1, len(waiting) + 1))
    room = event["capacity"] is None or len(seated) < event["capacity"]
    most = event["max_per_organisation"]
    of = [registration["organisation_id"] for registration in seated]
    assert not [
        registration
        for registration in waiting
        if room and (most is None or of.count(registration["organisation_id"]) < most)
    ]
    return len(seated)


def test_a_crowd_that_comes_and_goes_leaves_the_counts_right(known: Events, db_for: Callable[[str], Database]) -> None:
    event = known.published(a.webinar(capacity=5, max_per_organisation=2))

    def come_and_go(contact: Json) -> None:
        for _ in range(3):
            registration = known.registered(event, contact=contact)
            known.turned(registration, "cancelled")
        known.registered(event, contact=contact)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(come_and_go, CONTACTS))
    assert check(known, known.event(event), 0) == 5


def test_other_processes_do_not_oversell(known: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the queue of threads, as between processes: the database alone holds the limit."""
    monkeypatch.setattr(KeyedLock, "held", lambda self, key: nullcontext())
    event = known.published(a.webinar(capacity=3))
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda contact: known.register(event, contact=contact), CONTACTS))
    assert {answer.status_code for answer in answers} == {201}
    assert check(known, event, 0) == 3


def test_a_crowd_with_keys_that_is_sent_twice_gets_each_seat_once(
    known: Events, at_once: Callable[[Any], list[Any]]
) -> None:
    event = known.published(a.webinar(capacity=5))

    def send(contact: Json) -> Any:
        return known.register(event, contact=contact, headers={"Idempotency-Key": contact["id"]})

    answers = at_once([lambda contact=contact: send(contact) for contact in CONTACTS + CONTACTS])
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert check(known, event, 0) == 5
    assert len(known.registrations(event)) == len(CONTACTS)
    assert [send(contact).headers["Idempotent-Replayed"] for contact in CONTACTS] == ["true"] * len(CONTACTS)


def test_who_is_refused_in_a_crowd_is_refused_again_under_the_same_key_and_may_take_another(
    known: Events, at_once: Callable[[Any], list[Any]]
) -> None:
    event = known.published(a.webinar(capacity=1, waitlist=False))

    def send(contact: Json, key: str = "") -> Any:
        return known.register(event, contact=contact, headers={"Idempotency-Key": contact["id"] + key})

    answers = at_once([lambda contact=contact: send(contact) for contact in CONTACTS])
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (len(CONTACTS) - 1)
    known.changed(event, capacity=len(CONTACTS))
    assert sorted(send(contact).status_code for contact in CONTACTS) == [201] + [409] * (len(CONTACTS) - 1)
    assert sorted(send(contact, "again").status_code for contact in CONTACTS) == [201] * (len(CONTACTS) - 1) + [409]
    assert known.seats(event)["taken"] == len(CONTACTS)
