"""Workshop days: granted with the season's package, moved by hand and by what events says of workshops."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json


@pytest.fixture
def active(enrolment: Enrolment) -> Json:
    """An active enrolment with a package of three days."""
    return enrolment.enrolment("active")


def kinds(enrolment: Enrolment, of: Json) -> list[str]:
    return [entry["kind"] for entry in enrolment.days(of)["ledger"]]


def test_the_package_is_granted_with_the_step_to_active(enrolment: Enrolment) -> None:
    season = enrolment.season(package={"workshop_days": 2.5})
    made = enrolment.enrolment("enrolled", season=season)
    assert enrolment.left(made) == (0, 0, 0, 0)
    enrolment.moved("enrolments", made, "active")
    days = enrolment.days(made)
    assert (days["id"], days["enrolment_id"], days["granted"], days["available"]) == (made["id"], made["id"], 5, 5)
    [entry] = days["ledger"]
    assert (entry["kind"], entry["half_days"], entry["by"]) == ("adjusted", 5, "test-manager")
    assert "season 7" in entry["reason"]
    told = enrolment.said(a.WORKSHOP_DAYS)[-1]
    assert (told.type, told.key, told.state) == ("workshop_days.adjusted", made["id"], days)


def test_an_empty_package_grants_nothing(enrolment: Enrolment) -> None:
    made = enrolment.enrolment("active", season=enrolment.season(package={"workshop_days": 0}))
    assert (enrolment.left(made), kinds(enrolment, made)) == ((0, 0, 0, 0), [])


def test_an_adjustment_says_how_much_and_why(enrolment: Enrolment, active: Json) -> None:
    answer = enrolment.adjust(active, 3, "Hallitus lisäsi.")
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"3"')
    assert answer.json == enrolment.days(active)
    entry = answer.json["ledger"][-1]
    assert (entry["half_days"], entry["reason"], entry["by"]) == (3, "Hallitus lisäsi.", "test-coordinator")
    assert enrolment.adjusted(active, -9)["available"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"half_days": 0, "reason": "x"},
        {"half_days": 1.5, "reason": "x"},
        {"half_days": 1001, "reason": "x"},
        {"half_days": 1},
        {"half_days": 1, "reason": " "},
        {"days": 1, "reason": "x"},
    ],
)
def test_an_adjustment_that_says_nothing_is_refused(enrolment: Enrolment, active: Json, body: Json) -> None:
    path = f"/v1/enrolments/{active['id']}/workshop-days/adjustments"
    assert enrolment.client.post(path, json=body).status_code == 422
    assert enrolment.left(active) == (6, 0, 0, 6)


def test_what_is_reserved_or_used_cannot_be_taken_away(enrolment: Enrolment, active: Json) -> None:
    one, other = a.workshop(active, days=1), a.workshop(active, days=1)
    enrolment.hears(a.told(one), a.told(other), a.told(a.then(other, "completed")))
    assert enrolment.left(active) == (6, 2, 2, 2)
    answer = enrolment.adjust(active, -3)
    assert (answer.status_code, "1.5 days" in answer.json["detail"]) == (409, True)
    assert enrolment.adjusted(active, -2)["available"] == 0


def test_a_workshop_that_waits_gets_its_days(enrolment: Enrolment, active: Json) -> None:
    workshop = a.workshop(active, days=1.5)
    enrolment.hears(a.told(workshop, actor="kaisa"))
    assert enrolment.left(active) == (6, 3, 0, 3)
    told = enrolment.said(a.WORKSHOP_DAYS)[-1]
    assert (told.type, told.actor, told.state) == ("workshop_days.reserved", "kaisa", enrolment.days(active))
    assert {name: told.change[name] for name in ("half_days", "event_id")} == {
        "half_days": 3,
        "event_id": workshop["id"],
    }
    entry = enrolment.days(active)["ledger"][-1]
    assert (entry["event_id"], entry["event_version"], entry["reason"]) == (workshop["id"], 2, None)


def test_a_workshop_that_asks_for_too_much_hears_how_much_is_left(enrolment: Enrolment, active: Json) -> None:
    enrolment.hears(a.told(a.workshop(active, days=2)), a.told(a.workshop(active, days=1.5)))
    assert enrolment.left(active) == (6, 4, 0, 2)
    told = enrolment.said(a.WORKSHOP_DAYS)[-1]
    assert (told.type, told.change["half_days"]) == ("workshop_days.refused", 3)
    assert told.change["reason"] == "1.5 days are asked for, but 1 days of 3 days are free."
    assert enrolment.days(active)["ledger"][-1]["reason"] == told.change["reason"]


@pytest.mark.parametrize("state", ["inquiry", "enrolled", "completed", "withdrawn"])
def test_only_active_enrolments_have_workshops(enrolment: Enrolment, state: str) -> None:
    made = enrolment.enrolment(state)
    enrolment.adjusted(made, 20)
    enrolment.hears(a.told(a.workshop(made)))
    entry = enrolment.days(made)["ledger"][-1]
    assert (entry["kind"], state in entry["reason"]) == ("refused", True)
    assert enrolment.days(made)["reserved"] == 0


def test_cancelling_gives_back_and_completing_uses(enrolment: Enrolment, active: Json) -> None:
    one, other = a.workshop(active, days=1), a.workshop(active, days=1.5)
    enrolment.hears(a.told(one), a.told(other))
    one, other = a.then(one, "published"), a.then(other, "published")
    enrolment.hears(a.told(one), a.told(other))
    assert enrolment.left(active) == (6, 5, 0, 1)
    enrolment.hears(a.told(a.then(one, "cancelled")))
    assert enrolment.left(active) == (6, 3, 0, 3)
    enrolment.hears(a.told(a.then(other, "completed")))
    assert enrolment.left(active) == (6, 0, 3, 3)
    assert kinds(enrolment, active) == ["adjusted", "reserved", "reserved", "released", "used"]


def test_a_message_that_comes_again_has_no_effect(enrolment: Enrolment, active: Json) -> None:
    workshop = a.workshop(active)
    asked, cancelled = a.told(workshop), a.told(a.then(workshop, "cancelled"))
    enrolment.hears(asked, asked, [asked, asked], a.told(workshop))
    assert kinds(enrolment, active) == ["adjusted", "reserved"]
    enrolment.hears(cancelled, cancelled, asked, a.told(workshop), a.told(a.then(workshop, "cancelled")))
    assert kinds(enrolment, active) == ["adjusted", "reserved", "released"]


def test_an_old_message_after_a_newer_one_has_no_effect(enrolment: Enrolment, active: Json) -> None:
    workshop = a.workshop(active)
    cancelled = a.then(workshop, "cancelled")
    enrolment.hears(a.told(cancelled), a.told(workshop))
    assert kinds(enrolment, active) == ["adjusted"]
    other = a.workshop(active)
    completed = a.then(a.then(other, "published"), "completed")
    enrolment.hears(a.told(other), a.told(completed), a.told(a.then(other, "published")), a.told(other))
    assert kinds(enrolment, active) == ["adjusted", "reserved", "used"]


def test_a_workshop_cancelled_while_it_waited_never_gets_days(enrolment: Enrolment, active: Json) -> None:
    workshop = a.workshop(active)
    enrolment.hears([a.told(workshop), a.told(a.then(workshop, "cancelled"))])
    assert kinds(enrolment, active) == ["adjusted"]


def test_a_workshop_cancelled_just_after_its_days_came_gives_them_back(enrolment: Enrolment, active: Json) -> None:
    workshop = a.workshop(active)
    enrolment.hears(a.told(workshop), a.told(a.then(workshop, "cancelled")))
    assert kinds(enrolment, active) == ["adjusted", "reserved", "released"]
    assert enrolment.left(active) == (6, 0, 0, 6)


def test_a_workshop_asks_again_after_a_refusal_and_gets_a_new_answer(enrolment: Enrolment, active: Json) -> None:
    asked = a.workshop(active, days=10)
    refused = a.then(asked, "refused")
    again = a.then(refused, "awaiting_days", days=3, version=5)
    enrolment.hears(a.told(asked), a.told(refused), a.told(again), a.told(asked))
    assert kinds(enrolment, active) == ["adjusted", "refused", "reserved"]
    assert [entry["event_version"] for entry in enrolment.days(active)["ledger"]] == [None, 2, 5]
    assert enrolment.left(active) == (6, 6, 0, 0)


def test_other_events_and_drafts_need_no_days(enrolment: Enrolment, active: Json) -> None:
    webinar = a.workshop(active, kind="webinar", state="published", enrolment_id=None, days=None)
    enrolment.hears(a.told(webinar), a.told(a.then(webinar, "completed")), a.told(a.workshop(active, "draft")))
    enrolment.hears(a.told(a.workshop(active, "cancelled")))
    assert kinds(enrolment, active) == ["adjusted"]


def test_sixteen_who_take_at_once_never_overdraw(
    enrolment: Enrolment, active: Json, all_at_once: Callable[[Any], list[Any]]
) -> None:
    """Eight adjustments of one day and eight workshops of one day want three days."""
    workshops = [a.told(a.workshop(active, days=1)) for _ in range(8)]
    answers = all_at_once(
        [lambda: enrolment.adjust(active, -2)] * 8
        + [lambda workshop=workshop: enrolment.hears(workshop) for workshop in workshops]
    )
    taken = [answer.status_code for answer in answers if answer is not None]
    granted, reserved, used, available = enrolment.left(active)
    assert (available, used) == (0, 0)
    assert granted == 6 - 2 * taken.count(201)
    assert taken.count(201) + reserved // 2 == 3
    assert set(taken) <= {201, 409}
    assert kinds(enrolment, active).count("reserved") + kinds(enrolment, active).count("refused") == 8


def test_a_ledger_of_any_length_is_paged_and_its_account_stays_small(enrolment: Enrolment) -> None:
    active = enrolment.enrolment("active")
    before = len(enrolment.days(active)["ledger"])
    path = f"/v1/enrolments/{active['id']}/workshop-days"
    for number in range(60):
        body = {"half_days": 1 if number % 2 == 0 else -1, "reason": f"Number {number}"}
        assert enrolment.client.post(f"{path}/adjustments", json=body).status_code == 201
    account = enrolment.days(active)
    assert len(account["ledger"]) == 50
    assert account["ledger"][-1]["reason"] == "Number 59"
    entries, cursor = [], None
    while True:
        asked = {"limit": 25, **({"cursor": cursor} if cursor else {})}
        answer = enrolment.client.get(f"{path}/ledger", query_string=asked)
        entries += answer.json["items"]
        if (cursor := answer.json["next_cursor"]) is None:
            break
    assert len(entries) == before + 60
    assert [entry["reason"] for entry in entries[:2]] == ["Number 59", "Number 58"]
    assert sum(entry["half_days"] for entry in entries if entry["kind"] == "adjusted") == account["granted"]
