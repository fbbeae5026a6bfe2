"""Seats in the room and online, and seats that are held: through HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.events.events.store import EVENTS
from services.events.held_seats import release_all
from services.events.registrations.seats import SEATS
from tests.events import builders as a
from tests.events.conftest import Events, Json


def ask(events: Events, event: Json, number: int, **more: Any) -> Any:
    body = {"person": a.person(number), **more}
    return events.client.post(f"/v1/events/{event['id']}/registrations", json=body)


def states(events: Events, event: Json) -> list[tuple[str, str]]:
    return [(each["state"], each["mode"]) for each in events.registrations(event)]


def speakers(seats: int = 1, **changes: Any) -> Json:
    return {"key": "speakers", "seats": seats, "name": "Puhujat", "released_at": a.in_(days=10)} | changes


def hybrid(**changes: Any) -> Json:
    return a.webinar(**({"capacity": 1, "online_capacity": 2} | changes))


def test_each_kind_of_seat_has_its_own_limit_and_its_own_line(events: Events) -> None:
    event = events.published(hybrid())
    for number, mode in enumerate(["on_site", "on_site", "online", "online", "online", "on_site"]):
        assert ask(events, event, number, mode=mode).status_code == 201
    found = events.registrations(event)
    assert [(each["state"], each["position"]) for each in found] == [
        ("confirmed", None), ("waitlisted", 1), ("confirmed", None),
        ("confirmed", None), ("waitlisted", 1), ("waitlisted", 2),
    ]  # fmt: skip
    events.turned(found[2], "cancelled")
    assert events.registration(found[4])["state"] == "confirmed"
    assert events.registration(found[1])["state"] == "waitlisted"
    summary = events.client.get(f"/v1/events/{event['id']}/summary").json
    assert summary["by_mode"] == {"on_site": 1, "online": 2}


def test_one_takes_part_in_the_room_unless_one_says_otherwise(events: Events) -> None:
    event = events.published(hybrid())
    assert ask(events, event, 1).json["mode"] == "on_site"
    usual = events.published(a.webinar())
    assert ask(events, usual, 1).json["mode"] is None
    refused = ask(events, usual, 2, mode="online")
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["mode"])


def test_the_public_form_takes_the_kind_of_seat(events: Events) -> None:
    event = events.published(hybrid())
    body = {"person": a.person(), "mode": "online"}
    assert events.client.post(f"/public/events/{event['id']}/registrations", json=body, role=None).status_code == 202
    assert states(events, event) == [("confirmed", "online")]
    assert events.client.get(f"/public/events/{event['id']}", role=None).json["online_capacity"] == 2


def test_more_seats_online_go_to_the_line_for_them(events: Events) -> None:
    event = events.published(hybrid(online_capacity=1))
    for number in range(3):
        ask(events, event, number, mode="online")
    events.changed(event, online_capacity=2)
    assert [state for state, _ in states(events, event)] == ["confirmed", "confirmed", "waitlisted"]
    assert events.patch(event, online_capacity=None).status_code == 409


def test_held_seats_are_not_for_others_until_they_are_released(events: Events) -> None:
    town = a.organisation()
    leader = a.contact(town)
    events.hears(a.known(a.ORGANISATIONS, town), a.known(a.CONTACTS, leader))
    hold = {"key": "town", "seats": 1, "organisation_id": town["id"], "released_at": a.in_(days=10)}
    event = events.published(a.webinar(capacity=3, held_seats=[hold, speakers()]))
    first, second, third = (ask(events, event, number).json for number in (1, 2, 3))
    assert [each["state"] for each in (first, second, third)] == ["confirmed", "waitlisted", "waitlisted"]
    own = events.registered(event, contact=leader)
    assert (own["state"], own["held_key"]) == ("confirmed", "town")
    pass_by(events, event)
    assert release_all(events.db)
    assert not release_all(events.db)
    assert [events.registration(each)["state"] for each in (second, third)] == ["confirmed", "waitlisted"]


def test_who_comes_after_the_release_does_not_overtake_the_line(events: Events) -> None:
    """The worker's round that releases the seats may come a few seconds late."""
    event = events.published(a.webinar(capacity=1, held_seats=[speakers()]))
    waits = ask(events, event, 1).json
    pass_by(events, event)
    assert ask(events, event, 2).json["state"] == "waitlisted"
    assert events.registration(waits)["state"] == "confirmed"


def test_staff_give_a_seat_of_a_named_group(events: Events) -> None:
    event = events.published(a.webinar(capacity=2, held_seats=[speakers()]))
    seat = ask(events, event, 1, held_key="speakers").json
    assert (seat["state"], seat["held_key"]) == ("confirmed", "speakers")
    assert ask(events, event, 2).json["held_key"] is None
    assert ask(events, event, 3, held_key="speakers").json["state"] == "waitlisted"
    unknown = ask(events, event, 4, held_key="press")
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["held_key"])
    events.turned(seat, "cancelled")
    assert [each["held_key"] for each in events.registrations(event) if each["state"] == "confirmed"] == [
        None,
        "speakers",
    ]


def test_a_transfer_keeps_the_seat_that_was_held(events: Events) -> None:
    town = a.organisation()
    leader, colleague = a.contact(town), a.contact(town)
    events.hears(a.known(a.ORGANISATIONS, town), a.known(a.CONTACTS, leader, colleague))
    hold = {"key": "town", "seats": 1, "organisation_id": town["id"], "released_at": a.in_(days=10)}
    event = events.published(a.webinar(capacity=1, online_capacity=1, held_seats=[hold]))
    seat = events.registered(event, contact=leader)
    path = f"/v1/registrations/{seat['id']}/transfer"
    after = events.client.post(path, json={"contact_id": colleague["id"]}).json
    assert (after["state"], after["mode"], after["held_key"]) == ("confirmed", "on_site", "town")
    assert events.seats(event)["held"] == {"town": 1}


@pytest.mark.parametrize(
    "held",
    [
        [speakers(seats=3)],
        [speakers(), speakers()],
        [{**speakers(), "role": "elected"}],
        [{"key": "x", "seats": 1, "released_at": a.in_(days=1)}],
    ],
)
def test_holds_that_make_no_sense_are_refused(events: Events, held: list[Json]) -> None:
    assert events.client.post("/v1/events", json=a.webinar(capacity=2, held_seats=held)).status_code == 422


def test_the_name_of_a_group_stays_off_the_topic_and_the_page(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, held_seats=[speakers(name="Maija Mallikas")]))
    assert events.event(event)["held_seats"][0]["name"] == "Maija Mallikas"
    assert "Mallikas" not in events.all_that_was_said()
    assert "held_seats" not in events.client.get(f"/public/events/{event['id']}", role=None).json


def test_a_copy_holds_the_same_seats_as_much_earlier(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, held_seats=[speakers()]))
    starts = datetime.fromisoformat(event["starts_at"]) + timedelta(days=365)
    body = {"starts_at": [starts.strftime("%Y-%m-%dT%H:%M:%SZ")]}
    [copy] = events.client.post(f"/v1/events/{event['id']}/copies", json=body).json["events"]
    before, after = (datetime.fromisoformat(each["held_seats"][0]["released_at"]) for each in (event, copy))
    assert timedelta(days=364, hours=22) < after - before < timedelta(days=365, hours=2)


def pass_by(events: Events, event: Json) -> None:
    """The clock has gone on until the event's holds were released."""
    past = datetime.now(UTC) - timedelta(minutes=1)
    events.db[EVENTS.collection].update_one({"_id": event["id"]}, {"$set": {"held_seats.$[].released_at": past}})
    events.db[SEATS].update_one({"_id": event["id"]}, {"$set": {"release_at": past}})


def test_a_yes_to_an_invitation_for_held_seats_takes_one_while_there_is_one(events: Events) -> None:
    town = a.organisation()
    leaders = [a.contact(town) for _ in range(2)]
    events.hears(a.known(a.ORGANISATIONS, town), a.known(a.CONTACTS, *leaders))
    event = events.published(a.webinar(capacity=1, held_seats=[speakers()]))
    path, ids = f"/v1/events/{event['id']}/invitations", [leader["id"] for leader in leaders]
    unknown = events.client.post(path, json={"contact_ids": ids, "held_key": "press"})
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["held_key"])
    made = events.client.post(path, json={"contact_ids": ids, "held_key": "speakers"}).json["invited"]
    assert ask(events, event, 1).json["state"] == "waitlisted"
    for invitation in made:
        token = events.secrets.sign("invitations", invitation["id"], expires_at=None)
        said = events.client.post(f"/public/invitations/{token}", json={"answer": "accepted"}, role=None)
        assert said.status_code == 200
    assert [each["state"] for each in events.registrations(event)] == ["waitlisted", "confirmed", "waitlisted"]
