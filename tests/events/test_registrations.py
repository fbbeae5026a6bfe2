"""Registrations: who may come, who has a seat, who is next."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.events.events.store import EVENTS
from shared.ids import new_id
from tests.events import builders as a
from tests.events.conftest import Events, Json


@pytest.fixture
def town(events: Events) -> Json:
    town = a.organisation()
    events.hears(a.known(a.ORGANISATIONS, town))
    return town


def people_of(events: Events, town: Json, count: int, **changes: Any) -> list[Json]:
    people = [a.contact(town, **changes) for _ in range(count)]
    events.hears(a.known(a.CONTACTS, *people))
    return people


def test_a_contact_gets_a_seat(events: Events, town: Json) -> None:
    event, [eero] = events.published(a.webinar(capacity=1)), people_of(events, town, 1, role="elected", language="sv")
    registration = events.registered(event, contact=eero)
    kept = {name: registration[name] for name in ("contact_id", "organisation_id", "role", "language", "state")}
    assert kept == {
        "contact_id": eero["id"],
        "organisation_id": town["id"],
        "role": "elected",
        "language": "sv",
        "state": "confirmed",
    }
    assert (registration["position"], registration["person"], registration["person_sealed"]) == (None, None, None)
    assert events.registration(registration) == registration


def test_a_contact_that_is_not_known_yet_is_worth_another_try(events: Events) -> None:
    answer = events.register(events.published(a.webinar()), contact={"id": new_id()})
    assert (answer.status_code, answer.headers["Retry-After"]) == (422, "1")
    assert list(answer.json["errors"]) == ["contact_id"]


def test_an_erased_contact_cannot_register(events: Events, town: Json) -> None:
    event, [eero] = events.published(a.webinar()), people_of(events, town, 1)
    events.hears(a.erased(a.CONTACTS, eero))
    assert events.register(event, contact=eero).status_code == 422


@pytest.mark.parametrize("body", [{}, {"contact_id": new_id(), "person": a.person()}, {"person": {"email": "x"}}])
def test_one_registers_either_a_contact_or_a_person(events: Events, body: Json) -> None:
    event = events.published(a.webinar())
    assert events.client.post(f"/v1/events/{event['id']}/registrations", json=body).status_code == 422


def test_a_second_registration_of_the_same_person_is_refused_whatever_the_case(events: Events, town: Json) -> None:
    event, [eero] = events.published(a.webinar()), people_of(events, town, 1)
    first = events.registered(event, contact=eero)
    stranger = events.registered(event, person=a.person())
    for registration, who in (
        (first, {"contact": eero}),
        (first, {"person": a.person(email=eero["email"].upper())}),
        (stranger, {"person": a.person(email="AINO.1@yliopisto.example", given_name="Aino")}),
    ):
        answer = events.register(event, **who)
        assert (answer.status_code, answer.json["existing_id"]) == (409, registration["id"])


def test_a_person_who_became_a_contact_is_still_the_same(events: Events, town: Json) -> None:
    event = events.published(a.webinar())
    first = events.registered(event, person=a.person(email="eero@kunta.example"))
    [eero] = people_of(events, town, 1, email="Eero@kunta.example")
    assert events.register(event, contact=eero).json["existing_id"] == first["id"]


def test_who_cancelled_may_register_again(events: Events, town: Json) -> None:
    event, [eero] = events.published(a.webinar()), people_of(events, town, 1)
    events.turned(events.registered(event, contact=eero), "cancelled")
    again = events.registered(event, contact=eero)
    assert events.register(event, contact=eero).json["existing_id"] == again["id"]


def test_a_person_with_a_contacts_address_is_that_contact(events: Events, town: Json) -> None:
    event, [eero] = events.published(a.webinar()), people_of(events, town, 1)
    registration = events.registered(event, person=a.person(email=eero["email"]))
    assert (registration["contact_id"], registration["person_sealed"]) == (eero["id"], None)


def test_a_persons_name_and_address_leave_the_service_sealed_only(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    first, second = (events.registered(event, person=a.person(number)) for number in (1, 2))
    events.turned(first, "cancelled")
    events.moved(event, "completed")
    said = events.all_that_was_said()
    assert not [word for word in ("Aino", "Meril", "yliopisto", "Esimerkki", "@yli") if word in said]
    told = events.said(a.REGISTRATIONS)[-1].state
    assert told is not None
    assert "Meriläinen" in events.secrets.unseal(told["person_sealed"])
    assert "person" not in told
    assert events.registration(second)["person"] == a.person(2)


def test_only_a_published_event_takes_registrations(events: Events) -> None:
    draft = events.drafted(a.webinar())
    assert events.register(draft, person=a.person()).status_code == 409
    assert events.register(events.moved(draft, "cancelled"), person=a.person()).status_code == 409
    assert events.register({"id": new_id()}, person=a.person()).status_code == 404


@pytest.mark.parametrize(
    "window", [{"registration_opens_at": a.in_(days=1)}, {"registration_closes_at": a.in_(days=-1)}]
)
def test_outside_its_window_nobody_registers(events: Events, window: Json) -> None:
    assert events.register(events.published(a.webinar(**window)), person=a.person()).status_code == 409


def passed(events: Events, event: Json, **span: float) -> None:
    """The clock has gone on until the event began so long ago."""
    begun = datetime.now(UTC) - timedelta(**span)
    times = {"starts_at": begun, "ends_at": begun + timedelta(hours=1)}
    events.db[EVENTS.collection].update_one({"_id": event["id"]}, {"$set": times})


@pytest.mark.parametrize("span", [{"minutes": 1}, {"days": 1}])
def test_registration_closes_at_the_start_but_staff_note_who_came_until_it_is_completed(
    events: Events, span: dict[str, float]
) -> None:
    event = events.published(a.webinar())
    passed(events, event, **span)
    path = f"/public/events/{event['id']}/registrations"
    assert events.client.post(path, json={"person": a.person(1)}, role=None).status_code == 409
    walked_in = events.registered(event, person=a.person(2))
    assert events.turned(walked_in, "attended")["state"] == "attended"
    events.moved(event, "completed")
    assert events.register(event, person=a.person(3)).status_code == 409


def test_an_event_may_take_registrations_while_it_runs_and_never_after_its_end(events: Events) -> None:
    running = events.published(a.webinar(registration_closes_at=a.in_(days=60)))
    passed(events, running, minutes=30)
    path = f"/public/events/{running['id']}/registrations"
    assert events.client.post(path, json={"person": a.person(1)}, role=None).status_code < 300
    passed(events, running, hours=2)
    assert events.client.post(path, json={"person": a.person(2)}, role=None).status_code == 409


@pytest.mark.parametrize(
    ("promote_until", "state"), [("PT0S", "waitlisted"), ("P1D", "waitlisted"), (None, "confirmed")]
)
def test_nobody_is_promoted_into_what_has_begun(events: Events, promote_until: str | None, state: str) -> None:
    event = events.published(a.webinar(capacity=1, promote_until=promote_until))
    first, second = (events.registered(event, person=a.person(number)) for number in (1, 2))
    if promote_until is not None:
        passed(events, event, minutes=-120 if promote_until == "P1D" else 1)
    events.turned(first, "cancelled")
    assert events.registration(second)["state"] == state


@pytest.mark.parametrize(("cancel_until", "status"), [("PT1H", 200), ("P2D", 409)])
def test_one_cancels_by_the_link_until_the_last_moment_for_it_and_staff_at_any_time(
    events: Events, cancel_until: str, status: int
) -> None:
    event = events.published(
        a.webinar(starts_at=a.in_(days=1), ends_at=a.in_(days=2), cancel_until=cancel_until, reminders=[])
    )
    registration = events.registered(event, person=a.person())
    token = events.secrets.sign("registrations", registration["id"], expires_at=None)
    answer = events.client.post(f"/public/registrations/{token}", json={"to": "cancelled"}, role=None)
    assert answer.status_code == status
    if status == 409:
        assert events.turned(registration, "cancelled")["state"] == "cancelled"


def test_a_seasons_event_is_for_organisations_that_take_part(events: Events, town: Json) -> None:
    seventh = a.season()
    [eero] = people_of(events, town, 1)
    enrolment = a.enrolment(town, seventh, state="negotiating")
    events.hears([*a.known(a.SEASONS, seventh), *a.known(a.ENROLMENTS, enrolment)])
    event = events.published(a.webinar(audience={"open_to": "season", "season_id": seventh["id"]}))
    assert events.register(event, contact=eero).status_code == 409
    assert events.register(event, person=a.person()).status_code == 409
    events.hears(a.known(a.ENROLMENTS, enrolment | {"state": "enrolled", "version": 2}))
    assert events.register(event, contact=eero).status_code == 201


def test_an_event_for_some_roles_refuses_the_others(events: Events, town: Json) -> None:
    event = events.published(a.webinar(audience={"open_to": "public", "roles": ["elected"]}))
    [officeholder], [elected] = people_of(events, town, 1), people_of(events, town, 1, role="elected")
    assert events.register(event, contact=officeholder).status_code == 409
    assert events.register(event, contact=elected).status_code == 201


def test_a_full_event_without_a_waiting_list_refuses(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, waitlist=False))
    events.registered(event, person=a.person(1))
    assert events.register(event, person=a.person(2)).status_code == 409
    assert events.seats(event)["taken"] == 1


def test_fifty_at_once_for_ten_seats(events: Events, at_once: Callable[[Any], list[Any]]) -> None:
    event = events.published(a.webinar(capacity=10))
    answers = at_once([lambda n=n: events.register(event, person=a.person(n)) for n in range(50)])
    assert Counter(answer.status_code for answer in answers) == {201: 50}
    assert Counter(answer.json["state"] for answer in answers) == {"confirmed": 10, "waitlisted": 40}
    assert sorted(answer.json["position"] for answer in answers if answer.json["position"]) == list(range(1, 41))
    shown = events.registrations(event)
    assert [registration["position"] for registration in shown] == [None] * 10 + list(range(1, 41))
    assert {registration["id"]: registration["position"] for registration in shown} == {
        a.json["id"]: a.json["position"] for a in answers
    }
    assert len(events.said(a.REGISTRATIONS)) == 50


def test_the_same_person_twenty_times_at_once_gets_one_seat(
    events: Events, at_once: Callable[[Any], list[Any]]
) -> None:
    event = events.published(a.webinar(capacity=30))
    answers = at_once([lambda: events.register(event, person=a.person())] * 20)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert events.seats(event)["taken"] == 1


def test_a_freed_seat_goes_to_the_first_in_line_in_the_same_moment(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    first, second, third = (events.registered(event, person=a.person(n)) for n in range(3))
    assert [registration["position"] for registration in (first, second, third)] == [None, 1, 2]
    events.turned(first, "cancelled")
    assert events.registration(second)["state"] == "confirmed"
    assert events.registration(third)["position"] == 1
    promoted = events.said(a.REGISTRATIONS)[-1]
    assert (promoted.type, promoted.key) == ("registration.promoted", second["id"])
    assert promoted.actor == "test-coordinator"


def test_who_leaves_the_line_moves_up_those_behind(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    seated, second, third = (events.registered(event, person=a.person(n)) for n in range(3))
    events.turned(second, "cancelled")
    assert events.registration(third)["position"] == 1
    events.turned(seated, "cancelled")
    assert events.registration(third)["state"] == "confirmed"
    assert (events.seats(event)["taken"], events.seats(event)["waiting"]) == (1, 0)


def test_an_organisation_with_all_its_seats_is_passed_over_and_keeps_its_place(events: Events, town: Json) -> None:
    village = a.organisation()
    event = events.published(a.webinar(capacity=2, max_per_organisation=1))
    [t1, t2, t3], [v1, v2] = people_of(events, town, 3), people_of(events, village, 2)
    seated = events.registered(event, contact=t1)
    waiting = [events.registered(event, contact=contact) for contact in (t2, t3)]
    assert [registration["state"] for registration in waiting] == ["waitlisted", "waitlisted"], "though a seat is free"
    other = events.registered(event, contact=v1)
    assert other["state"] == "confirmed"
    last = events.registered(event, contact=v2)

    events.turned(other, "cancelled")
    assert events.registration(last)["state"] == "confirmed", "the town ahead in line has its seat already"
    assert [events.registration(registration)["position"] for registration in waiting] == [1, 2]
    events.turned(seated, "cancelled")
    assert [events.registration(registration)["state"] for registration in waiting] == ["confirmed", "waitlisted"]


def test_added_seats_go_to_the_line_and_taken_ones_throw_nobody_out(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    people = [events.registered(event, person=a.person(n)) for n in range(4)]
    events.changed(event, capacity=3)
    assert [events.registration(registration)["state"] for registration in people] == ["confirmed"] * 3 + ["waitlisted"]
    events.changed(event, capacity=1)
    events.turned(people[0], "cancelled")
    assert [events.registration(registration)["state"] for registration in people[1:]] == [
        "confirmed",
        "confirmed",
        "waitlisted",
    ]
    events.changed(event, capacity=None)
    assert events.registration(people[3])["state"] == "confirmed"


def test_more_seats_for_each_organisation_let_the_waiting_in(events: Events, town: Json) -> None:
    event = events.published(a.webinar(capacity=5, max_per_organisation=1))
    people = [events.registered(event, contact=contact) for contact in people_of(events, town, 3)]
    events.changed(event, max_per_organisation=2)
    assert [events.registration(registration)["state"] for registration in people] == [
        "confirmed",
        "confirmed",
        "waitlisted",
    ]


def test_registrations_of_a_cancelled_event_stay_as_they_are(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    first, second = (events.registered(event, person=a.person(n)) for n in range(2))
    events.moved(event, "cancelled")
    assert [events.registration(registration) for registration in (first, second)] == [first, second]
    events.turned(first, "cancelled")
    assert events.registration(second)["state"] == "waitlisted"


def test_checking_in_again_is_harmless_and_says_nothing(events: Events) -> None:
    registration = events.registered(events.published(a.webinar()), person=a.person())
    attended = events.turned(registration, "attended")
    assert events.turned(registration, "attended") == attended
    assert events.types(a.REGISTRATIONS) == ["registration.created", "registration.transitioned"]


def test_twenty_scanners_check_somebody_in_once(events: Events, at_once: Callable[[Any], list[Any]]) -> None:
    registration = events.registered(events.published(a.webinar()), person=a.person())
    answers = at_once([lambda: events.turn(registration, "attended")] * 20)
    assert {(answer.status_code, answer.json["version"]) for answer in answers} == {(200, 2)}
    assert len(events.said(a.REGISTRATIONS)) == 2


@pytest.mark.parametrize(
    ("state", "to"),
    [("cancelled", "confirmed"), ("cancelled", "cancelled"), ("attended", "cancelled"), ("absent", "cancelled")],
)
def test_a_step_that_the_table_does_not_have_is_refused(events: Events, state: str, to: str) -> None:
    registration = events.turned(events.registered(events.published(a.webinar()), person=a.person()), state)
    assert events.turn(registration, to).status_code == 409


def test_who_did_not_come_keeps_the_organisations_seat(events: Events) -> None:
    organisation = a.organisation()
    absent, second = a.contact(organisation), a.contact(organisation)
    events.hears([*a.known(a.ORGANISATIONS, organisation), *a.known(a.CONTACTS, absent, second)])
    event = events.published(a.webinar(max_per_organisation=1))
    events.turned(events.registered(event, contact=absent), "absent")
    assert events.registered(event, contact=second)["state"] == "waitlisted"


def test_a_check_in_can_be_taken_back_and_comes_late(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    registration = events.registered(event, person=a.person())
    for to in ("attended", "confirmed", "absent", "attended", "absent", "confirmed"):
        assert events.turned(registration, to)["state"] == to
    assert events.seats(event)["taken"] == 1


def test_somebody_from_the_line_can_be_let_in_at_the_door(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    events.registered(event, person=a.person(1))
    waits = events.registered(event, person=a.person(2))
    assert events.turned(waits, "attended")["state"] == "attended"
    assert events.seats(event) | {"taken": 2, "waiting": 0} == events.seats(event)


def test_a_repeated_request_is_answered_the_same_and_takes_one_seat(events: Events) -> None:
    event = events.published(a.webinar(capacity=2))
    first, second = (events.register(event, person=a.person(), headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.json, second.headers["Idempotent-Replayed"]) == (second.json, "true")
    assert events.seats(event)["taken"] == 1
