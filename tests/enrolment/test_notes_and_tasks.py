"""Notes and tasks about organisations, contacts, enrolments and events."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.enrolment.conftest import Enrolment, Json

TASKS = "uso.enrolment.tasks.v1"


def about(kind: str, thing: Json) -> Json:
    return {"kind": kind, "id": thing["id"]}


def test_a_note_is_kept_in_its_authors_name_and_found_by_what_it_is_about(enrolment: Enrolment) -> None:
    tampere, turku = enrolment.municipality("837"), enrolment.municipality("853", name={"fi": "Turku"})
    note = enrolment.created("notes", {"about": about("organisation", tampere), "text": "Soitto kaupunginjohtajalle."})
    enrolment.created("notes", {"about": about("organisation", turku), "text": "Ei vastausta."})
    assert note["by"] == "test-coordinator"
    assert enrolment.listed("notes", about=tampere["id"]) == [note["id"]]
    assert enrolment.changed("notes", note, text="Soitettu.")["version"] == 2


@pytest.mark.parametrize("noun", ["notes", "tasks"])
@pytest.mark.parametrize("kind", ["organisation", "contact", "enrolment", "event"])
def test_nothing_can_be_said_about_what_is_not_there(enrolment: Enrolment, noun: str, kind: str) -> None:
    body: dict[str, Any] = {"about": {"kind": kind, "id": new_id()}, "text": "x"}
    if noun == "tasks":
        body = {"about": body["about"], "title": "x"}
    answer = enrolment.client.post(f"/v1/{noun}", json=body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["about.id"])
    assert ("Retry-After" in answer.headers) is (kind == "event")


def test_a_task_is_open_until_it_is_done_and_may_be_taken_up_again(enrolment: Enrolment) -> None:
    task = enrolment.created("tasks", {"about": about("organisation", enrolment.municipality()), "title": "Soita"})
    assert (task["state"], task["due_on"], task["by"]) == ("open", None, "test-coordinator")
    done = enrolment.moved("tasks", task, "done")
    assert enrolment.move("tasks", done, "cancelled").status_code == 409
    assert enrolment.move("tasks", done, "forgotten").status_code == 422
    assert enrolment.moved("tasks", done, "open")["state"] == "open"


def test_tasks_are_found_by_who_is_to_do_them_until_when(enrolment: Enrolment) -> None:
    town = about("organisation", enrolment.municipality())
    days = ["2026-11-24", "2026-11-25", "2026-11-26", None]
    made = [
        enrolment.created("tasks", {"about": town, "title": "Soita", "assignee": "kaisa", "due_on": day})["id"]
        for day in days
    ]
    enrolment.created("tasks", {"about": town, "title": "Kirjoita", "assignee": "maija"})
    assert enrolment.listed("tasks", assignee="kaisa", due_before="2026-11-26") == made[:2]
    assert enrolment.listed("tasks", assignee="kaisa", sort="-due_on")[:3] == made[2::-1]
    assert enrolment.client.get("/v1/tasks/counts").json["total"] == 5


def test_a_tasks_title_stays_inside(enrolment: Enrolment) -> None:
    aino = enrolment.contact(enrolment.municipality())
    task = enrolment.created("tasks", {"about": about("contact", aino), "title": "Soita Aino Virtaselle"})
    enrolment.changed("tasks", task, title="Kirjoita Aino Virtaselle", due_on="2026-12-01")
    said = enrolment.said(TASKS)
    assert [message.type for message in said] == ["task.created", "task.updated"]
    assert "Virtaselle" not in str([(message.state, message.change) for message in said])
    assert said[-1].change["changed"] == {"due_on": {"from": None, "to": "2026-12-01"}}


def test_a_change_of_the_title_alone_is_a_version(enrolment: Enrolment) -> None:
    town = about("organisation", enrolment.municipality())
    task = enrolment.created("tasks", {"about": town, "title": "Soita"})
    assert enrolment.changed("tasks", task, title="Kirjoita")["version"] == 2
