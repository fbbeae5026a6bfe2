"""An event's own questions: six kinds, and what becomes of sensitive answers."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.events.questions.answers import SENSITIVE
from tests.events import builders as a
from tests.events.conftest import Events, Json
from tests.events.test_public import visit
from tests.pages.scenes import own_path


def question(key: str, kind: str, **changes: Any) -> Json:
    options = [{"key": name, "label": {"fi": name}} for name in ("meat", "fish")] if "choice" in kind else []
    return {"key": key, "kind": kind, "label": {"fi": key}, "options": options} | changes


ALL = [
    question("wish", "text"),
    question("dish", "choice"),
    question("dishes", "choices"),
    question("size", "number"),
    question("bus", "yes_no"),
    question("born", "date"),
]
DIET = question("diet", "text", sensitive=True, required=True)


def ask(events: Events, event: Json, number: int = 1, **answers: Any) -> Any:
    body = {"person": a.person(number), "answers": answers}
    return visit(events, f"/events/{event['id']}/registrations", body)


GOOD = {"wish": " Kahvia ", "dish": "fish", "dishes": ["fish", "meat"], "size": 2.5, "bus": False, "born": "1980-02-29"}


def test_each_kind_of_question_has_its_answers(events: Events) -> None:
    event = events.published(a.webinar(questions=ALL))
    assert ask(events, event, **GOOD).status_code == 202
    [registration] = events.registrations(event)
    assert registration["answers"] == GOOD | {"wish": "Kahvia"}
    assert "Kahvia" not in events.all_that_was_said()


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("wish", " "),
        ("wish", 5),
        ("wish", "x" * 1001),
        ("dish", "soup"),
        ("dish", ["fish"]),
        ("dishes", []),
        ("dishes", ["soup"]),
        ("dishes", "fish"),
        ("size", "2"),
        ("size", True),
        ("bus", "yes"),
        ("born", "1981-02-29"),
        ("born", "29.2.1980"),
        ("other", "x"),
    ],
)
def test_a_wrong_answer_is_named(events: Events, key: str, wrong: Any) -> None:
    event = events.published(a.webinar(questions=ALL))
    answer = ask(events, event, **{key: wrong})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [f"answers.{key}"])


def test_a_required_answer_is_asked_of_the_public_and_not_of_staff(events: Events) -> None:
    event = events.published(a.webinar(questions=[DIET]))
    assert list(ask(events, event).json["errors"]) == ["answers.diet"]
    assert events.registered(event, person=a.person())["answers"] == {}


@pytest.mark.parametrize(
    "wrong",
    [
        [question("dish", "choice", options=[])],
        [question("wish", "text", options=[{"key": "a", "label": {"fi": "a"}}])],
        [question("wish", "text"), question("wish", "number")],
        [question("Wish", "text")],
        [question("wish", "colour")],
    ],
)
def test_a_question_that_nobody_can_answer_is_refused(events: Events, wrong: list[Json]) -> None:
    assert events.client.post("/v1/events", json=a.webinar(questions=wrong)).status_code == 422


def sensitive(events: Events, event: Json, role: str = "coordinator") -> Any:
    return events.client.get(f"/v1/events/{event['id']}/sensitive-answers", role=role)


def test_sensitive_answers_are_sealed_listed_without_names_and_never_told(events: Events) -> None:
    event = events.published(a.webinar(capacity=2, questions=[DIET]))
    for number, diet in enumerate(("gluteeniton", "aasialainen", "vegaani"), 1):
        ask(events, event, number, diet=diet)
    found = sensitive(events, event)
    assert [each["answers"] for each in found.json["questions"]] == [["aasialainen", "gluteeniton"]]
    assert "Aino" not in found.text
    assert sensitive(events, event, role="viewer").status_code == 403
    assert "gluteeniton" not in str(list(events.db[SENSITIVE].find())) + str(events.registrations(event))
    assert "gluteeniton" not in events.all_that_was_said()


def test_sensitive_answers_go_a_week_after_the_event_also_when_it_moves(events: Events) -> None:
    event = events.published(a.webinar(questions=[DIET]))
    ask(events, event, diet="vegaani")
    end = datetime.now(UTC) + timedelta(days=60)
    events.changed(event, ends_at=end.isoformat())
    row = events.db[SENSITIVE].find_one()
    assert row is not None
    assert abs(row["expires_at"] - end - timedelta(days=7)) < timedelta(seconds=1)
    ttl = [index for index in events.db[SENSITIVE].list_indexes() if "expireAfterSeconds" in index]
    assert [(index["expireAfterSeconds"], dict(index["key"])) for index in ttl] == [(0, {"expires_at": 1})]


def test_one_changes_ones_answers_by_the_link_and_takes_them_back(events: Events) -> None:
    event = events.published(a.webinar(questions=[*ALL, DIET]))
    ask(events, event, diet="vegaani", **GOOD)
    [registration] = events.registrations(event)
    path = own_path(events, registration).removeprefix("/public")
    own = visit(events, path, {"answers": {"size": 4, "wish": None}})
    assert own.json["answers"] == {name: GOOD[name] for name in ("dish", "dishes", "bus", "born")} | {"size": 4}
    assert sensitive(events, event).json["questions"][0]["answers"] == ["vegaani"]
    visit(events, path, {"answers": {"diet": None}})
    assert sensitive(events, event).json["questions"][0]["answers"] == []
    assert visit(events, path, {"answers": {"size": "many"}}).status_code == 422


def test_staff_change_answers_under_if_match(events: Events) -> None:
    event = events.published(a.webinar(questions=ALL))
    registration = events.registered(event, person=a.person())
    path = f"/v1/registrations/{registration['id']}"
    assert events.client.patch(path, json={"answers": {"bus": True}}).status_code == 428
    changed = events.client.patch(path, json={"answers": {"bus": True}}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json["answers"], changed.json["version"]) == (200, {"bus": True}, 2)


def test_the_list_of_answers_has_names_and_no_sensitive_ones(events: Events) -> None:
    event = events.published(a.webinar(questions=[*ALL, DIET]))
    ask(events, event, diet="vegaani", **GOOD)
    answer = events.client.get(f"/v1/events/{event['id']}/answers.csv")
    [row] = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["family_name"], row["dishes"], row["born"]) == ("Meriläinen", "fish, meat", "1980-02-29")
    assert "diet" not in row


def test_feedback_has_questions_of_its_own_and_the_summary_counts_the_answers(events: Events) -> None:
    event = events.published(
        a.webinar(feedback_questions=[question("useful", "yes_no"), question("dishes", "choices")])
    )
    for number, answers in enumerate(
        ({"useful": True, "dishes": ["fish"]}, {"useful": True, "dishes": ["fish", "meat"]})
    ):
        registration = events.registered(event, person=a.person(number))
        events.turned(registration, "attended")
        path = f"{own_path(events, registration).removeprefix('/public')}/feedback"
        assert visit(events, path, {"score": 5, "answers": {"other": 1}}).status_code == 422
        assert visit(events, path, {"score": 5, "answers": answers}).status_code == 200
        assert events.registration(registration)["feedback"]["answers"] == answers
    summary = events.client.get(f"/v1/events/{event['id']}/summary").json
    assert summary["feedback"] == [
        {"key": "useful", "answers": {"true": 2}},
        {"key": "dishes", "answers": {"fish": 2, "meat": 1}},
    ]
    assert "fish" not in str([message.change for message in events.said(a.REGISTRATIONS)])
