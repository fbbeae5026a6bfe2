"""What was done by mistake: an import, a change, a resource; taken back where nobody has built on it since."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json

PEOPLE = [
    {"given_name": "Aino", "family_name": "Aalto", "email": "aino@k.example", "role": "elected"},
    {"given_name": "Bo", "family_name": "Berg", "email": "bo@k.example", "role": "elected"},
]


def imported(enrolment: Enrolment, organisation: Json, people: list[Json] = PEOPLE) -> Json:
    rows = [{**person, "municipality_code": organisation["municipality_code"]} for person in people]
    answer = enrolment.client.post(
        "/v1/contacts/import?file=valtuusto.csv", data=a.csv_table(rows), content_type="text/csv"
    )
    assert answer.status_code == 200, answer.text
    body: Json = answer.json
    return body


def undone(enrolment: Enrolment, result: Json, status: int = 200) -> Json:
    answer = enrolment.client.post(f"/v1/imports/{result['id']}/undo")
    assert answer.status_code == status, answer.text
    body: Json = answer.json
    return body


def entries(enrolment: Enrolment, path: str) -> list[Json]:
    """The history, newest first."""
    items: list[Json] = enrolment.client.get(f"/v1/{path}/history").json["items"]
    return items


def revert(enrolment: Enrolment, path: str, entry: Json) -> Any:
    return enrolment.client.post(f"/v1/{path}/history/{entry['id']}/revert")


def test_an_import_is_taken_back_as_a_whole(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    bo = enrolment.contact(tampere, given_name="Bo", family_name="Berg", email="bo@k.example", title="ordförande")
    result = imported(enrolment, tampere)
    assert (result["created"], result["updated"]) == (1, 1)
    answer = undone(enrolment, result)
    assert (answer["deleted"], answer["restored"], answer["kept"]) == (1, 1, [])
    assert enrolment.listed("contacts") == [bo["id"]]
    now = enrolment.shown("contacts", bo)
    changed = {name for name in now if now[name] != bo[name]}
    assert changed == {"version", "updated_at"}
    assert enrolment.client.get(f"/v1/imports/{result['id']}").json["state"] == "undone"
    undone(enrolment, result, 409)


def test_the_history_names_the_file_and_the_line(enrolment: Enrolment) -> None:
    result = imported(enrolment, enrolment.municipality())
    [first, _] = enrolment.listed("contacts")
    [entry] = entries(enrolment, f"contacts/{first}")
    assert entry["change"]["reason"] == "Import of valtuusto.csv, line 2"
    shown = enrolment.client.get(f"/v1/imports/{result['id']}").json
    assert (shown["file"], shown["of"], shown["by"], shown["created"]) == (
        "valtuusto.csv",
        "contacts",
        "test-coordinator",
        2,
    )


def test_what_somebody_changed_or_refers_to_since_stays_and_the_answer_says_why(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    result = imported(enrolment, tampere)
    aino, bo = enrolment.listed("contacts", sort="family_name")
    enrolment.changed("contacts", {"id": aino}, title="puheenjohtaja")
    enrolment.created("notes", {"about": {"kind": "contact", "id": bo}, "text": "Call in May."})
    answer = undone(enrolment, result)
    assert (answer["deleted"], answer["restored"]) == (0, 0)
    assert [(row["line"], row["id"], row["why"], row["by"]) for row in answer["kept"]] == [
        (2, aino, "somebody changed it since", "test-coordinator"),
        (3, bo, "Something refers to this contact: note.", None),
    ]


def test_after_an_undoing_the_corrected_file_is_imported_as_new(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    undone(enrolment, imported(enrolment, tampere))
    assert imported(enrolment, tampere)["created"] == 2
    assert enrolment.types(a.CONTACTS).count("contact.deleted") == 2


def test_an_import_of_organisations_is_taken_back(enrolment: Enrolment) -> None:
    enrolment.municipality("837", population=1)
    table = a.csv_table(
        [
            {"municipality_code": "837", "name_fi": "Tampere", "population": "2"},
            {"municipality_code": "091", "name_fi": "Helsinki", "population": "3"},
        ]
    )
    result = enrolment.imports("organisations", table)
    answer = undone(enrolment, result)
    assert (answer["deleted"], answer["restored"]) == (1, 1)
    items = enrolment.client.get("/v1/organisations").json["items"]
    assert [(item["municipality_code"], item["population"]) for item in items] == [("837", 1)]


def test_a_dry_run_is_no_import(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    rows = [{**PEOPLE[0], "municipality_code": tampere["municipality_code"]}]
    assert enrolment.imports("contacts", a.csv_table(rows), dry_run=True)["id"] is None
    assert enrolment.listed("imports") == []


def test_one_change_is_taken_back(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality(region={"fi": "Pirkanmaa"})
    enrolment.changed("organisations", tampere, region={"fi": "Uusimaa", "sv": "Nyland"}, population=5)
    enrolment.changed("organisations", tampere, tags=["pilot"])
    _, mistake, created = entries(enrolment, f"organisations/{tampere['id']}")
    answer = revert(enrolment, f"organisations/{tampere['id']}", mistake)
    assert answer.status_code == 200, answer.text
    assert (answer.json["region"], answer.json["population"], answer.json["tags"]) == (
        {"fi": "Pirkanmaa"},
        249_009,
        ["pilot"],
    )
    assert revert(enrolment, f"organisations/{tampere['id']}", created).status_code == 409


def test_a_change_that_was_changed_again_is_not_taken_back(enrolment: Enrolment) -> None:
    contact = enrolment.contact(enrolment.municipality(), title="johtaja")
    for title in ("päällikkö", "kehittäjä"):
        enrolment.changed("contacts", contact, title=title)
    _, earlier, _ = entries(enrolment, f"contacts/{contact['id']}")
    answer = revert(enrolment, f"contacts/{contact['id']}", earlier)
    assert answer.status_code == 409
    [since] = answer.json["changed_since"]
    assert (since["field"], since["from"], since["to"], since["by"]) == (
        "title",
        "päällikkö",
        "kehittäjä",
        "test-coordinator",
    )


def test_a_step_is_no_change_that_is_taken_back(enrolment: Enrolment) -> None:
    made = enrolment.enrolment("negotiating")
    [step, *_] = entries(enrolment, f"enrolments/{made['id']}")
    assert revert(enrolment, f"enrolments/{made['id']}", step).status_code == 409
    nothing = {"id": made["id"]}
    assert revert(enrolment, f"enrolments/{made['id']}", nothing).status_code == 404


def test_what_nothing_refers_to_is_deleted(enrolment: Enrolment) -> None:
    tampere = enrolment.municipality()
    contact = enrolment.contact(tampere, email="aino@k.example")
    refused = enrolment.client.delete(f"/v1/organisations/{tampere['id']}")
    assert refused.status_code == 409
    assert refused.json["referred_to_by"] == [{"kind": "contact", "id": contact["id"]}]
    for path in (f"contacts/{contact['id']}", f"organisations/{tampere['id']}"):
        assert enrolment.client.delete(f"/v1/{path}").status_code == 204
        assert enrolment.client.get(f"/v1/{path}").status_code == 404
        assert enrolment.client.delete(f"/v1/{path}").status_code == 404
    assert enrolment.types(a.ORGANISATIONS) == ["organisation.created", "organisation.deleted", "tombstone"]
    enrolment.contact(enrolment.municipality(), email="aino@k.example")


def test_what_a_deleted_contact_was_called_stands_in_no_message_after_it(enrolment: Enrolment) -> None:
    contact = enrolment.contact(enrolment.municipality(), given_name="Tuiskulauri", phone="040 123 4567")
    enrolment.client.delete(f"/v1/contacts/{contact['id']}")
    *_, last, tombstone = enrolment.said(a.CONTACTS)
    assert (last.type, tombstone.state) == ("contact.deleted", None)
    assert last.state
    assert (last.state["given_name"], last.state["family_name"], last.state["phone"]) == ("-", "-", None)
    assert last.state["email"] == "deleted@deleted.invalid"


def test_an_inquiry_and_a_draft_are_deleted_and_nothing_beyond_them(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    assert enrolment.client.delete(f"/v1/seasons/{made['season_id']}").status_code == 409
    assert enrolment.client.delete(f"/v1/enrolments/{made['id']}").status_code == 204
    assert enrolment.client.get(f"/v1/enrolments/{made['id']}/workshop-days").status_code == 404
    later = enrolment.enrolment("negotiating", season={"id": made["season_id"]})
    assert enrolment.client.delete(f"/v1/enrolments/{later['id']}").status_code == 409
    draft = enrolment.created("seasons", a.season(number=8))
    assert enrolment.client.delete(f"/v1/seasons/{draft['id']}").status_code == 204


@pytest.mark.parametrize("nouns", ["notes", "tasks", "segments"])
def test_notes_tasks_and_segments_are_deleted(enrolment: Enrolment, nouns: str) -> None:
    about = {"kind": "organisation", "id": enrolment.municipality()["id"]}
    bodies = {
        "notes": {"about": about, "text": "x"},
        "tasks": {"about": about, "title": "x"},
        "segments": {"name": "x"},
    }
    made = enrolment.created(nouns, bodies[nouns])
    stale = enrolment.client.delete(f"/v1/{nouns}/{made['id']}", headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert enrolment.client.delete(f"/v1/{nouns}/{made['id']}", headers={"If-Match": '"1"'}).status_code == 204
    assert enrolment.listed(nouns) == []


def test_a_deletion_and_a_reference_at_once_never_both_happen(
    enrolment: Enrolment, all_at_once: Callable[..., list[Any]]
) -> None:
    for code in ("091", "092", "049", "837"):
        place = enrolment.municipality(code)
        body = a.contact(place)
        delete = partial(enrolment.client.delete, f"/v1/organisations/{place['id']}")
        people = [{**body, "email": f"{number}@k.example"} for number in range(3)]
        gone, *made = all_at_once([delete, *(partial(enrolment.client.post, "/v1/contacts", json=p) for p in people)])
        there = enrolment.client.get(f"/v1/contacts?organisation_id={place['id']}").json["items"]
        assert (gone.status_code == 204) is (there == []), (gone.status_code, [m.status_code for m in made])
        for contact in there:
            enrolment.client.delete(f"/v1/contacts/{contact['id']}")


@pytest.mark.parametrize("noun", ["notes", "tasks", "enrolments"])
def test_a_contact_s_deletion_and_a_reference_at_once_never_both_happen(
    enrolment: Enrolment, all_at_once: Callable[..., list[Any]], noun: str
) -> None:
    season, place = enrolment.season(), enrolment.organisation()
    for number in range(6):
        contact = enrolment.created("contacts", a.contact(place))
        about = {"kind": "contact", "id": contact["id"]}
        town = enrolment.organisation(name={"fi": f"Kunta {number}"})
        body = {
            "notes": {"about": about, "text": "x"},
            "tasks": {"about": about, "title": "x"},
            "enrolments": a.enrolment(season, town, contact_ids=[contact["id"]]),
        }[noun]
        delete = partial(enrolment.client.delete, f"/v1/contacts/{contact['id']}")
        make = partial(enrolment.client.post, f"/v1/{noun}", json=body)
        gone, made = all_at_once([delete, make])
        assert {gone.status_code, made.status_code} in ({204, 422}, {409, 201}), (gone.text, made.text)
