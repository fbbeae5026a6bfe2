"""Seasons: drafted by coordinators, opened and closed by managers."""

from typing import Any

import pytest

from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment


def test_a_new_season_is_a_draft(enrolment: Enrolment) -> None:
    season = enrolment.created("seasons", a.season())
    assert (season["state"], season["version"]) == ("draft", 1)
    assert season["package"] == {"situation_analysis": True, "workshop_days": 3}
    [told] = enrolment.said(a.SEASONS)
    assert (told.type, told.state) == ("season.created", enrolment.shown("seasons", season))


def test_without_a_package_there_are_no_workshop_days(enrolment: Enrolment) -> None:
    season = enrolment.created("seasons", a.season(package=None, themes=None))
    assert (season["package"], season["themes"]) == ({"situation_analysis": True, "workshop_days": 0}, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ends_on", "2023-07-31"),
        ("ends_on", "2023-02-30"),
        ("ends_on", "30.6.2024"),
        ("ends_on", "2024-W26-7"),
        ("number", 0),
        ("number", 7.5),
        ("number", "seven"),
        ("name", {}),
        ("themes", [{"key": "Johtaminen", "name": {"fi": "Johtaminen"}}]),
        ("themes", [{"key": "ti\neto", "name": {"fi": "Tieto"}}]),
        ("themes", [{"key": "tieto"}]),
        ("themes", [{"key": "tieto", "name": {"fi": "Tieto"}}] * 2),
        ("package", {"workshop_days": 0.75}),
        ("package", {"workshop_days": -1}),
        ("package", {"workshop_days": 101}),
        ("package", {"workshop_weeks": 1}),
        ("state", "open"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(enrolment: Enrolment, field: str, value: Any) -> None:
    answer = enrolment.client.post("/v1/seasons", json=a.season(**{field: value}))
    assert answer.status_code == 422
    assert {path.split(".")[0] for path in answer.json["errors"]} == {field}


def test_enrolment_opens_before_it_closes(enrolment: Enrolment) -> None:
    body = a.season(enrolment_opens_on="2023-05-01", enrolment_closes_on="2023-04-30")
    answer = enrolment.client.post("/v1/seasons", json=body)
    assert list(answer.json["errors"]) == ["enrolment_closes_on"]
    season = enrolment.created("seasons", body | {"enrolment_closes_on": "2023-05-01"})
    assert enrolment.change("seasons", season, enrolment_opens_on="2023-05-02").status_code == 422
    assert enrolment.changed("seasons", season, enrolment_opens_on=None)["enrolment_opens_on"] is None


def test_a_number_is_one_seasons(enrolment: Enrolment) -> None:
    seventh = enrolment.created("seasons", a.season(number=7))
    eighth = enrolment.created("seasons", a.season(number=8))
    for answer in (
        enrolment.client.post("/v1/seasons", json=a.season(number=7)),
        enrolment.change("seasons", eighth, number=7),
    ):
        assert (answer.status_code, answer.json["existing_id"]) == (409, seventh["id"])


def test_managers_open_start_and_close_it(enrolment: Enrolment) -> None:
    season = enrolment.created("seasons", a.season())
    for role in ("viewer", "coordinator", "operator"):
        assert enrolment.move("seasons", season, "open", role=role).status_code == 403
    for step in ("open", "running", "closed"):
        season = enrolment.moved("seasons", season, step, "Hallitus päätti.")
    told = enrolment.said(a.SEASONS)[-1]
    assert (told.type, told.state, told.actor) == ("season.transitioned", season, "test-manager")
    assert {name: told.change[name] for name in ("from", "to", "reason")} == {
        "from": "running",
        "to": "closed",
        "reason": "Hallitus päätti.",
    }
    assert enrolment.history(f"seasons/{season['id']}") == ["season.created", *["season.transitioned"] * 3]


@pytest.mark.parametrize(
    ("state", "following"), [("draft", "open"), ("open", "running"), ("running", "closed"), ("closed", None)]
)
def test_no_step_is_left_out_or_taken_back(enrolment: Enrolment, state: str, following: str | None) -> None:
    season = enrolment.season(state)
    for to in {"draft", "open", "running", "closed"} - {following}:
        answer = enrolment.move("seasons", season, to)
        assert (answer.status_code, state in answer.json["detail"]) == (409, True)
    assert enrolment.move("seasons", season, "archived").status_code == 422
    assert enrolment.shown("seasons", season) == season


def test_a_season_is_shown_as_it_was(enrolment: Enrolment) -> None:
    draft = enrolment.created("seasons", a.season(number=7))
    path = f"/v1/seasons/{draft['id']}"
    later = enrolment.changed("seasons", draft, number=8)
    assert enrolment.client.get(f"{path}?version=1").json == draft
    assert enrolment.client.get(f"{path}?as_of={draft['updated_at']}").json["number"] == 7
    assert enrolment.client.get(f"{path}?version=2").json == later
    assert enrolment.client.get(f"{path}?version=3").status_code == 404
    assert enrolment.client.get(f"{path}?as_of=2001-01-01T00:00:00Z").status_code == 404


def test_a_change_that_changes_nothing_makes_no_version_and_no_message(enrolment: Enrolment) -> None:
    season = enrolment.created("seasons", a.season())
    for same in ({}, {"number": season["number"]}, {"id": season["id"], "state": "draft"}):
        assert enrolment.changed("seasons", season, **same) == season
    assert [message.type for message in enrolment.said(a.SEASONS)] == ["season.created"]


def test_a_stale_change_is_told_of_the_changes_in_between(enrolment: Enrolment) -> None:
    season = enrolment.created("seasons", a.season(number=7))
    enrolment.changed("seasons", season, number=8)
    path, headers = f"/v1/seasons/{season['id']}", {"If-Match": 'W/"1"'}
    stale = enrolment.client.call("PATCH", path, json={"number": 9}, headers=headers)
    assert stale.status_code == 412
    [change] = stale.json["changed_since"]
    assert {name: change[name] for name in ("field", "from", "to", "by")} == {
        "field": "number", "from": 7, "to": 8, "by": "test-coordinator",
    }  # fmt: skip


def test_a_step_may_be_tied_to_the_version_that_one_saw(enrolment: Enrolment) -> None:
    season = enrolment.season("open")
    path, body = f"/v1/seasons/{season['id']}/transitions", {"to": "running"}
    stale = enrolment.client.post(path, json=body, role="manager", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert enrolment.client.post(path, json=body, role="manager", headers={"If-Match": '"2"'}).status_code == 200


def test_a_change_needs_the_present_version(enrolment: Enrolment) -> None:
    season = enrolment.season()
    assert enrolment.change("seasons", season, match=None, number=8).status_code == 428
    assert enrolment.change("seasons", season, match='"1"', number=8).status_code == 412
    assert enrolment.changed("seasons", season, number=8)["state"] == "open"


def test_seasons_are_listed_by_state(enrolment: Enrolment) -> None:
    running, draft = enrolment.season("running", number=7), enrolment.season("draft", number=8)
    assert enrolment.listed("seasons") == [running["id"], draft["id"]]
    assert enrolment.listed("seasons", state="draft") == [draft["id"]]
