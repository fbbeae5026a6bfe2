"""Nothing of an erased person is left in any collection or topic, and nothing brings them back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo import InsertOne

from contracts import SERVICES
from ops.erasure.person import Person
from shared.cause import own_initiative
from shared.instants import instant_text
from shared.messaging.dead_letters import dead_letter
from shared.messaging.subscriptions import Subscriptions
from shared.mongo.journal import JOURNAL
from tests.contracts.conftest import Network
from tests.support.messages import feed

Json = dict[str, Any]
CONTACTS = "uso.enrolment.contacts.v1"
GIVEN, FAMILY, EMAIL = "Kyllikki", "Saarelainen", "kyllikki.saarelainen@kunta.example"
TRACES = (FAMILY.casefold(), EMAIL, "401239876")


def in_(**span: float) -> str:
    return instant_text(datetime.now(UTC) + timedelta(**span))


def somebody(network: Network, organisation: Json, **fields: Any) -> Json:
    body = {"organisation_id": organisation["id"], "role": "elected", "language": "sv"} | fields
    return network.post("enrolment", "/v1/contacts", body)


@pytest.fixture
def organisation(network: Network) -> Json:
    body = {"kind": "municipality", "name": {"fi": "Kangasala"}, "municipality_code": "211"}
    return network.post("enrolment", "/v1/organisations", body)


@pytest.fixture
def kyllikki(network: Network, organisation: Json) -> Json:
    return somebody(network, organisation, given_name=GIVEN, family_name=FAMILY, email=EMAIL, phone="040 123 9876")


@pytest.fixture
def lived(network: Network, organisation: Json, kyllikki: Json) -> Json:
    """The contact after they have left traces in all three services; the event that they are registered for."""
    about = {"kind": "contact", "id": kyllikki["id"]}
    network.post("enrolment", "/v1/notes", {"about": about, "text": "Likes to be called Kylli Saarelainen"})
    elsewhere = {"kind": "organisation", "id": organisation["id"]}
    network.post("enrolment", "/v1/notes", {"about": elsewhere, "text": f"Ask {GIVEN} {FAMILY} (040-123 9876)"})
    network.post("enrolment", "/v1/tasks", {"about": about, "title": f"Call {FAMILY}"})
    network.patch("enrolment", f"/v1/contacts/{kyllikki['id']}", {"title": "ledamot"})
    network.catch_up()
    event = network.post(
        "events",
        "/v1/events",
        {"kind": "webinar", "title": {"fi": "Webinaari"}, "starts_at": in_(days=2), "ends_at": in_(days=2, hours=1)},
    )
    network.move("events", f"/v1/events/{event['id']}", "published")
    network.post("events", f"/v1/events/{event['id']}/registrations", {"contact_id": kyllikki["id"]})
    network.clients["notifications"].post("/v1/suppressions", json={"email": EMAIL, "note": f"{GIVEN} {FAMILY}"})
    network.catch_up()
    return event


def everything(network: Network) -> Iterator[tuple[str, str]]:
    """Where each document of each service stands, and its content as text."""
    for service, db in network.dbs.items():
        for collection in db.raw.list_collection_names():
            for document in db[collection].find():
                yield f"{service}.{collection}", _text(document).casefold()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def traces(network: Network) -> list[str]:
    return sorted({where for where, text in everything(network) if any(trace in text for trace in TRACES)})


def records(network: Network) -> list[Json]:
    """Every record as it went to Kafka, in order; so the rows are read before an erasure changes them."""
    rows = {"topic": {"$type": "string"}}
    return [row for db in network.dbs.values() for row in db[JOURNAL].find(rows).sort("_id", 1)]


def erase(network: Network, contact: Json) -> Json:
    return network.post("enrolment", f"/v1/contacts/{contact['id']}/erasure", {"reason": "their own wish"})


def test_nothing_of_the_person_is_left_in_any_collection(network: Network, kyllikki: Json, lived: Json) -> None:
    assert {"enrolment.contacts", "events.contacts", "notifications.contacts"} <= set(traces(network))
    erase(network, kyllikki)
    network.settle()
    assert traces(network) == []


def test_nothing_of_the_person_is_left_on_any_topic_once_it_is_compacted(
    network: Network, kyllikki: Json, lived: Json
) -> None:
    before = records(network)
    erase(network, kyllikki)
    network.settle()
    known = {row["_id"] for row in before}
    later = [row for row in records(network) if row["_id"] not in known]
    newest = {(row["topic"], row["key"]): row for row in [*before, *later]}
    assert newest[CONTACTS, kyllikki["id"]]["value"] is None
    assert [key for key, row in newest.items() if any(trace in _text(row).casefold() for trace in TRACES)] == []


def test_it_is_completed_when_each_service_has_acknowledged(network: Network, kyllikki: Json, lived: Json) -> None:
    erasure = erase(network, kyllikki)
    path = f"/v1/erasures/{erasure['id']}"
    assert erasure["state"] == "pending"
    assert [of["state"] for of in erasure["services"].values()] == ["pending"] * 3
    network.catch_up()
    for eraser in network.erasers()[:2]:
        while eraser.step():
            pass
    network.catch_up()
    pending = network.get("enrolment", path)
    assert {name: of["state"] for name, of in pending["services"].items()} == {
        "enrolment": "completed",
        "events": "completed",
        "notifications": "pending",
    }
    assert pending["state"] == "pending"
    network.settle()
    done = network.get("enrolment", path)
    assert done["state"] == "completed"
    assert all(of["at"] for of in done["services"].values())


def test_the_figures_of_an_event_stay_and_a_coming_seat_is_freed(
    network: Network, organisation: Json, kyllikki: Json, lived: Json
) -> None:
    past = network.post(
        "events",
        "/v1/events",
        {"kind": "webinar", "title": {"fi": "Eilen"}, "starts_at": in_(minutes=20), "ends_at": in_(hours=1)},
    )
    network.move("events", f"/v1/events/{past['id']}", "published")
    seat = network.post("events", f"/v1/events/{past['id']}/registrations", {"contact_id": kyllikki["id"]})
    network.move("events", f"/v1/registrations/{seat['id']}", "attended")
    network.post("events", f"/v1/registrations/{seat['id']}/feedback", {"score": 4, "comment": f"Hälsningar {FAMILY}"})
    erase(network, kyllikki)
    network.settle()
    summary = network.get("events", f"/v1/events/{past['id']}/summary")
    assert (summary["by_state"]["attended"], summary["by_role"]["elected"], summary["scores"]["mean"]) == (1, 1, 4)
    assert network.get("events", f"/v1/events/{lived['id']}/summary")["by_state"]["cancelled"] == 1
    assert traces(network) == []


def test_late_doubled_and_old_messages_do_not_bring_the_person_back(
    network: Network, kyllikki: Json, lived: Json
) -> None:
    old = [message for message in network.said() if message.topic == CONTACTS]
    erase(network, kyllikki)
    network.settle()
    for again in (old, old[::-1], [message for message in network.said() if message.topic == CONTACTS]):
        for service in ("events", "notifications"):
            for message in again:
                feed(network.dbs[service], _subscriptions(service), [message])
    network.settle()
    assert traces(network) == []
    answer = network.clients["events"].post(
        f"/v1/events/{lived['id']}/registrations", json={"contact_id": kyllikki["id"]}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("first", ["request", "tombstone"])
def test_request_and_tombstone_come_in_either_order(network: Network, kyllikki: Json, lived: Json, first: str) -> None:
    erase(network, kyllikki)
    news = {
        name: [message for message in network.said() if message.topic == topic]
        for name, topic in (("request", "uso.enrolment.erasures.v1"), ("tombstone", CONTACTS))
    }
    order = [first, *({"request", "tombstone"} - {first})]
    for name in order:
        for service in ("events", "notifications"):
            feed(network.dbs[service], _subscriptions(service), news[name])
        for eraser in network.erasers():
            eraser.step()
    network.settle()
    assert traces(network) == []
    assert network.get("enrolment", "/v1/erasures?state=completed")["items"]


def test_an_answer_kept_for_an_idempotency_key_is_gone_too(network: Network, organisation: Json) -> None:
    body = {"given_name": GIVEN, "family_name": FAMILY, "email": EMAIL, "role": "elected"}
    body["organisation_id"] = organisation["id"]
    client, headers = network.clients["enrolment"], {"Idempotency-Key": "once"}
    made = client.post("/v1/contacts", json=body, headers=headers).json
    erase(network, made)
    network.settle()
    again = client.post("/v1/contacts", json=body, headers=headers)
    assert again.status_code == 410, again.text
    assert traces(network) == []


def test_dead_letters_forget_the_person(network: Network, kyllikki: Json, lived: Json) -> None:
    db = network.dbs["notifications"]
    row = network.dbs["enrolment"][JOURNAL].find_one({"topic": CONTACTS, "key": kyllikki["id"]})
    assert row is not None
    erase(network, kyllikki)
    network.catch_up()
    record: Any = SimpleNamespace(
        topic=CONTACTS, partition=0, offset=7, key=row["key"].encode(), value=row["value"], headers=[]
    )
    letter = dead_letter(record, ValueError(), tries=3, service="notifications", group="uso.notifications")
    db.transact(letter.store, cause=own_initiative("test"))
    assert {"notifications.dead_letters", "notifications.journal"} <= set(traces(network))
    network.erase()
    assert traces(network) == []


def test_a_strangers_registration_is_forgotten(network: Network, organisation: Json) -> None:
    body = {"kind": "seminar", "title": {"fi": "Seminaari"}, "starts_at": in_(days=9), "ends_at": in_(days=10)}
    event = network.post("events", "/v1/events", {**body, "audience": {"open_to": "public"}})
    network.move("events", f"/v1/events/{event['id']}", "published")
    person = {"given_name": GIVEN, "family_name": FAMILY, "email": EMAIL, "language": "fi"}
    network.post("events", f"/v1/events/{event['id']}/registrations", {"person": person})
    contact = somebody(network, organisation, given_name=GIVEN, family_name=FAMILY, email=EMAIL)
    network.catch_up()
    erase(network, contact)
    network.settle()
    [registration] = network.dbs["events"]["registrations"].find()
    assert (registration["person_sealed"], registration["address_key"]) == (None, None)
    assert "gAAAA" not in " ".join(text for _, text in everything(network) if "registration" in text)


def test_a_second_request_answers_with_the_first_erasure(network: Network, kyllikki: Json) -> None:
    first, second = erase(network, kyllikki), erase(network, kyllikki)
    assert first["id"] == second["id"]
    assert network.clients["enrolment"].get(f"/v1/contacts/{kyllikki['id']}").status_code == 404


def test_a_coordinator_may_not_erase(network: Network, kyllikki: Json) -> None:
    path = f"/v1/contacts/{kyllikki['id']}/erasure"
    assert network.clients["enrolment"].post(path, json={}, role="coordinator").status_code == 403


def test_a_namesake_keeps_their_name(network: Network, organisation: Json, kyllikki: Json) -> None:
    other = somebody(network, organisation, given_name=GIVEN, family_name=FAMILY, email="k.s@muualla.example")
    about = {"kind": "contact", "id": other["id"]}
    note = network.post("enrolment", "/v1/notes", {"about": about, "text": f"{GIVEN} {FAMILY} chairs the council"})
    erase(network, kyllikki)
    network.settle()
    assert network.get("enrolment", f"/v1/contacts/{other['id']}")["family_name"] == FAMILY
    assert network.get("enrolment", f"/v1/notes/{note['id']}")["text"] == f"{GIVEN} {FAMILY} chairs the council"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Kyllikki Saarelainen called", "[erased] called"),
        ("SAARELAINEN, KYLLIKKI", "[erased]"),
        ("mail Kyllikki.Saarelainen@Kunta.example today", "mail [erased] today"),
        ("not.kyllikki.saarelainen@kunta.example", "not.kyllikki.saarelainen@kunta.example"),
        ("040-123 9876", "[erased]"),
        ("+358 (0)40 1239876", "[erased]"),
        ("1040 1239876", "1040 1239876"),
        ("Saarelainen is another family", "Saarelainen is another family"),
    ],
)
def test_names_addresses_and_numbers_are_found_as_people_write_them(text: str, left: str) -> None:
    person = Person(contact_id="1", email=EMAIL, phone="+358401239876", full_name=(GIVEN, FAMILY))
    assert person.redacted(text) == left


def test_a_collection_of_any_size_is_searched_to_its_end(network: Network, kyllikki: Json) -> None:
    db = network.dbs["enrolment"]
    notes = [InsertOne({"_id": f"note-{number:04d}", "text": f"to {EMAIL}"}) for number in range(250)]
    db["scraps"].bulk_write(notes)
    erase(network, kyllikki)
    network.settle()
    assert db["scraps"].count_documents({"text": "to [erased]"}) == 250
    db["scraps"].drop()


def _subscriptions(service: str) -> Subscriptions:
    return next(known.subscriptions for known in SERVICES if known.name == service)
