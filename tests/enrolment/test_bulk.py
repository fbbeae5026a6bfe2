"""Many rows at once: each by itself, and an export that is edited and imported again."""

import io

import openpyxl
import pytest

from shared.tables import XLSX
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json


def bulk(enrolment: Enrolment, nouns: str, *rows: Json, key: str | None = None, status: int = 200) -> list[Json]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = enrolment.client.post(f"/v1/{nouns}/bulk", json={"rows": list(rows)}, headers=headers)
    assert answer.status_code == status, answer.text
    results: list[Json] = answer.json.get("results", [])
    return results


def test_each_row_is_made_changed_or_refused_by_itself(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    there = enrolment.contact(tampere)
    results = bulk(
        enrolment,
        "contacts",
        {"fields": a.contact(tampere, email="new@k.example")},
        {"fields": a.contact(tampere, email="new@k.example")},
        {"id": there["id"], "fields": {"title": "johtaja"}},
        {"id": there["id"], "version": 1, "fields": {"title": "päällikkö"}},
        {"fields": {"given_name": "Aino"}},
    )
    assert [row["status"] for row in results] == [201, 409, 200, 412, 422]
    assert results[2]["version"] == 2
    assert results[4]["errors"]["email"] == ["Missing data for required field."]
    assert enrolment.shown("contacts", there)["title"] == "johtaja"


def test_a_bulk_that_is_repeated_with_its_key_does_nothing_twice(enrolment: Enrolment) -> None:
    rows = [{"fields": a.organisation(external_id=str(number))} for number in range(3)]
    first = bulk(enrolment, "organisations", *rows, key="k1")
    assert bulk(enrolment, "organisations", *rows, key="k1") == first
    assert len(enrolment.listed("organisations")) == 3
    bulk(enrolment, "organisations", *rows[:1], key="k1", status=422)


def test_a_coordinator_is_set_on_many_enrolments(enrolment: Enrolment) -> None:
    season = enrolment.season()
    made = [enrolment.enrolment(season=season) for _ in range(3)]
    bulk(enrolment, "enrolments", *({"id": each["id"], "fields": {"coordinator": "maija"}} for each in made))
    assert set(enrolment.listed("enrolments", coordinator="maija")) == {each["id"] for each in made}


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_an_export_is_imported_again_and_changes_nothing(enrolment: Enrolment, format: str) -> None:
    tampere = enrolment.municipality(
        region={"fi": "Pirkanmaa"}, email_domains=["tampere.fi"], tags=["pilot", "large"], business_id="0211675-2"
    )
    other = enrolment.organisation(external_id="=1+1")
    enrolment.contact(tampere, phone="+358 40 123 4567", tags=["board", "chair"], title="-johtaja")
    enrolment.contact(other, legal_basis="consent", source="a letter")
    for nouns, count in (("organisations", 2), ("contacts", 2)):
        table = enrolment.client.get(f"/v1/{nouns}/export?format={format}")
        assert table.status_code == 200, table.text
        result = enrolment.imports(nouns, table.data, media=table.mimetype)
        assert (result["unchanged"], result["rejected"], result["unused_columns"]) == (count, [], []), result


def test_an_export_is_edited_and_imported(enrolment: Enrolment) -> None:
    enrolment.contact(enrolment.municipality(), given_name="Aino", tags=["board"])
    book = openpyxl.load_workbook(io.BytesIO(enrolment.client.get("/v1/contacts/export?format=xlsx").data))
    sheet = book.active
    assert sheet is not None
    header = [cell.value for cell in sheet[1]]
    sheet.cell(2, header.index("tags") + 1).value = "board, chair"
    sheet.cell(2, header.index("given_name") + 1).value = "Aina"
    edited = io.BytesIO()
    book.save(edited)
    assert enrolment.imports("contacts", edited.getvalue(), media=XLSX)["updated"] == 1
    [contact] = enrolment.client.get("/v1/contacts").json["items"]
    assert (contact["given_name"], contact["tags"]) == ("Aina", ["board", "chair"])


def test_an_export_has_the_filters_of_the_list(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    enrolment.contact(tampere, role="elected")
    enrolment.contact(tampere, role="officeholder")
    lines = enrolment.client.get("/v1/contacts/export?role=elected&separator=;").text.splitlines()
    assert (len(lines), ";elected;" in lines[1]) == (2, True)


def test_columns_for_tags_and_domains(enrolment: Enrolment) -> None:
    row = {
        "municipality_code": "837",
        "name_fi": "Tampere",
        "Email domains": "Tampere.fi; tre.example",
        "tags": "pilot",
        "ends_on": "31.12.2025",
    }
    enrolment.imports("organisations", a.csv_table([row]))
    [item] = enrolment.client.get("/v1/organisations").json["items"]
    assert (item["email_domains"], item["tags"]) == (["tampere.fi", "tre.example"], ["pilot"])
    assert item["ends_on"] == "2025-12-31"
