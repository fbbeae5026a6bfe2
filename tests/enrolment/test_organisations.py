"""Organisations: what is kept of them, and by what they are known."""

from typing import Any

import pytest

from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment


def test_a_new_organisation_is_told_as_it_is_shown(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality(region={"fi": "Pirkanmaa"}, business_id="0211675-2")
    assert (tampere["version"], tampere["business_id"], tampere["wellbeing_county"]) == (1, "0211675-2", None)
    assert enrolment.shown("organisations", tampere) == tampere
    [told] = enrolment.said(a.ORGANISATIONS)
    assert (told.type, told.key, told.state) == ("organisation.created", tampere["id"], tampere)


@pytest.mark.parametrize("written", ["0211675-2", "02116752", " 0211675-2 "])
def test_a_business_id_is_kept_in_one_form(enrolment: Enrolment, written: str) -> None:
    assert enrolment.organisation(business_id=written)["business_id"] == "0211675-2"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("business_id", "0211675-3"),
        ("business_id", "211675-2"),
        ("business_id", "Tampere"),
        ("municipality_code", "83"),
        ("municipality_code", "8370"),
        ("municipality_code", "8\n7"),
        ("municipality_code", "٨٣٧"),
        ("municipality_code", 837),
        ("languages", []),
        ("languages", ["en"]),
        ("languages", ["fi", "fi"]),
        ("languages", "fi"),
        ("name", {}),
        ("name", {"de": "Tammerfors"}),
        ("name", "Tampere"),
        ("population", -1),
        ("population", "many"),
        ("kind", "village"),
        ("mayor", "Aino"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(enrolment: Enrolment, field: str, value: Any) -> None:
    answer = enrolment.client.post("/v1/organisations", json=a.municipality(**{field: value}))  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert [path.split(".")[0] for path in answer.json["errors"]] == [field]


def test_a_municipality_has_a_code_and_others_need_none(enrolment: Enrolment) -> None:
    answer = enrolment.client.post("/v1/organisations", json=a.organisation(kind="municipality"))
    assert list(answer.json["errors"]) == ["municipality_code"]
    assert enrolment.organisation()["municipality_code"] is None
    assert enrolment.organisation()["municipality_code"] is None, "two without a code are no duplicates"


@pytest.mark.parametrize("languages", [["fi"], ["sv"], ["fi", "sv"], ["sv", "fi"]])
def test_the_majoritys_language_stands_first(enrolment: Enrolment, languages: list[str]) -> None:
    assert enrolment.municipality(languages=languages)["languages"] == languages


def test_a_code_or_business_id_that_is_taken_is_refused_with_its_holder(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality("837", business_id="0211675-2")
    for body in (a.municipality("837"), a.organisation(business_id="02116752")):
        answer = enrolment.client.post("/v1/organisations", json=body)
        assert (answer.status_code, answer.json["existing_id"]) == (409, tampere["id"])
    turku = enrolment.municipality("853")
    answer = enrolment.change("organisations", turku, municipality_code="837")
    assert (answer.status_code, answer.json["existing_id"]) == (409, tampere["id"])
    assert enrolment.shown("organisations", turku) == turku


def test_a_merge_patch_changes_what_it_names_and_null_removes(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality(region={"fi": "Pirkanmaa", "sv": "Birkaland"})
    changed = enrolment.changed("organisations", tampere, region={"sv": None}, population=None, languages=["sv"])
    assert changed["region"] == {"fi": "Pirkanmaa"}
    assert (changed["population"], changed["languages"], changed["name"]) == (None, ["sv"], tampere["name"])
    told = enrolment.said(a.ORGANISATIONS)[-1]
    assert (told.type, told.sequence, told.state) == ("organisation.updated", 2, changed)
    assert told.change["changed"]["population"] == {"from": tampere["population"], "to": None}
    assert "name" not in told.change["changed"]


@pytest.mark.parametrize("patch", [{"name": None}, {"municipality_code": None}, {"id": "x"}, {"version": 9}, {"x": 1}])
def test_a_patch_leaves_a_whole_organisation_or_nothing(enrolment: Enrolment, patch: dict[str, Any]) -> None:
    tampere = enrolment.municipality()
    answer = enrolment.change("organisations", tampere, **patch)
    assert (answer.status_code, list(answer.json["errors"])) == (422, list(patch))
    assert enrolment.shown("organisations", tampere) == tampere


def test_a_change_needs_the_present_version(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    assert enrolment.change("organisations", tampere, match=None, population=1).status_code == 428
    first = enrolment.change("organisations", tampere, match='"1"', population=1)
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert enrolment.change("organisations", tampere, match='"1"', population=2).status_code == 412
    assert enrolment.shown("organisations", tampere)["population"] == 1


def test_organisations_are_found_by_words_kind_and_code(enrolment: Enrolment) -> None:
    tampere, union = enrolment.municipality(business_id="0211675-2")["id"], enrolment.organisation()["id"]
    assert enrolment.listed("organisations") == [tampere, union]
    assert enrolment.listed("organisations", kind="other") == [union]
    assert enrolment.listed("organisations", municipality_code="837") == [tampere]
    for q in ("tampere", "TAMMER", "tam 837", "0211675-2"):
        assert enrolment.listed("organisations", q=q) == [tampere]
    assert enrolment.listed("organisations", q="tampere kuntaliitto") == []
    assert enrolment.client.get("/v1/organisations?kind=village").status_code == 422


def test_the_words_follow_the_name(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    enrolment.changed("organisations", tampere, name={"fi": "Nokia", "sv": None})
    assert enrolment.listed("organisations", q="tampere") == []
    assert enrolment.listed("organisations", q="nokia") == [tampere["id"]]


def test_the_history_says_who_changed_what(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    enrolment.changed("organisations", tampere, population=1)
    newest = enrolment.client.get(f"/v1/organisations/{tampere['id']}/history").json["items"][0]
    assert (newest["by"], newest["version"], newest["type"]) == ("test-coordinator", 2, "organisation.updated")
    assert newest["change"]["changed"] == {"population": {"from": 249_009, "to": 1}}
    assert enrolment.history(f"organisations/{tampere['id']}") == ["organisation.created", "organisation.updated"]


def test_a_search_shows_first_what_begins_as_it_was_written_and_goes_on_with_the_rest_page_by_page(
    enrolment: Enrolment,
) -> None:
    # In the order of creation alone, `Narpes stad` would come before the two that are written with their dots.
    without = enrolment.organisation(name={"fi": "Narpes stad"})["id"]
    one_letter_off = enrolment.organisation(name={"fi": "Aarpes"})["id"]
    last = enrolment.organisation(name={"fi": "Närpes yhtymä"})["id"]
    first = enrolment.organisation(name={"fi": "Närpes kaupunki"})["id"]
    assert enrolment.listed("organisations", q="närpes") == [last, first, without, one_letter_off]
    seen, cursor = [], None
    while True:
        query = {"q": "närpes", "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = enrolment.client.get("/v1/organisations", query_string=query).json
        seen += [item["id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [last, first, without, one_letter_off]
    by_name = enrolment.listed("organisations", q="närpes", sort="name")
    assert by_name == [one_letter_off, without, first, last]
