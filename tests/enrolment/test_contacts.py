"""Contacts: people in the organisations."""

from typing import Any

import pytest

from shared.ids import new_id
from shared.tables import XLSX
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json


@pytest.fixture
def town(enrolment: Enrolment) -> Json:
    return enrolment.municipality("837", business_id="0211675-2")


def test_the_first_entry_of_a_history_has_the_values_that_somebody_gave_at_first(
    enrolment: Enrolment, town: Json
) -> None:
    aino = enrolment.contact(town, given_name="Aino", phone="+358 40 1234567")
    (entry,) = enrolment.client.get(f"/v1/contacts/{aino['id']}/history").json["items"]
    assert entry["type"] == "contact.created"
    changed = entry["change"]["changed"]
    assert changed["given_name"] == {"from": None, "to": "Aino"}
    assert changed["phone"] == {"from": None, "to": "+358401234567"}
    assert changed["organisation_id"] == {"from": None, "to": town["id"]}
    assert {"id", "version", "created_at", "updated_at", "title"}.isdisjoint(changed)


def test_a_new_contact_speaks_finnish_unless_told_otherwise(enrolment: Enrolment, town: Json) -> None:
    aino = enrolment.contact(town, title="Kehittämispäällikkö")
    assert (aino["language"], aino["phone"], aino["title"]) == ("fi", None, "Kehittämispäällikkö")
    [told] = enrolment.said(a.CONTACTS)
    assert (told.type, told.state) == ("contact.created", enrolment.shown("contacts", aino))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("040 123 4567", "+358401234567"),
        ("+358 (0)40 123 4567", "+358401234567"),
        ("+46 70 123 45 67", "+46701234567"),
        ("00358401234567", "+358401234567"),
    ],
)
def test_a_phone_number_is_kept_as_the_world_dials_it(
    enrolment: Enrolment, town: Json, written: str, kept: str
) -> None:
    assert enrolment.contact(town, phone=written)["phone"] == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "12"),
        ("phone", "call me"),
        ("phone", "+358 40 123 4567 8901 2345"),
        ("email", "aino"),
        ("email", "aino@kunta.example\nBcc: all@kunta.example"),
        ("email", f"{'a' * 250}@kunta.example"),
        ("given_name", "  "),
        ("given_name", "Aino\r\nMeriläinen"),
        ("family_name", 5),
        ("role", "king"),
        ("language", "de"),
        ("organisation_id", "837"),
        ("organisation_id", new_id()),
        ("shoe_size", 38),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(enrolment: Enrolment, town: Json, field: str, value: Any) -> None:
    answer = enrolment.client.post("/v1/contacts", json=a.contact(town, **{field: value}))
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert enrolment.types(a.CONTACTS) == []


def test_an_address_is_taken_however_it_is_capitalised(enrolment: Enrolment, town: Json) -> None:
    aino = enrolment.contact(town, email="Aino@Kunta.example")
    answer = enrolment.client.post("/v1/contacts", json=a.contact(town, email="aino@KUNTA.example"))
    assert (answer.status_code, answer.json["existing_id"]) == (409, aino["id"])
    assert "aino" not in answer.text.casefold()
    eero = enrolment.contact(town)
    answer = enrolment.change("contacts", eero, email="AINO@kunta.example")
    assert (answer.status_code, answer.json["existing_id"]) == (409, aino["id"])
    assert enrolment.changed("contacts", aino, email="aino@kunta.example")["email"] == "aino@kunta.example"


def test_who_changes_jobs_goes_to_an_organisation_that_exists(enrolment: Enrolment, town: Json) -> None:
    aino, other = enrolment.contact(town), enrolment.organisation()
    answer = enrolment.change("contacts", aino, organisation_id=new_id())
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["organisation_id"])
    moved = enrolment.changed("contacts", aino, organisation_id=other["id"], title="Johtaja", phone="040 123 4567")
    assert (moved["organisation_id"], moved["version"]) == (other["id"], 2)
    assert enrolment.history(f"contacts/{aino['id']}") == ["contact.created", "contact.updated"]


def test_a_change_needs_the_present_version(enrolment: Enrolment, town: Json) -> None:
    aino = enrolment.contact(town)
    assert enrolment.change("contacts", aino, match=None, title="Johtaja").status_code == 428
    assert enrolment.change("contacts", aino, match='"2"', title="Johtaja").status_code == 412


def test_people_are_found_by_the_beginnings_of_words(enrolment: Enrolment, town: Json) -> None:
    aino = enrolment.contact(town, given_name="Aino", family_name="Meriläinen", email="am@kunta.example")["id"]
    eero = enrolment.contact(town, given_name="Eero", family_name="Aalto", title="Ainola")["id"]
    assert enrolment.listed("contacts", q="merilä") == [aino]
    assert enrolment.listed("contacts", q="AIN") == [aino, eero]
    assert enrolment.listed("contacts", q="ain mer") == [aino]
    assert enrolment.listed("contacts", q="am@kunta.example") == [aino]
    assert enrolment.listed("contacts", q="läinen") == []
    assert enrolment.listed("contacts", q=".*") == [], "it is text, not a pattern"


def test_lists_can_be_narrowed(enrolment: Enrolment, town: Json) -> None:
    other = enrolment.organisation()
    aino = enrolment.contact(town, role="elected")["id"]
    eero = enrolment.contact(other, language="sv")["id"]
    assert enrolment.listed("contacts", organisation_id=other["id"]) == enrolment.listed("contacts", language="sv")
    assert enrolment.listed("contacts", role="elected", organisation_id=town["id"]) == [aino]
    assert enrolment.listed("contacts", role="officeholder") == [eero]
    assert enrolment.listed("contacts", role="elected", language="sv") == []


def person(**cells: Any) -> Json:
    usual = {
        "given_name": "Eero",
        "family_name": "Korhonen",
        "email": "eero@kunta.example",
        "role": "elected",
        "municipality_code": "837",
    }
    return usual | cells


def test_a_table_names_organisations_by_id_code_or_business_id(enrolment: Enrolment, town: Json) -> None:
    rows = [
        person(email="1@kunta.example"),
        person(email="2@kunta.example", municipality_code="", business_id="0211675-2"),
        person(email="3@kunta.example", municipality_code="", organisation_id=town["id"]),
        person(email="4@kunta.example", business_id="02116752", organisation_id=town["id"]),
    ]
    result = enrolment.imports("contacts", a.csv_table(rows))
    result.pop("warnings")  # about rows that resemble one another
    result.pop("id")
    assert result == {"created": 4, "updated": 0, "unchanged": 0, "rejected": [], "unused_columns": []}
    assert len(enrolment.listed("contacts", organisation_id=town["id"])) == 4


def test_a_table_sent_twice_changes_nothing_and_one_changed_cell_changes_one(enrolment: Enrolment, town: Json) -> None:
    table = a.csv_table([person(phone="040 123 4567"), person(email="x@kunta.example")])
    assert enrolment.imports("contacts", table, dry_run=True)["created"] == 2
    assert enrolment.listed("contacts") == []
    assert enrolment.imports("contacts", table)["created"] == 2
    assert enrolment.imports("contacts", table)["unchanged"] == 2
    rows = [person(language="sv"), person(email="x@kunta.example")]
    result = enrolment.imports("contacts", a.xlsx_table(rows), media=XLSX)
    assert (result["updated"], result["unchanged"]) == (1, 1)
    [eero] = enrolment.client.get("/v1/contacts?language=sv").json["items"]
    assert eero["phone"] == "+358401234567", "a column that is absent changes nothing"


def test_a_known_person_is_known_by_their_address_alone(enrolment: Enrolment, town: Json) -> None:
    aino = enrolment.contact(town, email="Aino@kunta.example")
    table = a.csv_table([{"email": "Aino@kunta.example", "title": "Johtaja"}])
    assert enrolment.imports("contacts", table)["updated"] == 1
    assert enrolment.shown("contacts", aino)["title"] == "Johtaja"


def test_rows_that_are_wrong_are_told_by_line(enrolment: Enrolment, town: Json) -> None:
    enrolment.municipality("853", business_id="0204819-8")
    rows = [
        person(municipality_code="999"),
        person(business_id="0204819-8"),
        person(municipality_code=""),
        person(email="eero", phone="12"),
        person(email=""),
        person(),
    ]
    result = enrolment.imports("contacts", a.csv_table(rows))
    assert result["created"] == 1
    assert {row["line"]: sorted(row["errors"]) for row in result["rejected"]} == {
        2: ["municipality_code"],
        3: ["business_id", "municipality_code"],
        4: ["organisation_id"],
        5: ["email", "phone"],
        6: ["email"],
    }
