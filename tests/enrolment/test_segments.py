"""Saved questions over contacts."""

import pytest

from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json


def members(enrolment: Enrolment, **question: object) -> list[str]:
    """The given names of those whom a new segment means."""
    segment = enrolment.created("segments", {"name": f"Segment {len(enrolment.listed('segments'))}", **question})
    items = enrolment.client.get(f"/v1/segments/{segment['id']}/members").json["items"]
    return [contact["given_name"] for contact in items]


@pytest.fixture
def season(enrolment: Enrolment) -> Json:
    """Aino is elected in Tampere and named by its enrolment, Bo an officeholder of Närpes who reads Swedish."""
    tampere = enrolment.municipality(region={"fi": "Pirkanmaa", "sv": "Birkaland"})
    narpes = enrolment.municipality("545", name={"sv": "Närpes"}, region={"sv": "Österbotten"})
    aino = enrolment.contact(tampere, given_name="Aino", role="elected", tags=["board"])
    enrolment.contact(narpes, given_name="Bo", language="sv")
    made = enrolment.season()
    enrolment.created("enrolments", a.enrolment(made, tampere, contact_ids=[aino["id"]]))
    return made


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ({}, ["Aino", "Bo"]),
        ({"roles": ["elected"]}, ["Aino"]),
        ({"languages": ["sv"]}, ["Bo"]),
        ({"regions": ["Birkaland"]}, ["Aino"]),
        ({"regions": ["Birkaland", "Österbotten"]}, ["Aino", "Bo"]),
        ({"kinds": ["wellbeing_county"]}, []),
        ({"tags": ["board", "chair"]}, ["Aino"]),
        ({"roles": ["elected"], "languages": ["sv"]}, []),
    ],
)
def test_a_segment_means_those_who_fit_all_that_is_given(
    enrolment: Enrolment, season: Json, question: Json, names: list[str]
) -> None:
    assert members(enrolment, **question) == names


def test_a_segment_of_a_season_follows_its_enrolments(enrolment: Enrolment, season: Json) -> None:
    assert members(enrolment, season_id=season["id"]) == ["Aino"]
    assert members(enrolment, season_id=season["id"], enrolment_states=["active"]) == []


def test_a_segment_is_found_by_its_name_changed_and_deleted(enrolment: Enrolment) -> None:
    made = enrolment.created("segments", {"name": "Councils", "roles": ["elected"]})
    assert enrolment.listed("segments", name="Councils") == [made["id"]]
    assert enrolment.client.post("/v1/segments", json={"name": "Councils"}).status_code == 409
    assert enrolment.changed("segments", made, roles=["officeholder"])["roles"] == ["officeholder"]
    assert enrolment.client.post("/v1/segments", json={"name": "x", "enrolment_states": ["active"]}).status_code == 422
    assert enrolment.client.delete(f"/v1/segments/{made['id']}").status_code == 204
    assert enrolment.listed("segments") == []
