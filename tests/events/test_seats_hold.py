"""Whatever is done in whatever order: never more seated than seats, and the queue keeps its order."""

import random
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

SEATED = ("confirmed", "offered", "attended", "absent")
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
@given(
    capacity=st.integers(1, 4),
    most=st.one_of(st.none(), st.integers(1, 2)),
    order=st.sampled_from(["arrival", "organisations"]),
    story=steps,
)
def test_in_any_story_the_seats_hold(
    known: Events, capacity: int, most: int | None, order: str, story: list[Any]
) -> None:
    event = known.published(a.webinar(capacity=capacity, max_per_organisation=most, waitlist_order=order))
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


@pytest.mark.parametrize("seed", range(3))
def test_in_parallel_too_whatever_six_people_do_at_once(known: Events, seed: int) -> None:
    """Registrations, cancellations, transfers, offers, their acceptance and changes of the capacity, all at once."""
    draw = random.Random(seed)
    options = {
        "waitlist_order": draw.choice(["arrival", "organisations"]),
        "max_per_organisation": draw.choice([None, 2]),
    }
    if draw.random() < 0.5:
        options["offer_expires_after"] = "P1D"
    event = known.published(a.webinar(capacity=4, **options))

    def act(number: int) -> int:
        """One step of somebody; returns the status of its answer."""
        chance = random.Random(f"{seed} {number}")
        contact, other = chance.sample(CONTACTS, 2)
        what = chance.choice(["register", "register", "cancelled", "confirmed", "transfer", "capacity"])
        if what == "register":
            return int(known.register(event, contact=contact).status_code)
        if what == "capacity":
            path, body = f"/v1/events/{event['id']}", {"capacity": chance.randint(3, 5)}
            return int(known.client.patch(path, json=body, headers={"If-Match": "*"}).status_code)
        mine = [each for each in known.registrations(event) if each["contact_id"] == contact["id"]]
        if not mine:
            return 200
        path = f"/v1/registrations/{mine[-1]['id']}"
        if what == "transfer":
            return int(known.client.post(f"{path}/transfer", json={"contact_id": other["id"]}).status_code)
        return int(known.client.post(f"{path}/transitions", json={"to": what}).status_code)

    for begun in range(0, 48, 12):
        with ThreadPoolExecutor(6) as pool:
            statuses = set(pool.map(act, range(begun, begun + 12)))
        assert statuses <= {200, 201, 409, 412, 422}
        check(known, known.event(event), 5)
        live = [each["contact_id"] for each in known.registrations(event) if each["state"] != "cancelled"]
        assert len(set(live)) == len(live)


def test_a_fair_line_serves_the_organisation_with_the_fewest_seats(known: Events) -> None:
    """Seats of A, A, B; in line A, C, B, C: two seats more go to C (none so far), then to A, B or C by arrival."""
    event = known.published(a.webinar(capacity=3, waitlist_order="organisations"))
    of_a, of_b, of_c = (CONTACTS[start::3] for start in range(3))
    for contact in (of_a[0], of_a[1], of_b[0]):
        known.registered(event, contact=contact)
    line = [known.registered(event, contact=contact) for contact in (of_a[2], of_c[0], of_b[1], of_c[1])]
    known.changed(event, capacity=5)
    assert [known.registration(each)["state"] for each in line] == [
        "waitlisted",
        "confirmed",
        "confirmed",
        "waitlisted",
    ]
    why = [message.change for message in known.said(a.REGISTRATIONS) if message.type == "registration.promoted"]
    assert [(change["because"], change["passed_over"]) for change in why] == [("fewest_seats", 1), ("fewest_seats", 1)]


def test_history_explains_each_place(known: Events) -> None:
    event = known.published(a.webinar(capacity=2, max_per_organisation=1))
    first, second, other, last = (known.registered(event, contact=CONTACTS[number]) for number in (0, 3, 1, 4))
    made = {message.key: message.change for message in known.said(a.REGISTRATIONS)}
    assert [made[each["id"]].get("because") for each in (first, second, other, last)] == [
        None, "organisation_full", None, "event_full",
    ]  # fmt: skip
    known.turned(other, "cancelled")
    history = known.client.get(f"/v1/registrations/{last['id']}/history").json["items"]
    assert (history[0]["change"]["because"], history[0]["change"]["passed_over"]) == ("arrival", 1)
