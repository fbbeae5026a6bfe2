"""Enrolments: one organisation's membership of one season, from first inquiry to completion."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.ids import new_id
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json


def test_a_new_enrolment_is_an_inquiry(enrolment: Enrolment) -> None:
    season, town = enrolment.season(), enrolment.municipality()
    aino = enrolment.contact(town)
    body = a.enrolment(season, town, contact_ids=[aino["id"]], coordinator="kaisa", themes=["tieto"], source="Facebook")
    made = enrolment.created("enrolments", body)
    assert {name: made[name] for name in body} == body
    assert (made["state"], made["state_reason"], made["version"]) == ("inquiry", None, 1)
    assert made["situation_analysis"]["status"] == "not_started"
    [told] = enrolment.said(a.ENROLMENTS)
    assert (told.type, told.state) == ("enrolment.created", enrolment.shown("enrolments", made))
    assert enrolment.types(a.WORKSHOP_DAYS) == ["workshop_days.opened"]
    assert enrolment.left(made) == (0, 0, 0, 0)


def test_of_twelve_who_enrol_the_same_organisation_at_once_one_succeeds(
    enrolment: Enrolment, all_at_once: Callable[[Any], list[Any]]
) -> None:
    body = a.enrolment(enrolment.season(), enrolment.organisation())
    answers = all_at_once([lambda: enrolment.client.post("/v1/enrolments", json=body)] * 12)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    [made] = [answer.json["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json["existing_id"] for answer in answers if answer.status_code == 409} == {made}
    assert enrolment.types(a.ENROLMENTS) == ["enrolment.created"]
    assert enrolment.types(a.WORKSHOP_DAYS) == ["workshop_days.opened"]


def test_a_second_enrolment_in_another_season_is_welcome(enrolment: Enrolment) -> None:
    town = enrolment.municipality()
    for number in (7, 8):
        enrolment.created("enrolments", a.enrolment(enrolment.season(number=number), town))
    assert len(enrolment.listed("enrolments", organisation_id=town["id"])) == 2


@pytest.mark.parametrize("end", ["declined", "withdrawn"])
def test_who_left_a_season_does_not_enrol_in_it_twice(enrolment: Enrolment, end: str) -> None:
    left = enrolment.enrolment(end)
    body = {name: left[name] for name in ("season_id", "organisation_id")}
    answer = enrolment.client.post("/v1/enrolments", json=body)
    assert (answer.status_code, answer.json["existing_id"]) == (409, left["id"])


@pytest.mark.parametrize(("state", "takes"), [("draft", False), ("open", True), ("running", True), ("closed", False)])
def test_organisations_enrol_while_the_season_is_open_or_running(enrolment: Enrolment, state: str, takes: bool) -> None:
    body = a.enrolment(enrolment.season(state), enrolment.organisation())
    assert enrolment.client.post("/v1/enrolments", json=body).status_code == (201 if takes else 409)


def test_everything_that_is_not_there_is_named_at_once(enrolment: Enrolment) -> None:
    season, town = enrolment.season(), enrolment.municipality()
    aino = enrolment.contact(town)
    body = {"season_id": new_id(), "organisation_id": new_id(), "contact_ids": [aino["id"], new_id()]}
    answer = enrolment.client.post("/v1/enrolments", json=body)
    assert answer.status_code == 422
    assert sorted(answer.json["errors"]) == ["contact_ids.1", "organisation_id", "season_id"]
    answer = enrolment.client.post("/v1/enrolments", json=a.enrolment(season, town, themes=["tieto", "talous"]))
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["themes.1"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("season_id", "seven"),
        ("organisation_id", 5),
        ("contact_ids", ["aino"]),
        ("contact_ids", [new_id()] * 101),
        ("themes", ["tieto", "tieto"]),
        ("themes", "tieto"),
        ("coordinator", "\n"),
        ("state", "active"),
        ("situation_analysis", {}),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(enrolment: Enrolment, field: str, value: Any) -> None:
    body = a.enrolment(enrolment.season(), enrolment.organisation(), **{field: value})
    answer = enrolment.client.post("/v1/enrolments", json=body)
    assert answer.status_code == 422
    assert {path.split(".")[0] for path in answer.json["errors"]} == {field}


def test_a_change_keeps_season_and_organisation(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    for name, other in (("season_id", enrolment.season(number=8)), ("organisation_id", enrolment.organisation())):
        answer = enrolment.change("enrolments", made, **{name: other["id"]})
        assert (answer.status_code, list(answer.json["errors"])) == (422, [name])
    assert enrolment.shown("enrolments", made) == made
    changed = enrolment.changed("enrolments", made, coordinator="kaisa", season_id=made["season_id"])
    assert (changed["coordinator"], changed["version"]) == ("kaisa", 2)
    assert enrolment.said(a.ENROLMENTS)[-1].change["changed"] == {"coordinator": {"from": None, "to": "kaisa"}}


def test_a_change_needs_the_present_version(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    assert enrolment.change("enrolments", made, match=None, source="x").status_code == 428
    assert enrolment.change("enrolments", made, match='"2"', source="x").status_code == 412


def test_a_theme_that_its_season_has_given_up_stays_until_it_is_taken_out(enrolment: Enrolment) -> None:
    season = enrolment.season()
    made = enrolment.enrolment(season=season, themes=["tieto"])
    enrolment.changed("seasons", season, themes=season["themes"][:1])
    assert enrolment.changed("enrolments", made, coordinator="kaisa")["themes"] == ["tieto"]
    enrolment.changed("enrolments", made, themes=[])
    assert enrolment.change("enrolments", made, themes=["tieto"]).status_code == 422


STEPS = {
    "inquiry": {"negotiating", "declined"},
    "negotiating": {"enrolled", "declined"},
    "enrolled": {"active", "withdrawn"},
    "active": {"completed", "withdrawn"},
    "completed": set(),
    "declined": {"negotiating"},
    "withdrawn": set(),
}


@pytest.mark.parametrize("state", STEPS)
def test_the_table_of_steps_is_kept(enrolment: Enrolment, state: str) -> None:
    """Every step from `state`, each from an enrolment of its own where it is legal."""
    made = enrolment.enrolment(state, season=enrolment.season(number=1))
    for to in STEPS.keys() - STEPS[state]:
        answer = enrolment.move("enrolments", made, to, "So it was agreed.")
        assert (answer.status_code, state in answer.json["detail"]) == (409, True)
    assert enrolment.move("enrolments", made, "lost", "So it was agreed.").status_code == 422
    assert enrolment.shown("enrolments", made) == made
    for number, to in enumerate(sorted(STEPS[state]), start=2):
        other = enrolment.enrolment(state, season=enrolment.season(number=number))
        assert enrolment.moved("enrolments", other, to, "So it was agreed.")["state"] == to


def test_a_decline_that_is_taken_up_again_keeps_its_reason(enrolment: Enrolment) -> None:
    declined = enrolment.moved("enrolments", enrolment.enrolment("inquiry"), "declined", "Talousarvio ei riitä.")
    again = enrolment.moved("enrolments", declined, "negotiating")
    assert (again["state"], again["state_reason"]) == ("negotiating", "Talousarvio ei riitä.")
    assert enrolment.moved("enrolments", again, "enrolled")["state_reason"] is None


@pytest.mark.parametrize("to", ["declined", "withdrawn"])
def test_who_leaves_is_asked_why(enrolment: Enrolment, to: str) -> None:
    made = enrolment.enrolment("inquiry" if to == "declined" else "enrolled")
    for reason in (None, "  "):
        answer = enrolment.move("enrolments", made, to, reason)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["reason"])
    moved = enrolment.moved("enrolments", made, to, "Talousarvio ei riitä.")
    assert moved["state_reason"] == "Talousarvio ei riitä."
    told = enrolment.said(a.ENROLMENTS)[-1]
    assert (told.type, told.state) == ("enrolment.transitioned", moved)
    assert {name: told.change[name] for name in ("from", "to", "reason")} == {
        "from": made["state"],
        "to": to,
        "reason": "Talousarvio ei riitä.",
    }


def test_only_a_manager_makes_it_active_and_anybody_may_do_the_rest(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    for to in ("negotiating", "enrolled"):
        assert enrolment.move("enrolments", made, to, role="coordinator").status_code == 200
    assert enrolment.move("enrolments", made, "active", role="coordinator").status_code == 403
    assert enrolment.left(made) == (0, 0, 0, 0)
    assert enrolment.move("enrolments", made, "active", role="manager").status_code == 200
    assert enrolment.move("enrolments", made, "completed", role="coordinator").status_code == 200
    assert (
        enrolment.move(
            "enrolments", enrolment.enrolment(season=enrolment.season(number=8)), "negotiating", role="viewer"
        ).status_code
        == 403
    )


def test_a_step_may_be_tied_to_the_version_that_one_saw(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    path, body = f"/v1/enrolments/{made['id']}/transitions", {"to": "negotiating"}
    assert enrolment.client.post(path, json=body, headers={"If-Match": '"2"'}).status_code == 412
    moved = enrolment.client.post(path, json=body, headers={"If-Match": '"1"'})
    assert (moved.status_code, moved.headers["ETag"]) == (200, '"2"')


def test_of_eight_who_take_the_same_step_at_once_one_succeeds(
    enrolment: Enrolment, all_at_once: Callable[[Any], list[Any]]
) -> None:
    made = enrolment.enrolment("enrolled")
    answers = all_at_once([lambda: enrolment.move("enrolments", made, "active")] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert enrolment.left(made) == (6, 0, 0, 6), "the package is granted once"


def test_the_history_is_the_enrolments_own(enrolment: Enrolment) -> None:
    made = enrolment.enrolment("active")
    steps = ["enrolment.created", *["enrolment.transitioned"] * 3]
    assert enrolment.history(f"enrolments/{made['id']}") == steps
    of_days = ["workshop_days.opened", "workshop_days.adjusted"]
    assert enrolment.history(f"enrolments/{made['id']}/workshop-days") == of_days


def test_lists_can_be_narrowed(enrolment: Enrolment) -> None:
    seventh, eighth = enrolment.season(number=7), enrolment.season(number=8)
    first = enrolment.enrolment("negotiating", season=seventh, coordinator="kaisa")
    second = enrolment.enrolment(season=eighth, coordinator="kaisa")
    third = enrolment.enrolment(season=seventh)
    ids = [enrolment["id"] for enrolment in (first, second, third)]
    assert enrolment.listed("enrolments") == ids
    assert enrolment.listed("enrolments", season_id=seventh["id"]) == [ids[0], ids[2]]
    assert enrolment.listed("enrolments", state="inquiry") == ids[1:]
    assert enrolment.listed("enrolments", coordinator="kaisa", season_id=eighth["id"]) == [ids[1]]
    assert enrolment.listed("enrolments", organisation_id=third["organisation_id"]) == [ids[2]]
    for query in ("state=lost", "season_id=seven"):
        assert enrolment.client.get(f"/v1/enrolments?{query}").status_code == 422


def put(enrolment: Enrolment, made: Json, body: Json, **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return enrolment.client.put(f"/v1/enrolments/{made['id']}/situation-analysis", json=body, headers=names)


def test_a_situation_analysis_has_its_enrolments_version(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    path = f"/v1/enrolments/{made['id']}/situation-analysis"
    empty = enrolment.client.get(path)
    assert (empty.json["status"], empty.json["version"], empty.headers["ETag"]) == ("not_started", 1, '"1"')
    body = {"status": "draft", "summary": "Tieto\npuuttuu.", "focus_areas": ["tieto"], "document_url": "https://x.fi/1"}
    assert put(enrolment, made, body).status_code == 428
    answer = put(enrolment, made, body, If_Match='"1"')
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json == body | {"delivered_on": None, "enrolment_id": made["id"], "version": 2}
    assert enrolment.client.get(path).json == answer.json
    assert put(enrolment, made, body, If_Match='"1"').status_code == 412
    told = enrolment.said(a.ENROLMENTS)[-1]
    assert (told.type, told.state) == ("situation_analysis.updated", enrolment.shown("enrolments", made))
    assert list(told.change["changed"]) == ["situation_analysis"]


def test_a_put_replaces_the_whole_analysis(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    put(enrolment, made, {"status": "draft", "summary": "Kesken."}, If_Match="*")
    delivered = put(enrolment, made, {"status": "delivered", "delivered_on": "2023-10-01"}, If_Match="*").json
    assert (delivered["summary"], delivered["delivered_on"]) == (None, "2023-10-01")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "lost"}, "status"),
        ({"status": "draft", "delivered_on": "2023-10-01"}, "delivered_on"),
        ({"status": "delivered", "delivered_on": "yesterday"}, "delivered_on"),
        ({"status": "draft", "document_url": "javascript:alert(1)"}, "document_url"),
        ({"status": "draft", "document_url": "/etc/passwd"}, "document_url"),
        ({"status": "draft", "focus_areas": [""]}, "focus_areas.0"),
        ({"status": "draft", "version": 3}, "version"),
    ],
)
def test_an_analysis_that_cannot_be_is_refused(enrolment: Enrolment, body: Json, field: str) -> None:
    answer = put(enrolment, enrolment.enrolment(), body, If_Match="*")
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_what_is_not_there_is_404(enrolment: Enrolment) -> None:
    nobody = {"id": new_id()}
    for path in ("", "/history", "/situation-analysis", "/workshop-days", "/workshop-days/history"):
        assert enrolment.client.get(f"/v1/enrolments/{nobody['id']}{path}").status_code == 404
    assert enrolment.move("enrolments", nobody, "active").status_code == 404
    assert enrolment.adjust(nobody, 1).status_code == 404
    assert put(enrolment, nobody, {"status": "draft"}, If_Match="*").status_code == 404
