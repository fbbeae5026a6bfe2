"""What the three services hold on a person, each answering for its own."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.deliveries.store import DELIVERIES
from shared.instants import instant_text
from tests.contracts.conftest import Json, Network


@pytest.fixture
def anna(network: Network) -> Json:
    """She was merged, has answered two questions and wants no announcements."""
    town = {"kind": "other", "name": {"fi": "Kuntaliitto"}}
    body = {"given_name": "Anna", "family_name": "Aalto", "email": "anna@k.example", "role": "elected"}
    body["organisation_id"] = network.post("enrolment", "/v1/organisations", town)["id"]
    anna = network.post("enrolment", "/v1/contacts", body)
    twin = network.post("enrolment", "/v1/contacts", {**body, "email": "a.aalto@k.example"})
    network.catch_up()
    starts = datetime.now(UTC) + timedelta(days=2)
    event = network.post(
        "events",
        "/v1/events",
        {
            "kind": "webinar",
            "title": {"fi": "Webinaari"},
            "starts_at": instant_text(starts),
            "ends_at": instant_text(starts + timedelta(hours=1)),
            "questions": [
                {"key": "hopes", "kind": "text", "label": {"fi": "Toiveet"}},
                {"key": "diet", "kind": "text", "label": {"fi": "Ruokavalio"}, "sensitive": True},
            ],
        },
    )
    network.move("events", f"/v1/events/{event['id']}", "published")
    asked = {"contact_id": twin["id"], "answers": {"hopes": "Vertaisia", "diet": "Ei pähkinää"}}
    network.post("events", f"/v1/events/{event['id']}/registrations", asked)
    network.post("enrolment", f"/v1/contacts/{twin['id']}/merge", {"into": anna["id"]})
    network.catch_up()
    choices = {"announcements": False, "reminders": True, "feedback_requests": True}
    network.put("notifications", f"/v1/contacts/{anna['id']}/preferences", choices)
    return {**anna, "twin": twin["id"]}


def test_each_service_shows_what_it_holds_and_enrolment_says_where_the_rest_is(network: Network, anna: Json) -> None:
    here = network.clients["enrolment"].get(f"/v1/contacts/{anna['id']}/export", role="manager").json
    assert [contact["email"] for contact in here["contacts"]] == ["anna@k.example", "a.aalto@k.example"]
    there = {
        part["service"]: network.clients[part["service"]].get(part["path"], role="manager").json
        for part in here["elsewhere"]
    }
    [registration] = there["events"]["registrations"]
    assert (registration["contact_id"], registration["answers"]) == (anna["id"], {"hopes": "Vertaisia"})
    assert [row["answers"] for row in there["events"]["sensitive_answers"]] == [{"diet": "Ei pähkinää"}]
    assert there["notifications"]["preferences"]["announcements"] is False
    assert {row["template"] for row in there["notifications"]["deliveries"]} == {"registration_confirmed"}
    assert set(there["notifications"]["contact_ids"]) == {anna["id"], anna["twin"]}


def test_the_text_of_a_mail_belongs_to_the_answer(network: Network, anna: Json) -> None:
    mails = network.dbs["notifications"][DELIVERIES.collection]
    mails.update_many({}, {"$set": {"subject": "Paikkasi on varmistettu", "text": "Hei Anna!"}})
    path = f"/v1/contacts/{anna['id']}/personal-data"
    [mail] = network.clients["notifications"].get(path, role="manager").json["deliveries"]
    assert (mail["subject"], mail["text"]) == ("Paikkasi on varmistettu", "Hei Anna!")


@pytest.mark.parametrize("service", ["events", "notifications"])
def test_only_managers_see_it_and_after_an_erasure_nobody(network: Network, anna: Json, service: str) -> None:
    path = f"/v1/contacts/{anna['id']}/personal-data"
    assert network.clients[service].get(path).status_code == 403
    network.post("enrolment", f"/v1/contacts/{anna['id']}/erasure", {"reason": "their own wish"})
    network.settle()
    assert network.clients[service].get(path, role="manager").status_code == 404


@pytest.mark.parametrize("together", [True, False])
def test_a_contact_that_was_deleted_as_a_mistake_is_forgotten_and_nobody_is_looked_for(
    network: Network, together: bool
) -> None:
    """The person may be added again with the same address before all services have heard of the deletion."""
    town = network.post("enrolment", "/v1/organisations", {"kind": "other", "name": {"fi": "Kuntaliitto"}})
    body = {"given_name": "Anna", "family_name": "Aalto", "email": "anna@k.example", "role": "elected"}
    body["organisation_id"] = town["id"]
    mistake = network.post("enrolment", "/v1/contacts", body)
    network.catch_up()
    network.delete("enrolment", f"/v1/contacts/{mistake['id']}")
    if not together:
        network.catch_up()
    again = network.post("enrolment", "/v1/contacts", body)
    network.settle()
    for service in ("events", "notifications"):
        path = f"/v1/contacts/{mistake['id']}/personal-data"
        assert network.clients[service].get(path, role="manager").status_code == 404
        assert network.dbs[service]["contacts"].find_one({"_id": again["id"]})["family_name"] == "Aalto"
        assert network.dbs[service]["erasing"].count_documents({"open": True}) == 0
    assert network.get("enrolment", f"/v1/contacts/{again['id']}")["family_name"] == "Aalto"
