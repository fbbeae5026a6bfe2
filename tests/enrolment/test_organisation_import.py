"""Organisations from tables."""

from pathlib import Path
from typing import Any

import pytest

import deploy.local.demo
from shared.tables import CSV, XLSX
from shared.tables.rows import MAX_ROWS
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json

MUNICIPALITIES = Path(deploy.local.demo.__file__).parent / "data" / "municipalities.csv"


def row(code: str = "837", name: str = "Tampere", **cells: Any) -> Json:
    return {"municipality_code": code, "name_fi": name, **cells}


def damaged(table: bytes) -> bytes:
    """An XLSX file with a sheet that can no longer be unpacked."""
    place = table.index(b"xl/worksheets/sheet1.xml") + 40
    return table[:place] + bytes(20) + table[place + 20 :]


def counts(result: Json) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, rejected."""
    return result["created"], result["updated"], result["unchanged"], len(result["rejected"])


def test_finlands_municipalities_come_in_at_once_and_a_second_time_nothing_changes(enrolment: Enrolment) -> None:
    table = MUNICIPALITIES.read_bytes()
    assert counts(enrolment.imports("organisations", table, dry_run=True)) == (309, 0, 0, 0)
    assert enrolment.listed("organisations") == []
    assert counts(enrolment.imports("organisations", table)) == (309, 0, 0, 0)
    assert counts(enrolment.imports("organisations", table)) == (0, 0, 309, 0)
    assert enrolment.types(a.ORGANISATIONS) == ["organisation.created"] * 309
    [helsinki] = enrolment.client.get("/v1/organisations?municipality_code=091").json["items"]
    assert (helsinki["kind"], helsinki["languages"]) == ("municipality", ["fi", "sv"])
    assert helsinki["name"] == {"fi": "Helsinki", "sv": "Helsingfors"}
    assert helsinki["population"] > 600_000


@pytest.mark.parametrize("media", [CSV, XLSX])
def test_a_row_that_is_known_is_updated_where_it_differs(enrolment: Enrolment, media: str) -> None:
    tampere, turku = enrolment.municipality("837"), enrolment.municipality("853", name={"fi": "Turku"})
    rows = [row("837", population=250_000), row("853", "Turku"), row("564", "Oulu", name_sv="Uleåborg")]
    table = a.csv_table(rows) if media == CSV else a.xlsx_table(rows)
    assert counts(enrolment.imports("organisations", table, media=media)) == (1, 1, 1, 0)
    assert enrolment.shown("organisations", tampere)["population"] == 250_000
    assert enrolment.shown("organisations", turku) == turku


def test_cells_that_are_empty_and_columns_that_are_absent_change_nothing(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality("837", business_id="0211675-2")
    union = enrolment.organisation(business_id="0926151-4")
    rows = [
        {"business_id": "0211675-2", "name_fi": "Tampere", "population": ""},
        {"business_id": "0926151-4", "name_fi": "Kuntaliitto"},
    ]
    assert counts(enrolment.imports("organisations", a.csv_table(rows))) == (0, 0, 2, 0)
    assert enrolment.shown("organisations", tampere) == tampere, "the Swedish name stays too"
    assert enrolment.shown("organisations", union) == union, "its kind is not a municipality's now"


def test_what_is_wrong_is_told_by_line_and_the_rest_comes_in(enrolment: Enrolment) -> None:
    rows = [
        row("837", "Tampere"),
        row("8370", "Liian pitkä"),
        row("853", "Turku", population="many", languages="fi, de"),
        row("564", "Oulu", business_id="0211675-3"),
        row("091", "Helsinki", languages="fi, sv"),
    ]
    result = enrolment.imports("organisations", a.csv_table(rows, delimiter=";"))
    assert counts(result) == (2, 0, 0, 3)
    assert {row["line"]: sorted(row["errors"]) for row in result["rejected"]} == {
        3: ["municipality_code"],
        4: ["languages.1", "population"],
        5: ["business_id"],
    }


def test_a_line_is_counted_as_an_editor_counts_it(enrolment: Enrolment) -> None:
    table = 'municipality_code,name_fi\n\n837,"Tampere\nkaupunki"\n\nx,"Turku\nx"\n'
    rejected = enrolment.imports("organisations", table.encode())["rejected"]
    assert [(row["line"], sorted(row["errors"])) for row in rejected] == [(6, ["municipality_code"])]


@pytest.mark.parametrize("written", ["02116752", "0211675-2"])
def test_a_business_id_is_known_again_however_it_is_written(enrolment: Enrolment, written: str) -> None:
    enrolment.municipality("837", business_id="0211675-2", name={"fi": "Tampere"})
    table = a.csv_table([{"business_id": written, "name_fi": "Tampere"}])
    assert counts(enrolment.imports("organisations", table)) == (0, 0, 1, 0)


def test_a_code_that_a_spreadsheet_took_for_a_number_is_a_code_again(enrolment: Enrolment) -> None:
    rows = [{"municipality_code": 5, "name_fi": "Alajärvi"}, {"municipality_code": 91, "name_fi": "Helsinki"}]
    assert counts(enrolment.imports("organisations", a.xlsx_table(rows), media=XLSX)) == (2, 0, 0, 0)
    assert enrolment.listed("organisations", municipality_code="005") != []
    assert counts(enrolment.imports("organisations", a.csv_table(rows))) == (0, 0, 2, 0)


def test_a_row_that_names_two_organisations_is_rejected_alone(enrolment: Enrolment) -> None:
    enrolment.municipality("837")
    enrolment.municipality("853", business_id="0204819-8")
    rows = [row("837", business_id="0204819-8"), row("564", "Oulu")]
    result = enrolment.imports("organisations", a.csv_table(rows))
    assert counts(result) == (1, 0, 0, 1)
    assert result["rejected"][0]["line"] == 2


def test_two_rows_for_the_same_make_one_and_a_dry_run_says_so(enrolment: Enrolment) -> None:
    table = a.csv_table([row(population=1), row(population=2), row(population=2)])
    assert counts(enrolment.imports("organisations", table, dry_run=True)) == (1, 1, 1, 0)
    assert counts(enrolment.imports("organisations", table)) == (1, 1, 1, 0)
    [tampere] = enrolment.client.get("/v1/organisations").json["items"]
    assert (tampere["population"], tampere["version"]) == (2, 2)


def test_semicolons_a_byte_order_mark_quotes_and_nameless_columns_are_read(enrolment: Enrolment) -> None:
    table = '\ufeffmunicipality_code;name_fi;;\r\n837;"Tampere; kaupunki";;\r\n'.encode()
    assert counts(enrolment.imports("organisations", table)) == (1, 0, 0, 0)
    assert enrolment.client.get("/v1/organisations").json["items"][0]["name"] == {"fi": "Tampere; kaupunki"}


def test_the_same_import_with_the_same_key_answers_the_same_again(enrolment: Enrolment) -> None:
    table = a.csv_table([row("837"), row("8370")])
    first = enrolment.imports("organisations", table, Idempotency_Key="one")
    assert first == enrolment.imports("organisations", table, Idempotency_Key="one")
    assert counts(first) == (1, 0, 0, 1)


@pytest.mark.parametrize(
    ("table", "media"),
    [
        (b"", CSV),
        (b"name_fi,name_fi\nTampere,Tampere\n", CSV),
        (b'name_fi\n"Tampere\n', CSV),
        (b"name_fi\nTam\x00pere\n", CSV),
        (b"name_fi\nTampere\n", XLSX),
        (a.xlsx_table([row()])[:-40], XLSX),
        (a.xlsx_table([row()]).replace(b"xl/worksheets/sheet1.xml", b"xl/worksheets/sheet9.xml"), XLSX),
        (damaged(a.xlsx_table([row()])), XLSX),
        (b"name_fi\n" + b"Tampere\n" * (MAX_ROWS + 1), CSV),
    ],
    ids=["empty", "twice", "open quote", "NUL", "no XLSX", "half", "no sheet", "damaged", "too long"],
)
def test_what_is_no_table_is_refused_as_a_whole(enrolment: Enrolment, table: bytes, media: str) -> None:
    answer = enrolment.client.post("/v1/organisations/import", data=table, content_type=media)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_a_table_is_sent_as_a_table_by_those_who_may_write(enrolment: Enrolment) -> None:
    path, table = "/v1/organisations/import", a.csv_table([row()])
    assert enrolment.client.post(path, json={"rows": []}).status_code == 415
    assert enrolment.client.post(path, data=table, content_type=CSV, role="viewer").status_code == 403
    assert enrolment.client.post(f"{path}?dry_run=perhaps", data=table, content_type=CSV).status_code == 422


def test_a_table_may_be_larger_than_other_bodies(enrolment: Enrolment) -> None:
    rows = [row(f"{number:03}", "N" * 1500) for number in range(700)]
    table = a.csv_table(rows)
    assert len(table) > 1_000_000
    result = enrolment.imports("organisations", table)
    assert counts(result) == (0, 0, 0, 700), "each name is too long, and each is told of"
