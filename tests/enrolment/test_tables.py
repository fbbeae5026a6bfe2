"""Tables as spreadsheets write them: what is read, what is refused and with which sentence."""

import codecs
import io
import tracemalloc
import zipfile
from typing import Any

import openpyxl
import pytest

from shared.tables import XLSX
from tests.enrolment.conftest import Enrolment, Json

HEADER = "municipality_code;name_fi;population\n"
AINO = {"given_name": "Aino", "family_name": "Pitkä", "email": "aino@kunta.example", "role": "elected"}


def imported(enrolment: Enrolment, table: bytes, *, media: str = "text/csv", what: str = "organisations") -> Json:
    return enrolment.imports(what, table, media=media)


def names(enrolment: Enrolment) -> list[str]:
    return [item["name"]["fi"] for item in enrolment.client.get("/v1/organisations").json["items"]]


def workbook(*rows: list[Any], **sheets: list[list[Any]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    return book


def packed(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def edited(table: bytes, old: bytes, new: bytes) -> bytes:
    """The workbook with its first sheet's XML changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(table)) as before, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.infolist():
            content = before.read(part)
            after.writestr(part, content.replace(old, new) if part.filename.endswith("sheet1.xml") else content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "table",
    [
        "municipality_code;name_fi\n179;Jyväskylä\n".encode("cp1252"),
        codecs.BOM_UTF16_LE + "municipality_code\tname_fi\n179\tJyväskylä\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "municipality_code\tname_fi\n179\tJyväskylä\n".encode("utf-16-be"),
        "municipality_code\tname_fi\n179\tJyväskylä\n".encode("utf-16-le"),
        "\ufeffmunicipality_code,name_fi\n179,Jyväskylä\n".encode(),
        "sep=;\nmunicipality_code;name_fi\n179;Jyväskylä\n".encode(),
        "Kunnat 25.11.2026\n\nMunicipality Code;NAME_FI\n179;Jyväskylä\n".encode(),
        'municipality_code,"name_fi"\n179,"Jyväskylä"\n'.encode(),
        "municipality_code;name_fi\n179;Jyva\u0308skyla\u0308\n".encode(),
    ],
    ids=["windows-1252", "utf-16 le", "utf-16 be", "no mark", "bom", "sep", "title", "quoted", "decomposed"],
)
def test_what_spreadsheets_write_is_read(enrolment: Enrolment, table: bytes) -> None:
    assert imported(enrolment, table)["created"] == 1
    assert names(enrolment) == ["Jyväskylä"]


def test_columns_are_matched_however_they_are_written_and_the_others_are_told(enrolment: Enrolment) -> None:
    result = imported(enrolment, b"Municipality_Code;NAME FI;Population ;Asukkaat;\n837;Tampere;250000;1;\n")
    assert (result["created"], result["unused_columns"]) == (1, ["Asukkaat"])
    assert enrolment.client.get("/v1/organisations").json["items"][0]["population"] == 250_000


@pytest.mark.parametrize("population", ["²", "1²", "①", "9" * 5000, "-", "kaksi"])
def test_a_population_that_is_no_number_is_rejected_alone(enrolment: Enrolment, population: str) -> None:
    result = imported(enrolment, f"{HEADER}700;Yksi;{population}\n701;Kaksi;5\n".encode())
    assert (result["created"], [row["line"] for row in result["rejected"]]) == (1, [2])


@pytest.mark.parametrize("population", ["12345", "12345.0", "12345,0", "12 345", "12\u00a0345", "12\u202f345"])
def test_a_number_is_a_number_however_it_is_grouped(enrolment: Enrolment, population: str) -> None:
    imported(enrolment, f"{HEADER}700;Yksi;{population}\n".encode())
    assert enrolment.client.get("/v1/organisations").json["items"][0]["population"] == 12_345


def test_numbers_in_a_workbook_are_whole_where_they_are(enrolment: Enrolment) -> None:
    table = packed(
        workbook(["municipality_code", "name_fi", "business_id", "population"], [91.0, "Helsinki", 2012566, 12345.0])
    )
    result = imported(enrolment, edited(table, b"<v>12345</v>", b"<v>1.2345E4</v>"), media=XLSX)
    assert result["created"] == 1, result
    [helsinki] = enrolment.client.get("/v1/organisations").json["items"]
    assert (helsinki["municipality_code"], helsinki["business_id"], helsinki["population"]) == (
        "091",
        "0201256-6",
        12_345,
    )


@pytest.mark.parametrize("written", [b"<v>401234567.0</v>", b"<v>4.01234567E8</v>", b"<v>358401234567</v>"])
def test_a_phone_number_keeps_its_digits(enrolment: Enrolment, written: bytes) -> None:
    enrolment.municipality("837")
    header = ["given_name", "family_name", "email", "role", "municipality_code", "phone"]
    table = packed(workbook(header, [*AINO.values(), "837", 401234567]))
    if written.startswith(b"<v>3"):
        written = b"<v>3.58401234567E11</v>"
    result = imported(enrolment, edited(table, b"<v>401234567</v>", written), media=XLSX, what="contacts")
    [aino] = enrolment.client.get("/v1/contacts").json["items"] if result["created"] else [{"phone": result}]
    assert aino["phone"] == "+358401234567"


def test_a_row_longer_than_the_header_is_rejected_and_not_cut(enrolment: Enrolment) -> None:
    result = imported(enrolment, b"municipality_code,name_fi\n837,Tampere, kaupunki\n853,Turku,,\n")
    assert result["created"] == 1
    assert [(row["line"], list(row["errors"])) for row in result["rejected"]] == [(2, ["row"])]


@pytest.mark.parametrize("value", ["#N/A", "#REF!", "#PUUTTUU!"])
def test_a_formula_that_found_nothing_is_no_name(enrolment: Enrolment, value: str) -> None:
    result = imported(enrolment, f"municipality_code;name_fi\n837;{value}\n".encode())
    assert (result["created"], list(result["rejected"][0]["errors"])) == (0, ["name_fi"])


def test_a_formula_without_its_value_is_rejected_by_name(enrolment: Enrolment) -> None:
    enrolment.municipality("837", population=10)
    table = packed(workbook(["municipality_code", "name_fi", "population"], ["837", "Tampere", "=5000+1"]))
    result = imported(enrolment, table, media=XLSX)
    assert (result["updated"], list(result["rejected"][0]["errors"])) == (0, ["population"])


def test_the_first_visible_sheet_with_the_columns_is_read(enrolment: Enrolment) -> None:
    book = workbook(["Kansilehti"], Valinnat=[["municipality_code", "name_fi"], ["999", "Ei tämä"]],
                    Kunnat=[["municipality_code", "name_fi"], ["837", "Tampere"]])  # fmt: skip
    book["Valinnat"].sheet_state = "hidden"
    assert imported(enrolment, packed(book), media=XLSX)["created"] == 1
    assert names(enrolment) == ["Tampere"]


def test_a_line_break_within_a_cell_is_a_space(enrolment: Enrolment) -> None:
    imported(enrolment, b'municipality_code,name_fi\n837,"Tampereen\r\nkaupunki"\n')
    assert names(enrolment) == ["Tampereen kaupunki"]


@pytest.mark.parametrize("column", ["XFD", "C"])
def test_a_small_workbook_does_not_become_a_large_one(enrolment: Enrolment, column: str) -> None:
    book = workbook(["municipality_code", "name_fi"], ["837", "Tampere"])
    book.active[f"{column}{4000 if column == 'XFD' else 1_048_576}"] = " "
    table = packed(book)
    tracemalloc.start()
    try:
        answer = enrolment.client.post("/v1/organisations/import", data=table, content_type=XLSX)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code in (200, 400)
    assert peak < 40_000_000


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_with_a_sentence(enrolment: Enrolment) -> None:
    table = packed(workbook(["municipality_code", "name_fi"], ["837", "Tampere"]))
    table = edited(table, b"</sheetData>", b" " * 60_000_000 + b"</sheetData>")
    assert len(table) < 200_000
    answer = enrolment.client.post("/v1/organisations/import", data=table, content_type=XLSX)
    assert (answer.status_code, "unpacks" in answer.json["detail"]) == (400, True)


def test_a_key_that_one_row_gives_up_may_be_taken_by_a_later_row(enrolment: Enrolment) -> None:
    enrolment.municipality("401", name={"fi": "A"}, business_id="0204819-8")
    enrolment.municipality("402", name={"fi": "B"}, business_id=None)
    table = b"municipality_code,name_fi,business_id\n401,A,0211675-2\n402,B,0204819-8\n404,C,\n"
    first, second = imported(enrolment, table), imported(enrolment, table)
    assert (first["created"], first["updated"], first["rejected"]) == (1, 2, [])
    assert (second["unchanged"], second["rejected"]) == (3, [])


def test_a_key_that_a_row_gives_up_may_be_a_new_organisations(enrolment: Enrolment) -> None:
    enrolment.municipality("403", name={"fi": "A"}, business_id="0926151-4")
    table = b"municipality_code,name_fi,business_id\n403,A,1572860-0\n404,C,0926151-4\n"
    result = imported(enrolment, table)
    assert (result["created"], result["updated"], result["rejected"]) == (1, 1, [])


def test_a_municipality_never_becomes_another(enrolment: Enrolment) -> None:
    first = enrolment.municipality("735", name={"fi": "Ensimmäinen"}, business_id="0204819-8")
    result = imported(enrolment, b"municipality_code,name_fi,business_id\n736,Toinen,0204819-8\n")
    [rejected] = result["rejected"]
    assert "Ensimmäinen" in str(rejected["errors"])
    assert enrolment.shown("organisations", first) == first


def test_organisations_without_any_code_are_known_again_by_kind_and_name(enrolment: Enrolment) -> None:
    table = b"kind;name_fi\nother;Kuntaliitto\njoint_authority;Pirkanmaan liitto\n"
    assert imported(enrolment, table)["created"] == 2
    assert imported(enrolment, table)["unchanged"] == 2


def test_two_people_with_one_address_are_told_apart_by_line(enrolment: Enrolment) -> None:
    enrolment.municipality("837")
    rows = ["given_name,family_name,email,role,municipality_code",
            "Matti,Yksi,kirjaamo@kunta.example,elected,837",
            "Maija,Kaksi,Kirjaamo@kunta.example,elected,837"]  # fmt: skip
    result = imported(enrolment, "\n".join(rows).encode(), what="contacts")
    assert (result["created"], result["updated"]) == (1, 0)
    assert "Line 2" in result["rejected"][0]["errors"]["email"][0]


def test_each_row_says_what_happens_to_it(enrolment: Enrolment) -> None:
    enrolment.municipality("837", name={"fi": "Tampere"}, population=1)
    table = f"{HEADER}837;Tampere;2\n853;Turku;3\n83;;x\n".encode()
    answer = enrolment.client.post(
        "/v1/organisations/import?rows=true&dry_run=true", data=table, content_type="text/csv"
    )
    shown = [(row["line"], row["action"], row["changes"]) for row in answer.json["rows"]]
    assert shown == [
        (2, "update", {"population": {"from": 1, "to": 2}}),
        (3, "create", {}),
        (4, "reject", {}),
    ]
    assert names(enrolment) == ["Tampere"]
