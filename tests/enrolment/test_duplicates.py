"""Contacts who are probably here already."""

import pytest

from services.enrolment.contacts.similar import is_one_letter_off
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment


@pytest.mark.parametrize(
    ("given", "family", "score"),
    [
        ("Aino", "Meriläinen", 0.9),
        ("aino", "MERILAINEN", 0.9),
        ("Meriläinen", "Aino", 0.9),
        ("Aino", "Meriläine", 0.7),
        ("Anio", "Meriläinen", 0.7),
    ],
)
def test_a_contact_of_the_same_name_in_the_organisation_is_a_warning(
    enrolment: Enrolment, given: str, family: str, score: float
) -> None:
    organisation = enrolment.organisation()
    known = enrolment.contact(organisation)
    assert known["warnings"] == []
    added = enrolment.contact(organisation, given_name=given, family_name=family)
    [warning] = added["warnings"]
    assert (warning["code"], warning["contact_id"], warning["score"]) == ("similar_contact", known["id"], score)


def test_neither_another_organisation_nor_another_name_is_a_warning(enrolment: Enrolment) -> None:
    organisation, other = enrolment.organisation(), enrolment.municipality()
    enrolment.contact(organisation)
    assert enrolment.contact(other)["warnings"] == []
    assert enrolment.contact(organisation, given_name="Eino", family_name="Laine")["warnings"] == []


def test_an_import_warns_by_line(enrolment: Enrolment) -> None:
    organisation = enrolment.municipality()
    known = enrolment.contact(organisation)
    row = {"given_name": "Aino", "family_name": "Merilainen", "email": "am@kunta.example", "role": "elected"}
    other = {**row, "given_name": "Olli", "email": "olli@kunta.example"}
    table = a.csv_table([{**row, "municipality_code": "837"}, {**other, "municipality_code": "837"}])
    answer = enrolment.imports("contacts", table, dry_run=True)
    assert [(warned["line"], warned["warnings"][0]["contact_id"]) for warned in answer["warnings"]] == [
        (2, known["id"])
    ]


def test_likely_pairs_are_listed_the_likeliest_first_until_they_are_merged(enrolment: Enrolment) -> None:
    organisation, other = enrolment.organisation(), enrolment.municipality()
    first = enrolment.contact(organisation, phone="040 123 4567")
    same = enrolment.contact(organisation, phone="0401234567")
    elsewhere = enrolment.contact(other)
    enrolment.contact(other, given_name="Olli", family_name="Niemi")
    answer = enrolment.client.get("/v1/contacts/duplicates").json
    found = [(pair["score"], {side["id"] for side in pair["contacts"]}) for pair in answer["items"]]
    assert found[0] == (1.0, {first["id"], same["id"]})
    assert [score for score, _ in found] == [1.0, 0.6, 0.6]
    assert all(elsewhere["id"] in pair for _, pair in found[1:])
    enrolment.client.post(f"/v1/contacts/{same['id']}/merge", json={"into": first["id"]}, role="manager")
    assert [pair["score"] for pair in enrolment.client.get("/v1/contacts/duplicates").json["items"]] == [0.6]


@pytest.mark.parametrize(
    ("first", "second", "off"),
    [
        ("virtanen", "virtanen", False),
        ("virtanen", "virtane", True),
        ("virtanen", "vvirtanen", True),
        ("virtanen", "virtamen", True),
        ("virtanen", "vitranen", True),
        ("virtanen", "vitramen", False),
        ("", "a", True),
        ("", "ab", False),
    ],
)
def test_what_is_one_letter_off(first: str, second: str, off: bool) -> None:
    assert is_one_letter_off(first, second) is off
    assert is_one_letter_off(second, first) is off


def test_likely_pairs_are_paged_the_likeliest_first(enrolment: Enrolment) -> None:
    place = enrolment.municipality()
    for number in range(4):
        enrolment.contact(place, given_name="Maija", family_name="Virtanen", email=f"m{number}@k.example")
    path, cursor, seen = "/v1/contacts/duplicates?limit=2", "", []
    while cursor is not None:
        answer = enrolment.client.get(f"{path}&cursor={cursor}" if cursor else path).json
        seen += [tuple(contact["id"] for contact in pair["contacts"]) for pair in answer["items"]]
        cursor = answer["next_cursor"]
    assert len(seen) == len(set(seen)) == 6
    for wrong in ("x", "bnVsbA==", "W10="):
        assert enrolment.client.get(f"{path}&cursor={wrong}").status_code == 422
