"""One contact into another, in every service."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from contracts import SERVICES
from services.events.merging import follow_late
from services.notifications.deliveries.store import DELIVERIES
from shared.instants import instant_text
from shared.mongo.database import Database
from tests.contracts.conftest import Network
from tests.support import feed

Json = dict[str, Any]


def in_(**span: float) -> str:
    return instant_text(datetime.now(UTC) + timedelta(**span))


class People:
    """What staff do with contacts of one municipality."""

    def __init__(self, network: Network) -> None:
        self.network = network
        body = {"kind": "municipality", "name": {"fi": "Kangasala"}, "municipality_code": "211"}
        self.organisation = network.post("enrolment", "/v1/organisations", body)

    def add(self, given: str, family: str, email: str, **fields: Any) -> Json:
        body = {"given_name": given, "family_name": family, "email": email, "role": "officeholder"} | fields
        return self.network.post("enrolment", "/v1/contacts", {"organisation_id": self.organisation["id"], **body})

    def merge(self, this: Json, other: Json, **keep: str) -> Json:
        path = f"/v1/contacts/{this['id']}/merge"
        return self.network.post("enrolment", path, {"into": other["id"], "keep": keep})

    def webinar(self, capacity: int = 1) -> Json:
        network = self.network
        body = {"kind": "webinar", "title": {"fi": "Webinaari"}, "starts_at": in_(days=2), "capacity": capacity}
        event = network.post("events", "/v1/events", {**body, "ends_at": in_(days=2, hours=1)})
        network.move("events", f"/v1/events/{event['id']}", "published")
        return event

    def register(self, event: Json, contact: Json) -> Json:
        path = f"/v1/events/{event['id']}/registrations"
        return self.network.post("events", path, {"contact_id": contact["id"]})

    def places(self, event: Json) -> dict[str, str]:
        """The contact of each live registration, and its state."""
        rows = self.network.get("events", f"/v1/events/{event['id']}/registrations")["items"]
        return {row["contact_id"]: row["state"] for row in rows if row["state"] != "cancelled"}


@pytest.fixture
def people(network: Network) -> People:
    return People(network)


def test_the_fields_are_those_that_staff_choose(people: People, network: Network) -> None:
    old = people.add("Maija", "Meikäläinen", "maija@kangasala.example", phone="040 123 4567", title="johtaja")
    new = people.add("Maija", "Virtanen", "maija.virtanen@kangasala.example", title="kehittämisjohtaja")
    left = people.merge(old, new, email="this")["contact"]
    assert (left["id"], left["family_name"], left["email"], left["phone"], left["title"]) == (
        new["id"],
        "Virtanen",
        "maija@kangasala.example",
        "+358401234567",
        "kehittämisjohtaja",
    )


def test_a_merged_contact_leads_to_the_other_and_stands_in_no_list(people: People, network: Network) -> None:
    old, new = people.add("Maija", "Virtanen", "m@k.example"), people.add("Maija", "Virtanen", "maija@k.example")
    people.merge(old, new)
    answer = network.clients["enrolment"].get(f"/v1/contacts/{old['id']}")
    assert (answer.status_code, answer.headers["Location"]) == (308, f"/v1/contacts/{new['id']}")
    assert [row["id"] for row in network.get("enrolment", "/v1/contacts?q=virtanen")["items"]] == [new["id"]]
    assert [row["id"] for row in network.get("enrolment", "/v1/contacts")["items"]] == [new["id"]]
    path = f"/v1/contacts/{old['id']}"
    refused = network.clients["enrolment"].patch(path, json={"title": "x"}, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json["existing_id"]) == (409, new["id"])
    assert network.get("enrolment", f"{path}?version=1")["email"] == "m@k.example"


def test_enrolments_notes_and_tasks_follow(people: People, network: Network) -> None:
    old, new = people.add("Maija", "Virtanen", "m@k.example"), people.add("Maija", "Virtanen", "maija@k.example")
    season = network.post(
        "enrolment",
        "/v1/seasons",
        {"number": 7, "name": {"fi": "Kausi"}, "starts_on": "2023-01-01", "ends_on": "2024-12-31"},
    )
    network.move("enrolment", f"/v1/seasons/{season['id']}", "open")
    body = {"season_id": season["id"], "organisation_id": people.organisation["id"]}
    enrolment = network.post("enrolment", "/v1/enrolments", {**body, "contact_ids": [old["id"], new["id"]]})
    about = {"kind": "contact", "id": old["id"]}
    note = network.post("enrolment", "/v1/notes", {"about": about, "text": "Likes mornings"})
    task = network.post("enrolment", "/v1/tasks", {"about": about, "title": "Call"})
    conflicts = people.merge(old, new)["conflicts"]
    assert network.get("enrolment", f"/v1/enrolments/{enrolment['id']}")["contact_ids"] == [new["id"]]
    for path in (f"/v1/notes/{note['id']}", f"/v1/tasks/{task['id']}"):
        assert network.get("enrolment", path)["about"]["id"] == new["id"]
    assert [(conflict["kind"], conflict["id"]) for conflict in conflicts] == [("enrolment", enrolment["id"])]


def test_of_two_places_at_an_event_the_better_one_stays_and_the_line_moves_up(people: People, network: Network) -> None:
    old, new = people.add("Maija", "Virtanen", "m@k.example"), people.add("Maija", "Virtanen", "maija@k.example")
    third = people.add("Pekka", "Lahti", "pekka@k.example")
    network.catch_up()
    event = people.webinar(capacity=2)
    for contact in (new, old, third):
        people.register(event, contact)
    assert people.places(event) == {new["id"]: "confirmed", old["id"]: "confirmed", third["id"]: "waitlisted"}
    network.catch_up()
    conflicts = people.merge(old, new)["conflicts"]
    assert [(conflict["kind"], conflict["id"]) for conflict in conflicts] == [("registration", event["id"])]
    network.catch_up()
    assert people.places(event) == {new["id"]: "confirmed", third["id"]: "confirmed"}


def test_a_seat_is_better_than_a_place_in_line_whoever_has_it(people: People, network: Network) -> None:
    old, new = people.add("Maija", "Virtanen", "m@k.example"), people.add("Maija", "Virtanen", "maija@k.example")
    network.catch_up()
    event = people.webinar(capacity=1)
    for contact in (old, new):
        people.register(event, contact)
    assert people.places(event) == {old["id"]: "confirmed", new["id"]: "waitlisted"}
    people.merge(old, new)
    network.catch_up()
    assert people.places(event) == {new["id"]: "confirmed"}
    cancelled = {"template": "registration_cancelled"}
    assert network.dbs["notifications"][DELIVERIES.collection].count_documents(cancelled) == 0


def test_who_registers_with_the_old_id_is_the_contact_that_is_left(people: People, network: Network) -> None:
    first, second, third = (people.add("Maija", "Virtanen", f"m{number}@k.example") for number in range(3))
    people.merge(first, second)
    people.merge(second, third)
    network.catch_up()
    event = people.webinar(capacity=5)
    people.register(event, first)
    assert list(people.places(event)) == [third["id"]]
    again = network.clients["events"].post(
        f"/v1/events/{event['id']}/registrations", json={"contact_id": second["id"]}, role="manager"
    )
    assert again.status_code == 409


def test_the_stricter_preferences_count_and_deliveries_of_both_are_listed(people: People, network: Network) -> None:
    old, new = people.add("Maija", "Virtanen", "m@k.example"), people.add("Maija", "Virtanen", "maija@k.example")
    network.catch_up()
    wants = {"announcements": True, "reminders": True, "feedback_requests": True}
    network.put("notifications", f"/v1/contacts/{old['id']}/preferences", {**wants, "announcements": False})
    network.put("notifications", f"/v1/contacts/{new['id']}/preferences", {**wants, "reminders": False})
    event = people.webinar()
    people.register(event, old)
    network.catch_up()
    people.merge(old, new)
    network.catch_up()
    found = network.get("notifications", f"/v1/contacts/{new['id']}/preferences")
    assert (found["announcements"], found["reminders"], found["feedback_requests"]) == (False, False, True)
    sent = network.get("notifications", f"/v1/deliveries?contact_id={new['id']}")["items"]
    assert [delivery["template"] for delivery in sent] == ["registration_confirmed"]


@pytest.mark.parametrize(("into", "status"), [("itself", 422), ("nobody", 404), ("merged", 409)])
def test_what_cannot_be_merged_is_refused(people: People, network: Network, into: str, status: int) -> None:
    this, other, third = (people.add("Maija", "Virtanen", f"m{number}@k.example") for number in range(3))
    people.merge(third, other)
    ids = {"itself": this["id"], "nobody": "01890000-0000-7000-8000-000000000000", "merged": third["id"]}
    path = f"/v1/contacts/{this['id']}/merge"
    answer = network.clients["enrolment"].post(path, json={"into": ids[into]}, role="manager")
    assert answer.status_code == status


def test_erasing_the_contact_that_is_left_erases_the_merged_one_too(people: People, network: Network) -> None:
    old = people.add("Maija", "Meikäläinen", "maija.meikalainen@k.example")
    new = people.add("Maija", "Virtanen", "maija@k.example")
    people.merge(old, new)
    erasure = network.post("enrolment", f"/v1/contacts/{new['id']}/erasure", {})
    assert sorted(erasure["contact_ids"]) == sorted([old["id"], new["id"]])
    network.settle()
    assert network.get("enrolment", f"/v1/erasures/{erasure['id']}")["state"] == "completed"
    for db in network.dbs.values():
        assert db["contacts"].count_documents({"email": {"$regex": "meikalainen"}}) == 0


def undo(network: Network, contact: Json) -> Json:
    return network.post("enrolment", f"/v1/contacts/{contact['id']}/merge/undo", {})


def test_a_merge_is_taken_back_in_every_service(people: People, network: Network) -> None:
    old = people.add("Maija", "Meikäläinen", "m@k.example", title="johtaja", tags=["board"])
    new = people.add("Maija", "Virtanen", "maija@k.example")
    about = {"kind": "contact", "id": old["id"]}
    note = network.post("enrolment", "/v1/notes", {"about": about, "text": "Likes mornings"})
    network.catch_up()
    event, wants = people.webinar(), {"announcements": False, "reminders": True, "feedback_requests": True}
    people.register(event, old)
    network.put("notifications", f"/v1/contacts/{old['id']}/preferences", wants)
    network.catch_up()
    people.merge(old, new, email="this")
    network.catch_up()
    assert list(people.places(event)) == [new["id"]]
    answer = undo(network, old)
    network.catch_up()
    assert answer["kept"] == []
    for before in (old, new):
        now = network.get("enrolment", f"/v1/contacts/{before['id']}")
        assert {name for name in now if now[name] != before[name]} <= {"version", "updated_at", "positions"}
    assert network.get("enrolment", f"/v1/notes/{note['id']}")["about"]["id"] == old["id"]
    assert list(people.places(event)) == [old["id"]]
    assert network.get("notifications", f"/v1/contacts/{old['id']}/preferences")["announcements"] is False
    assert [row["id"] for row in network.get("enrolment", "/v1/contacts?q=meikalainen")["items"]] == [old["id"]]


def test_what_was_changed_after_a_merge_stays_and_is_told(people: People, network: Network) -> None:
    old = people.add("Maija", "Meikäläinen", "m@k.example", title="johtaja", phone="040 123 4567")
    new = people.add("Maija", "Virtanen", "maija@k.example")
    people.merge(old, new)
    network.patch("enrolment", f"/v1/contacts/{new['id']}", {"title": "päällikkö"})
    answer = undo(network, old)
    assert (answer["other"]["title"], answer["other"]["phone"]) == ("päällikkö", None)
    assert [(row["id"], row["by"], "title" in row["fields"]) for row in answer["kept"]] == [
        (new["id"], "test-coordinator", True)
    ]


def test_a_merge_that_was_followed_by_another_is_taken_back_after_it(people: People, network: Network) -> None:
    first, second, third = (people.add("Maija", "Virtanen", f"m{number}@k.example") for number in range(3))
    client = network.clients["enrolment"]
    assert client.post(f"/v1/contacts/{first['id']}/merge/undo", role="manager").status_code == 409
    people.merge(first, second)
    people.merge(second, third)
    assert client.post(f"/v1/contacts/{first['id']}/merge/undo", role="manager").status_code == 409
    undo(network, second)
    undo(network, first)
    assert len(network.get("enrolment", "/v1/contacts")["items"]) == 3


def test_a_registration_that_meets_the_merge_ends_on_the_contact_that_is_left(people: People, network: Network) -> None:
    old, new = people.add("Maija", "Virtanen", "m@k.example"), people.add("Maija", "Virtanen", "maija@k.example")
    network.catch_up()
    event, db = people.webinar(), network.dbs["events"]
    people.register(event, old)
    people.merge(old, new)
    # Neither sees the other: the merge is heard of by the projection, and its policy has run before.
    db["contacts"].update_one({"_id": old["id"]}, {"$set": {"merged_into": new["id"]}})
    assert follow_late(db)
    assert list(people.places(event)) == [new["id"]]
    assert not follow_late(db)


def end_of(dbs: dict[str, Database]) -> Any:
    """What does not depend on ids of messages: who has which place, and wants which mail."""
    places = dbs["events"]["registrations"].find({}, {"contact_id": 1, "state": 1, "live": 1})
    wants = dbs["notifications"]["preferences"].find({}, {"announcements": 1, "reminders": 1})
    return (
        sorted((row["_id"], row["contact_id"], row["state"]) for row in places),
        sorted((row["_id"], row["announcements"], row["reminders"]) for row in wants),
    )


ORDERS = [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2, 1, 0), (3, 0, 1, 2, 3, 2, 1, 0)]
# Each message twice, shuffled.
ORDERS += [tuple(Random(seed).sample([0, 1, 2, 3] * 2, 8)) for seed in range(3)]


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_merge_messages_ends_the_same(people: People, network: Network, order: tuple[int, ...]) -> None:
    """A chain of merges of which each service hears in its own order, some of it twice: a → b, c → b, b → d."""
    a, b, c, d = (people.add("Maija", "Virtanen", f"m{number}@k.example") for number in range(4))
    network.catch_up()
    event = people.webinar(capacity=2)
    seats = {name: people.register(event, contact)["id"] for name, contact in zip("cadb", (c, a, d, b), strict=True)}
    for contact in (a, c):
        wants = {"announcements": contact is a, "reminders": contact is c, "feedback_requests": True}
        network.put("notifications", f"/v1/contacts/{contact['id']}/preferences", wants)
    network.catch_up()
    before = {message.id for message in network.said()}
    for this, other in ((a, b), (c, b), (b, d)):
        people.merge(this, other)
        news = [each for each in network.said() if each.id not in before and each.type == "contact.merged"]
    by_key = [[message for message in news if message.key == contact["id"]] for contact in (a, b, c)]
    by_key.append([message for message in network.said() if message.key == d["id"]])
    for service in SERVICES:
        if service.name != "enrolment":
            for number in order:
                feed(network.dbs[service.name], service.subscriptions, by_key[number])
    network.catch_up()
    places, wants_of = end_of(network.dbs)
    assert places == sorted((seats[name], d["id"], "confirmed" if name == "c" else "cancelled") for name in "cadb")
    assert wants_of == [(d["id"], False, False)]
