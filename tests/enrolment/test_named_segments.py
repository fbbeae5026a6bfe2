"""A segment saved in enrolment, used by its name in invitations of events and in announcements of notifications."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.instants import instant_text
from tests.contracts.conftest import Network
from tests.enrolment import builders as a

Json = dict[str, Any]
TEXT = {"subject": {"fi": "Kevään ohjelma"}, "body": {"fi": "Ohjelma on julkaistu."}}


@pytest.fixture
def people(network: Network) -> dict[str, Json]:
    """Aino is elected in Tampere and named by its enrolment, Bo an officeholder of Närpes who reads Swedish."""
    places = {"region": {"fi": "Pirkanmaa"}, "wellbeing_county": {"fi": "Pirkanmaan hyvinvointialue"}}
    tampere = network.post("enrolment", "/v1/organisations", a.municipality(**places))
    narpes = network.post(
        "enrolment", "/v1/organisations", a.municipality("545", name={"sv": "Närpes"}, region={"sv": "Österbotten"})
    )
    aino = a.contact(tampere, given_name="Aino", role="elected", tags=["board"])
    bo = a.contact(narpes, given_name="Bo", language="sv")
    season = network.post("enrolment", "/v1/seasons", a.season())
    network.move("enrolment", f"/v1/seasons/{season['id']}", "open")
    made = [network.post("enrolment", "/v1/contacts", body) for body in (aino, bo)]
    network.post("enrolment", "/v1/enrolments", a.enrolment(season, tampere, contact_ids=[made[0]["id"]]))
    return {"aino": made[0], "bo": made[1], "season": season, "tampere": tampere}


def saved(network: Network, **question: Any) -> Json:
    segment = network.post("enrolment", "/v1/segments", {"name": "Those", **question})
    network.catch_up()
    return segment


def webinar(network: Network) -> str:
    """The path of a published event."""
    starts = datetime.now(UTC) + timedelta(days=2)
    body = {"kind": "webinar", "title": {"fi": "Webinaari"}, "starts_at": instant_text(starts)}
    ends = {"ends_at": instant_text(starts + timedelta(hours=1))}
    path = f"/v1/events/{network.post('events', '/v1/events', {**body, **ends})['id']}"
    network.move("events", path, "published")
    return path


def recipients(network: Network, announcement: Json) -> list[str]:
    rows = network.get("notifications", f"/v1/announcements/{announcement['id']}/recipients")["items"]
    return [row["contact_id"] for row in rows]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ({}, ["aino", "bo"]),
        ({"roles": ["elected"]}, ["aino"]),
        ({"languages": ["sv"]}, ["bo"]),
        ({"tags": ["board", "chair"]}, ["aino"]),
        ({"kinds": ["municipality"], "regions": ["Österbotten", "Lappi"]}, ["bo"]),
        ({"wellbeing_counties": ["Pirkanmaan hyvinvointialue"]}, ["aino"]),
        ({"organisation_ids": ["tampere"]}, ["aino"]),
        ({"season_id": "season"}, ["aino"]),
        ({"season_id": "season", "enrolment_states": ["active"]}, []),
        ({"roles": ["elected"], "languages": ["sv"]}, []),
    ],
)
def test_the_three_services_mean_the_same_people_by_a_segment(
    network: Network, people: dict[str, Json], question: Json, names: list[str]
) -> None:
    if "season_id" in question:
        question = {**question, "season_id": people["season"]["id"]}
    if "organisation_ids" in question:
        question = {"organisation_ids": [people["tampere"]["id"]]}
    segment = saved(network, **question)
    wanted = [people[name]["id"] for name in names]
    members = network.get("enrolment", f"/v1/segments/{segment['id']}/members")["items"]
    assert [contact["id"] for contact in members] == wanted
    invited = network.post("events", f"{webinar(network)}/invitations", {"segment": "Those"})
    assert [invitation["contact_id"] for invitation in invited["invited"]] == wanted
    drafted = network.post("notifications", "/v1/announcements", {**TEXT, "segment": {"name": "Those"}})
    assert recipients(network, drafted) == wanted


def test_a_segment_invites_those_who_have_come_to_it_since(network: Network, people: dict[str, Json]) -> None:
    saved(network, roles=["officeholder"])
    path = webinar(network)
    assert len(network.post("events", f"{path}/invitations", {"segment": "Those"})["invited"]) == 1
    network.patch("enrolment", f"/v1/contacts/{people['aino']['id']}", {"role": "officeholder"})
    network.catch_up()
    again = network.post("events", f"{path}/invitations", {"segment": "Those"})
    assert [row["contact_id"] for row in again["invited"]] == [people["aino"]["id"]]
    assert again["left"] == 0


def test_a_name_that_no_segment_has_any_more_is_refused(network: Network, people: dict[str, Json]) -> None:
    segment = saved(network)
    renamed = network.patch("enrolment", f"/v1/segments/{segment['id']}", {"name": "Others"})
    network.catch_up()
    path, events, mails = webinar(network), network.clients["events"], network.clients["notifications"]
    for name, status in (("Those", 422), (renamed["name"], 200)):
        assert events.post(f"{path}/invitations", json={"segment": name}).status_code == status
    assert network.clients["enrolment"].delete(f"/v1/segments/{segment['id']}").status_code == 204
    network.catch_up()
    answer = mails.post("/v1/announcements", json={**TEXT, "segment": {"name": "Others"}}, role="manager")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["segment.name"])


def test_a_segment_stands_alone_in_an_announcement_and_in_an_invitation(network: Network) -> None:
    saved(network)
    path, events, mails = webinar(network), network.clients["events"], network.clients["notifications"]
    both = {"segment": {"name": "Those", "roles": ["elected"]}}
    assert mails.post("/v1/announcements", json={**TEXT, **both}, role="manager").status_code == 422
    assert events.post(f"{path}/invitations", json={}).status_code == 422
    both = {"segment": "Those", "contact_ids": ["01850000-0000-7000-8000-000000000001"]}
    assert events.post(f"{path}/invitations", json=both).status_code == 422
