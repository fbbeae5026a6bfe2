"""The messages that the services really publish: all types, in the promised shape, nobody named where none may be."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from contracts import SERVICES, present
from contracts.shapes import message_types
from services.notifications.deliveries.commands import Outcome, record_outcomes
from services.notifications.deliveries.store import DELIVERIES
from shared.instants import instant_text
from shared.mongo.journal import JOURNAL
from shared.secrets import Secrets
from tests.contracts.conftest import Json, Network

CONTACTS = "uso.enrolment.contacts.v1"
PEOPLE = [
    {"given_name": "Kyllikki", "family_name": "Saarelainen", "email": "kyllikki.saarelainen@kunta.example"},
    {"given_name": "Torsten", "family_name": "Ekblad", "email": "torsten.ekblad@kunta.example"},
]
STRANGER = {"given_name": "Ebba", "family_name": "Sandström", "email": "ebba.sandstrom@forskning.example"}
PHONE = "+358401239876"


def in_(**span: float) -> str:
    return instant_text(datetime.now(UTC) + timedelta(**span))


def enrolled(network: Network) -> tuple[Json, list[Json]]:
    """An active enrolment with its people; everything of enrolment's is changed once on the way."""
    organisation = network.post(
        "enrolment",
        "/v1/organisations",
        {"kind": "municipality", "name": {"fi": "Kangasala"}, "municipality_code": "211", "languages": ["fi"]},
    )
    network.patch("enrolment", f"/v1/organisations/{organisation['id']}", {"population": 33106})
    people = [
        network.post(
            "enrolment",
            "/v1/contacts",
            {**person, "phone": PHONE, "organisation_id": organisation["id"], "role": "elected", "language": "sv"},
        )
        for person in PEOPLE
    ]
    network.patch("enrolment", f"/v1/contacts/{people[0]['id']}", {"title": "ledamot", "phone": None})
    season = network.post(
        "enrolment",
        "/v1/seasons",
        {
            "number": 7,
            "name": {"fi": "Kausi 7"},
            "starts_on": "2023-01-01",
            "ends_on": "2024-12-31",
            "package": {"workshop_days": 2},
        },
    )
    network.patch("enrolment", f"/v1/seasons/{season['id']}", {"enrolment_opens_on": "2022-09-01"})
    network.move("enrolment", f"/v1/seasons/{season['id']}", "open", "running")
    enrolment = network.post(
        "enrolment",
        "/v1/enrolments",
        {
            "season_id": season["id"],
            "organisation_id": organisation["id"],
            "contact_ids": [person["id"] for person in people],
        },
    )
    path = f"/v1/enrolments/{enrolment['id']}"
    network.patch("enrolment", path, {"coordinator": "maija", "source": "a letter"})
    network.move("enrolment", path, "negotiating", "enrolled", "active")
    network.put("enrolment", f"{path}/situation-analysis", {"status": "delivered", "delivered_on": "2023-05-11"})
    about = {"kind": "organisation", "id": organisation["id"]}
    task = network.post("enrolment", "/v1/tasks", {"about": about, "title": f"Call {PEOPLE[0]['family_name']}"})
    network.patch("enrolment", f"/v1/tasks/{task['id']}", {"due_on": "2023-05-12"})
    network.move("enrolment", f"/v1/tasks/{task['id']}", "done")
    segment = network.post("enrolment", "/v1/segments", {"name": "Elected", "roles": ["elected"]})
    network.patch("enrolment", f"/v1/segments/{segment['id']}", {"languages": ["sv"]})
    mistake = network.post("enrolment", "/v1/organisations", {"kind": "other", "name": {"fi": "Kangasaal"}})
    nobody = {"given_name": "A", "family_name": "B", "email": "a@b.example", "role": "other"}
    nobody = network.post("enrolment", "/v1/contacts", {**nobody, "organisation_id": mistake["id"]})
    network.delete("enrolment", f"/v1/contacts/{nobody['id']}")
    network.delete("enrolment", f"/v1/organisations/{mistake['id']}")
    network.catch_up()
    return enrolment, people


def workshops(network: Network, enrolment: Json) -> None:
    """Three of them: one is called off, one is refused, one is held."""
    called_off, refused, held = (
        network.post(
            "events",
            "/v1/events",
            {
                "kind": "workshop",
                "title": {"fi": "Työpaja"},
                "starts_at": in_(days=30),
                "ends_at": in_(days=30, hours=6),
                "enrolment_id": enrolment["id"],
                "days": days,
            },
        )
        for days in (1, 9, 1.5)
    )
    for event, last in ((called_off, "cancelled"), (refused, None), (held, "completed")):
        path = f"/v1/events/{event['id']}"
        network.move("events", path, "published")
        network.catch_up()
        if last:
            network.move("events", path, last, reason="as it was agreed")
        network.catch_up()


def event_body() -> Json:
    return {
        "kind": "webinar",
        "title": {"fi": "Webinaari", "sv": "Webbinarium"},
        "starts_at": in_(minutes=20),
        "ends_at": in_(hours=1),
        "capacity": 1,
    }


def webinar(network: Network, people: list[Json]) -> None:
    """One seat, three people: the first leaves, the second moves up, comes and says how it was."""
    event = network.post("events", "/v1/events", event_body())
    path = f"/v1/events/{event['id']}"
    network.move("events", path, "published")
    network.patch("events", path, {"venue": {"fi": "Verkossa"}})
    bodies: list[Json] = [{"contact_id": person["id"]} for person in people]
    first, second, _ = (
        network.post("events", f"{path}/registrations", body) for body in [*bodies, {"person": STRANGER}]
    )
    network.move("events", f"/v1/registrations/{first['id']}", "cancelled")
    elsewhere = network.post("events", "/v1/events", {**event_body(), "title": {"fi": "Toinen"}})
    network.move("events", f"/v1/events/{elsewhere['id']}", "published")
    leaver = network.post("events", f"/v1/events/{elsewhere['id']}/registrations", bodies[0])
    network.post("events", f"/v1/registrations/{leaver['id']}/transfer", bodies[1])
    network.move("events", f"/v1/registrations/{second['id']}", "attended")
    network.post("events", f"/v1/registrations/{second['id']}/feedback", {"score": 5, "comment": "Tack!"})
    network.catch_up()


def invitations(network: Network, people: list[Json]) -> None:
    """One person is invited, reminded, and declines with a reason."""
    body = {"kind": "seminar", "title": {"fi": "Seminaari"}, "starts_at": in_(days=9), "ends_at": in_(days=10)}
    event = network.post("events", "/v1/events", body)
    path = f"/v1/events/{event['id']}"
    network.move("events", path, "published")
    made = network.post("events", f"{path}/invitations", {"contact_ids": [people[0]["id"]]})["invited"][0]
    network.post("events", f"{path}/invitations/remind", {})
    token = network.clients["events"].app.extensions["uso"][Secrets].sign("invitations", made["id"], expires_at=None)
    body = {"answer": "declined", "reason": f"Ask {PEOPLE[1]['family_name']}"}
    network.post("events", f"/public/invitations/{token}", body)
    network.catch_up()


def offers(network: Network) -> None:
    """Strangers by the public form: one asks twice, one confirms the address while in line and is offered a seat."""
    body = {"kind": "seminar", "title": {"fi": "Seminaari"}, "starts_at": in_(days=9), "ends_at": in_(days=10)}
    event = network.post(
        "events", "/v1/events", {**body, "capacity": 1, "confirm_address": True, "offer_expires_after": "P1D"}
    )
    path = f"/v1/events/{event['id']}"
    network.move("events", path, "published")
    for person in (STRANGER, STRANGER, {**STRANGER, "email": "lars.sandstrom@forskning.example"}):
        network.post("events", f"/public/events/{event['id']}/registrations", {"person": person})
    registrations = network.get("events", f"{path}/registrations")["items"]
    secrets = network.clients["events"].app.extensions["uso"][Secrets]
    token = secrets.sign("registrations", registrations[1]["id"], expires_at=None)
    network.post("events", f"/public/registrations/{token}", {"to": "confirmed"})
    network.move("events", f"/v1/registrations/{registrations[0]['id']}", "cancelled")
    network.catch_up()


def deliveries(network: Network) -> None:
    """What the others said has led to deliveries; one is sent, one fails."""
    db = network.dbs["notifications"]
    waiting = list(db[DELIVERIES.collection].find({"state": {"$in": ["queued", "scheduled"]}}))
    assert len(waiting) > 2
    outcomes = [
        Outcome(delivery_id=waiting[0]["_id"], to="sent", fields={"message_id": "<1@n.example>", "attempts": 1}),
        Outcome(delivery_id=waiting[1]["_id"], to="failed", error="smtp_550", fields={"attempts": 3}),
    ]
    assert record_outcomes(db, outcomes, rule="sender") == 2


def renewed(network: Network, enrolment: Json) -> None:
    """The next season takes over the members with their days; a small municipality becomes part of another."""
    body = {"number": 8, "name": {"fi": "Kausi 8"}, "starts_on": "2025-01-01", "ends_on": "2026-12-31"}
    season = network.post("enrolment", "/v1/seasons", body)
    network.move("enrolment", f"/v1/seasons/{season['id']}", "open")
    again = {"from_season_id": enrolment["season_id"], "carry_unused_days": True}
    network.post("enrolment", f"/v1/seasons/{season['id']}/renewals", again)
    small = {"kind": "municipality", "name": {"fi": "Sahalahti"}, "municipality_code": "737"}
    ended = network.post("enrolment", "/v1/organisations", small)
    heirs = {"successor_ids": [enrolment["organisation_id"]], "ends_on": "2004-12-31"}
    network.post("enrolment", f"/v1/organisations/{ended['id']}/succession", heirs)
    network.catch_up()


def announcement(network: Network, season: str) -> None:
    """One is drafted, changed and scheduled."""
    text = {"subject": {"fi": "Ohjelma"}, "body": {"fi": "Ohjelma on julkaistu."}}
    made = network.post("notifications", "/v1/announcements", {**text, "segment": {"season_id": season}})
    path = f"/v1/announcements/{made['id']}"
    network.patch("notifications", path, {"segment": {"roles": ["officeholder"]}})
    network.move("notifications", path, "scheduled")


_SAID: list[tuple[str, Json]] = []


@pytest.fixture
def said(network: Network) -> list[tuple[str, Json]]:
    """The topic and the document of every message, after a season in which everything happens once."""
    if not _SAID:
        _SAID.extend(season(network))
    return _SAID


def season(network: Network) -> list[tuple[str, Json]]:
    enrolment, people = enrolled(network)
    workshops(network, enrolment)
    webinar(network, people)
    offers(network)
    invitations(network, people)
    deliveries(network)
    announcement(network, enrolment["season_id"])
    renewed(network, enrolment)
    twin = {**PEOPLE[1], "email": "t.ekblad@kunta.example", "role": "elected"}
    twin["organisation_id"] = people[1]["organisation_id"]
    merged = network.post("enrolment", "/v1/contacts", twin)
    network.post("enrolment", f"/v1/contacts/{merged['id']}/merge", {"into": people[0]["id"]})
    network.post("enrolment", f"/v1/contacts/{merged['id']}/merge/undo", {})
    network.post("enrolment", f"/v1/contacts/{people[1]['id']}/erasure", {"reason": "their own wish"})
    network.settle()
    told = {"topic": {"$type": "string"}, "value": {"$ne": None}}
    rows = [row for db in network.dbs.values() for row in db[JOURNAL].find(told).sort("_id", 1)]
    return [(row["topic"], json.loads(row["value"])) for row in rows]


def test_every_message_type_is_really_said_on_its_topic(said: list[tuple[str, Json]]) -> None:
    assert {document["type"] for _, document in said} == {message.full_name for message in message_types(SERVICES)}
    promised = present()
    assert [
        (topic, document["type"]) for topic, document in said if topic not in promised.topics_of(document["type"])
    ] == []


def test_every_message_fits_its_schema(said: list[tuple[str, Json]]) -> None:
    checks = {name: Draft202012Validator(schema) for name, schema in present().schemas.items()}
    for _, document in said:
        checks[document["type"]].validate(document)


def test_names_addresses_and_numbers_stand_on_the_contacts_topic_alone(said: list[tuple[str, Json]]) -> None:
    words: list[str] = [word for person in [*PEOPLE, STRANGER] for word in person.values()] + [PHONE]
    personal = {
        topic for topic, document in said if any(word in json.dumps(document, ensure_ascii=False) for word in words)
    }
    assert personal == {CONTACTS}
