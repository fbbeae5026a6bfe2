"""Search, addresses and phone numbers, as people write them."""

from typing import Any

import pytest

from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json


@pytest.fixture
def town(enrolment: Enrolment) -> Json:
    return enrolment.municipality()


def contact(enrolment: Enrolment, town: Json, **fields: Any) -> Any:
    return enrolment.client.post("/v1/contacts", json={**a.contact(town), **fields})


@pytest.mark.parametrize(
    ("person", "q"),
    [
        ({"family_name": "Meriläinen"}, "merilainen"),
        ({"family_name": "Meriläinen"}, "Meriläinen"),
        ({"family_name": "Ha\u0308kkinen"}, "häkkinen"),
        ({"family_name": "Häkkinen"}, "ha\u0308kkinen"),
        ({"given_name": "Sinéad"}, "sinead"),
        ({"family_name": "Weiß"}, "weiss"),
        ({"family_name": "Korhonen-Sjöblom"}, "sjöblom"),
        ({"given_name": "Ann-Christin"}, "christin"),
        ({"given_name": "Ann-Christin"}, "ann-christin"),
        ({"family_name": "Korhonen-Sjöblom"}, "korhonen sjöblom"),
        ({"family_name": "O’Brien"}, "o'brien"),
        ({"family_name": "O’Brien"}, "obrien"),
        ({"family_name": "Virtanen"}, "Virtnen"),
        ({"family_name": "Virtanen"}, "virtamen"),
        ({"family_name": "Virtanen"}, "virttanen"),
        ({"phone": "+358407654321"}, "040 765 4321"),
        ({"phone": "+358407654321"}, "+358 40 765 4321"),
        ({"phone": "+358407654321"}, "0407654321"),
        ({"phone": "+358407654321"}, "00358 40 7654321"),
        ({"email": "maija.makela@kunta.example"}, "makela"),
        ({"email": "maija.makela@kunta.example"}, "maija.makela@kunta"),
    ],
)
def test_people_are_found_as_one_types_them(enrolment: Enrolment, town: Json, person: Json, q: str) -> None:
    wanted = contact(enrolment, town, email="wanted@kunta.example", given_name="Aino").json
    enrolment.changed("contacts", wanted, **person)
    contact(enrolment, town, given_name="Kaarlo", family_name="Xu", email="other@muu.example")
    found = enrolment.client.get("/v1/contacts", query_string={"q": q}).json["items"]
    assert [item["id"] for item in found] == [wanted["id"]]


@pytest.mark.parametrize("q", ["***", "'", "%", "\u0308", "-", "ei ketään sellaista"])
def test_a_search_without_a_word_finds_nobody(enrolment: Enrolment, town: Json, q: str) -> None:
    contact(enrolment, town)
    assert enrolment.client.get("/v1/contacts", query_string={"q": q}).json["items"] == []


@pytest.mark.parametrize("q", ["savon", "pohjois savon", "POHJOIS-SAVON", "liitto", "savo"])
def test_organisations_are_found_by_each_half_of_their_names(enrolment: Enrolment, q: str) -> None:
    made = enrolment.organisation(name={"fi": "Pohjois-Savon liitto"})
    found = enrolment.client.get("/v1/organisations", query_string={"q": q}).json["items"]
    assert [item["id"] for item in found] == [made["id"]]


@pytest.mark.parametrize("q", ["Ylojarvi", "Ylöjärvi", "närpes", "Narpes", "Närpiö"])
def test_a_town_is_found_by_both_of_its_names(enrolment: Enrolment, q: str) -> None:
    enrolment.municipality("980", name={"fi": "Ylöjärvi"})
    enrolment.municipality("545", name={"fi": "Närpiö", "sv": "Närpes"})
    [found] = enrolment.client.get("/v1/organisations", query_string={"q": q}).json["items"]
    assert found["municipality_code"] == ("980" if q.lower().startswith("y") else "545")


@pytest.mark.parametrize(
    "same",
    [
        "aino@kunta.example\u200b",
        "aino@kun\u00adta.example",
        " aino@kunta.example ",
        "AINO@KUNTA.EXAMPLE",
        "\ufeffaino@kunta.example",
    ],
)
def test_an_address_with_invisible_characters_is_the_same_address(enrolment: Enrolment, town: Json, same: str) -> None:
    assert contact(enrolment, town, email="aino@kunta.example").status_code == 201
    assert contact(enrolment, town, email=same).status_code == 409


def test_a_domain_in_two_spellings_is_one(enrolment: Enrolment, town: Json) -> None:
    assert contact(enrolment, town, email="a@äänekoski.example").status_code == 201
    assert contact(enrolment, town, email="a@xn--nekoski-4waa.example").status_code == 409
    assert contact(enrolment, town, email="a@a\u0308a\u0308nekoski.example").status_code == 409


@pytest.mark.parametrize(
    "wrong", ["m@[192.0.2.1]", "x@localhost", "a b@kunta.example", "a@", "@kunta.example", "a@-.example"]
)
def test_an_address_that_nobody_can_write_to_is_refused(enrolment: Enrolment, town: Json, wrong: str) -> None:
    answer = contact(enrolment, town, email=wrong)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["email"])


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("09 310 1691 ext. 12", "+35893101691;ext=12"),
        ("+358 9 310 1691;ext=12", "+35893101691;ext=12"),
        ("09 310 1691 x12", "+35893101691;ext=12"),
        ("401234567.0", "+358401234567"),
        ("puh. 040 123 4567", "+358401234567"),
        ("040\u00a0123\u20114567", "+358401234567"),
        ("+46 8 123 456 78", "+46812345678"),
    ],
)
def test_a_phone_number_is_kept_whole(enrolment: Enrolment, town: Json, written: str, kept: str) -> None:
    assert contact(enrolment, town, phone=written).json["phone"] == kept


@pytest.mark.parametrize("wrong", ["09-3101691/12", "0800 KUNTA", "3.58401E+11", "040 123 4567, 050 123 4567", "112"])
def test_a_phone_number_that_would_become_another_is_refused(enrolment: Enrolment, town: Json, wrong: str) -> None:
    answer = contact(enrolment, town, phone=wrong)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["phone"])


@pytest.mark.parametrize("name", ["\u200b", "\u2800", "\u3164", "   ", "Ai\u2028no", "Ai\u0085no", "\u202eonia"])
def test_a_name_has_something_to_see_and_one_line(enrolment: Enrolment, town: Json, name: str) -> None:
    assert contact(enrolment, town, given_name=name).status_code == 422
    assert enrolment.client.post("/v1/organisations", json={"kind": "other", "name": {"fi": name}}).status_code == 422
