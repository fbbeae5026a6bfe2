"""Whatever is done in whatever order: never more seated than seats, and the queue keeps its order."""

import random
from collections import Counter
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
from tests.events.seats_model import SEATED, Model

LIMITS = ("capacity", "online_capacity", "max_per_organisation", "waitlist_order")
ORGANISATIONS = [a.organisation() for _ in range(3)]
CONTACTS = [a.contact(ORGANISATIONS[number % 3], role=("elected", "officeholder")[number % 2]) for number in range(12)]
FOR_ELECTED = {"key": "elected", "seats": 1, "role": "elected"}
FOR_FIRST = {"key": "first", "seats": 2, "organisation_id": ORGANISATIONS[0]["id"]}
HOLDS: list[list[Json]] = [[], [FOR_ELECTED], [FOR_FIRST], [FOR_FIRST, FOR_ELECTED]]
MODES = ["on_site", "online"]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.integers(0, 11), st.sampled_from(MODES)),
        st.tuples(st.sampled_from(["cancelled", "attended", "absent", "confirmed"]), st.integers(0, 11), st.none()),
        st.tuples(st.just("capacity"), st.sampled_from([1, 2, 3, 5, None]), st.none()),
        st.tuples(st.just("online_capacity"), st.sampled_from([1, 2, 4]), st.none()),
        st.tuples(st.just("max_per_organisation"), st.sampled_from([1, 2, None]), st.none()),
        st.tuples(st.just("held_seats"), st.sampled_from(HOLDS), st.booleans()),
    ),
    max_size=30,
)


@pytest.fixture
def known(events: Events) -> Events:
    events.hears([*a.known(a.ORGANISATIONS, *ORGANISATIONS), *a.known(a.CONTACTS, *CONTACTS)])
    return events


def held(holds: list[Json], released_at: str) -> list[Json]:
    return [{**hold, "released_at": released_at} for hold in holds]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    capacity=st.integers(3, 5),
    hybrid=st.booleans(),
    offers=st.booleans(),
    most=st.one_of(st.none(), st.integers(1, 2)),
    order=st.sampled_from(["arrival", "organisations"]),
    holds=st.sampled_from(HOLDS),
    story=steps,
)
def test_in_any_story_each_person_has_the_place_that_the_model_says(
    known: Events,
    capacity: int,
    hybrid: bool,
    offers: bool,
    most: int | None,
    order: str,
    holds: list[Json],
    story: list[Any],
) -> None:
    limits = {"capacity": capacity, "max_per_organisation": most, "waitlist_order": order}
    limits["online_capacity"] = 2 if hybrid else None
    late, past = a.in_(days=20), a.in_(days=-1)
    offer = {"offer_expires_after": "P1D"} if offers else {}
    event = known.published(a.webinar(**limits, **offer, held_seats=held(holds, late)))
    model = Model({**limits, "holds": holds}, promoted="offered" if offers else "confirmed")
    for what, how, more in story:
        if what == "register":
            mode = more if hybrid else None
            known.client.post(
                f"/v1/events/{event['id']}/registrations", json={"contact_id": CONTACTS[how]["id"], "mode": mode}
            )
            model.register(CONTACTS[how], mode)
        elif what == "held_seats":
            if known.patch(event, held_seats=held(how, past if more else late)).status_code == 200:
                model.change(holds=[] if more else how)
        elif what in limits:
            if (what != "online_capacity" or hybrid) and known.patch(event, **{what: how}).status_code == 200:
                model.change(**{what: how})
        else:
            live = {each["contact_id"]: each for each in known.registrations(event) if each["state"] != "cancelled"}
            if CONTACTS[how]["id"] in live:
                known.turn(live[CONTACTS[how]["id"]], what)
            model.step(CONTACTS[how], what)
        agree(known, event, model)


def agree(events: Events, event: Json, model: Model) -> None:
    """Each person's place in the service is the one in the model, and the counts are right."""
    found = events.registrations(event)
    assert [place_of(each) for each in found] == [
        (person["contact"]["id"], person["state"], person["mode"], person["held_key"]) for person in model.people
    ]
    check_counts(events, event, found)


def place_of(registration: Json) -> tuple[Any, ...]:
    held_key = registration["held_key"] if registration["state"] in SEATED else None
    return registration["contact_id"], registration["state"], registration["mode"], held_key


def check_counts(events: Events, event: Json, found: list[Json]) -> None:
    """The seats document counts what is there, and the positions of each line go up from one."""
    seats = events.seats(event)
    seated = [each for each in found if each["state"] in SEATED]
    waiting = [each for each in found if each["state"] == "waitlisted"]
    assert (seats["taken"], seats["waiting"]) == (len(seated), len(waiting))
    assert seats.get("online_taken", 0) == [each["mode"] for each in seated].count("online")
    assert seats.get("online_waiting", 0) == [each["mode"] for each in waiting].count("online")
    in_use = Counter(each["held_key"] for each in seated if each["held_key"])
    assert {key: number for key, number in (seats.get("held") or {}).items() if number} == in_use
    for online in (True, False):
        line = [each["position"] for each in waiting if (each["mode"] == "online") == online]
        assert line == list(range(1, len(line) + 1))


def check(events: Events, event: Json, seated_before: int) -> int:
    """What holds after anything, in parallel too: nobody too many, and no seat left that somebody in line may have.

    Returns how many are seated.
    """
    found = events.registrations(event)
    check_counts(events, event, found)
    model = Model({name: event[name] for name in LIMITS} | {"holds": event["held_seats"]})
    by_id = {contact["id"]: contact for contact in CONTACTS}
    model.people = [{**each, "contact": by_id[each["contact_id"]]} for each in found]
    room = [person for person in model.seated() if person["mode"] != "online"]
    if event["capacity"] is not None:
        assert len(room) <= max(event["capacity"], seated_before)
    if event["online_capacity"] is not None:
        assert len(model.seated()) - len(room) <= event["online_capacity"]
    assert [person for person in model.line() if model.may_sit(person)] == []
    return len(model.seated())


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


def test_of_five_hundred_who_register_at_once_none_is_lost_or_doubled(events: Events) -> None:
    event = events.published(a.webinar(capacity=200))
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda number: events.register(event, person=a.person(number)), range(500)))
    assert [answer.status_code for answer in answers] == [201] * 500
    rows = list(events.db["registrations"].find({"event_id": event["id"]}, {"state": 1, "queue_number": 1}))
    by_arrival = [row["state"] for row in sorted(rows, key=lambda row: row["queue_number"])]
    assert by_arrival == ["confirmed"] * 200 + ["waitlisted"] * 300
    assert {row["_id"] for row in rows} == {answer.json["id"] for answer in answers}
    assert sorted(message.key for message in events.said(a.REGISTRATIONS)) == sorted(row["_id"] for row in rows)


@pytest.mark.parametrize("seed", range(3))
def test_in_parallel_too_whatever_six_people_do_at_once(known: Events, seed: int) -> None:
    """Registrations, cancellations, transfers, offers, their acceptance and changes of the capacity, all at once."""
    draw = random.Random(seed)
    options = {
        "waitlist_order": draw.choice(["arrival", "organisations"]),
        "max_per_organisation": draw.choice([None, 2]),
    }
    if seed:
        options["offer_expires_after"] = "P1D"
        options["online_capacity"] = 2
        options["held_seats"] = held(HOLDS[seed], a.in_(days=20))
    event = known.published(a.webinar(capacity=4, **options))

    def act(number: int) -> int:
        """One step of somebody; returns the status of its answer."""
        chance = random.Random(f"{seed} {number}")
        contact, other = chance.sample(CONTACTS, 2)
        what = chance.choice(["register", "register", "cancelled", "confirmed", "transfer", "capacity", "held_seats"])
        if what == "register":
            body = {"contact_id": contact["id"]} | ({"mode": chance.choice(MODES)} if seed else {})
            return int(known.client.post(f"/v1/events/{event['id']}/registrations", json=body).status_code)
        if what == "capacity":
            return int(known.patch(event, capacity=chance.randint(3, 5)).status_code)
        if what == "held_seats":
            holds = held(chance.choice(HOLDS), a.in_(days=20))
            return int(known.patch(event, held_seats=holds).status_code)
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
