"""The rules by themselves."""

from typing import Any

import pytest

from services.enrolment.enrolments.domain import LIFECYCLE, check_settled, check_themes
from services.enrolment.seasons.domain import NotTakingEnrolments, check_takes_enrolments
from services.enrolment.workshop_days.domain import (
    EMPTY,
    Entry,
    Overdrawn,
    available,
    entries_for,
    held_by,
    in_days,
    reason_against,
    sums,
)
from shared.errors import Forbidden, Invalid
from shared.state_machine import IllegalTransition

MANAGER = frozenset({"viewer", "coordinator", "manager"})
SEASON: dict[str, Any] = {"number": 7, "state": "open", "themes": [{"key": "tieto"}]}


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
@pytest.mark.parametrize("to", STEPS)
def test_only_the_tables_steps_are_taken(state: str, to: str) -> None:
    if to in STEPS[state]:
        LIFECYCLE.check(state, to, reason="So it was agreed.", roles=MANAGER)
    else:
        with pytest.raises(IllegalTransition):
            LIFECYCLE.check(state, to, reason="So it was agreed.", roles=MANAGER)


def test_a_word_that_is_no_state_is_invalid() -> None:
    with pytest.raises(Invalid):
        LIFECYCLE.check("inquiry", "archived")


def test_a_step_asks_for_its_role_and_its_reason() -> None:
    with pytest.raises(Forbidden):
        LIFECYCLE.check("enrolled", "active", roles={"viewer", "coordinator"})
    for state, to in (("enrolled", "withdrawn"), ("active", "withdrawn"), ("inquiry", "declined")):
        for reason in (None, ""):
            with pytest.raises(Invalid):
                LIFECYCLE.check(state, to, reason=reason, roles=MANAGER)
    LIFECYCLE.check("enrolled", "active", roles=MANAGER)


def test_season_and_organisation_are_settled() -> None:
    enrolment = {"season_id": "s", "organisation_id": "o"}
    check_settled(enrolment, dict(enrolment))
    with pytest.raises(Invalid) as refusal:
        check_settled(enrolment, {"season_id": "t", "organisation_id": "p"})
    assert sorted(refusal.value.errors) == ["organisation_id", "season_id"]


def test_themes_are_the_seasons() -> None:
    check_themes(["tieto"], SEASON)
    with pytest.raises(Invalid) as refusal:
        check_themes(["tieto", "talous"], SEASON)
    assert list(refusal.value.errors) == ["themes.1"]
    check_themes(["talous"], SEASON, had=["talous"])


@pytest.mark.parametrize("state", ["draft", "closed"])
def test_a_season_takes_enrolments_while_it_is_open_or_running(state: str) -> None:
    check_takes_enrolments(SEASON)
    with pytest.raises(NotTakingEnrolments):
        check_takes_enrolments(SEASON | {"state": state})


def account(*entries: Entry) -> dict[str, Any]:
    """The account after these entries."""
    made: dict[str, Any] = dict(EMPTY)
    for entry in entries:
        made = {**sums(made, entry), "ledger": [*made["ledger"], vars(entry)]}
    return made


def granted(half_days: int) -> Entry:
    return Entry(kind="adjusted", half_days=half_days)


def of_event(kind: str, half_days: int, version: int = 2) -> Entry:
    return Entry(kind=kind, half_days=half_days, event_id="e", event_version=version)


def event(state: str, **changes: Any) -> dict[str, Any]:
    return {"_id": "e", "sequence": 2, "state": state, "days": 1.5} | changes


def test_half_days_move_between_the_sums() -> None:
    after = account(granted(6), of_event("reserved", 3), of_event("used", 3), granted(-2))
    assert {name: after[name] for name in ("granted", "reserved", "used")} == {"granted": 4, "reserved": 0, "used": 3}
    assert available(after) == 1


def test_nothing_can_be_taken_that_is_not_free() -> None:
    with pytest.raises(Overdrawn) as refusal:
        sums(account(granted(6), of_event("reserved", 5)), granted(-2))
    assert refusal.value.detail == "1 days cannot be taken away: 0.5 days of 3 days are free."


def test_an_event_holds_what_it_has_neither_used_nor_given_back() -> None:
    assert held_by(account(granted(6), of_event("reserved", 3)), "e") == 3
    assert held_by(account(granted(6), of_event("reserved", 3), of_event("released", 3)), "e") == 0
    assert held_by(account(granted(6), of_event("reserved", 3), of_event("used", 3)), "e") == 0
    assert held_by(account(granted(6), of_event("refused", 9)), "e") == 0
    assert held_by(account(granted(6), of_event("reserved", 3)), "other") == 0


@pytest.mark.parametrize(
    ("state", "ledger", "kinds"),
    [
        ("awaiting_days", [], ["reserved"]),
        ("awaiting_days", [of_event("reserved", 3)], []),
        ("awaiting_days", [of_event("refused", 3)], []),
        ("awaiting_days", [of_event("refused", 3, version=1)], ["reserved"]),
        ("cancelled", [], []),
        ("cancelled", [of_event("reserved", 3)], ["released"]),
        ("cancelled", [of_event("reserved", 3), of_event("released", 3)], []),
        ("refused", [of_event("reserved", 3)], ["released"]),
        ("completed", [of_event("reserved", 3)], ["used"]),
        ("completed", [], []),
        ("published", [of_event("reserved", 3)], []),
    ],
)
def test_what_a_workshop_calls_for(state: str, ledger: list[Entry], kinds: list[str]) -> None:
    entries = list(entries_for(account(granted(6), *ledger), event(state), enrolment_state="active"))
    assert [entry.kind for entry in entries] == kinds
    assert all((entry.half_days, entry.event_id, entry.event_version) == (3, "e", 2) for entry in entries)


def test_days_are_for_active_enrolments_and_as_many_as_are_free() -> None:
    mine = account(granted(6))
    assert reason_against(mine, 6, enrolment_state="active") is None
    assert reason_against(mine, 7, enrolment_state="active") == (
        "3.5 days are asked for, but 3 days of 3 days are free."
    )
    assert "withdrawn" in (reason_against(mine, 1, enrolment_state="withdrawn") or "")


def test_half_days_are_said_in_days() -> None:
    assert [in_days(number) for number in (0, 1, 6)] == ["0 days", "0.5 days", "3 days"]
