"""Whatever staff do, in any order: an enrolment takes its table's steps, a ledger is the sum of its entries."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json

STEPS = {
    "inquiry": {"negotiating", "declined"},
    "negotiating": {"enrolled", "declined"},
    "enrolled": {"active", "withdrawn"},
    "active": {"completed", "withdrawn"},
    "completed": set(),
    "declined": {"negotiating"},
    "withdrawn": set(),
}
NEED_A_REASON = {"declined", "withdrawn"}
FEW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def season(enrolment: Enrolment) -> Json:
    return enrolment.season()


def inquiry(enrolment: Enrolment, season: Json) -> Json:
    return enrolment.created("enrolments", a.enrolment(season, enrolment.organisation()))


@FEW
@given(steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans(), st.booleans()), max_size=8))
def test_an_enrolment_takes_the_steps_of_its_table_and_no_others(
    enrolment: Enrolment, season: Json, steps: list[tuple[str, bool, bool]]
) -> None:
    made = inquiry(enrolment, season)
    state, taken = "inquiry", 0
    for to, with_reason, as_manager in steps:
        role = "manager" if as_manager else "coordinator"
        answer = enrolment.move("enrolments", made, to, "So it was agreed." if with_reason else None, role=role)
        if to not in STEPS[state]:
            assert answer.status_code == 409
        elif to in NEED_A_REASON and not with_reason:
            assert answer.status_code == 422
        elif to == "active" and not as_manager:
            assert answer.status_code == 403
        else:
            assert answer.status_code == 200, answer.text
            state, taken = to, taken + 1
    shown = enrolment.shown("enrolments", made)
    assert (shown["state"], shown["version"]) == (state, 1 + taken)


@FEW
@given(
    entries=st.lists(st.integers(-8, 8).filter(bool), max_size=12),
    limit=st.integers(1, 5),
)
def test_a_ledger_is_paged_whole_and_never_overdrawn(
    enrolment: Enrolment, season: Json, entries: list[int], limit: int
) -> None:
    made = inquiry(enrolment, season)
    kept: list[int] = []
    for half_days in entries:
        answer = enrolment.adjust(made, half_days)
        fits = sum(kept) + half_days >= 0
        assert answer.status_code == (201 if fits else 409)
        kept += [half_days] if fits else []
    assert enrolment.left(made) == (sum(kept), 0, 0, sum(kept))
    assert [entry["half_days"] for entry in pages(enrolment, made, limit)] == kept[::-1]


def test_an_account_shows_its_newest_entries_and_its_ledger_all(enrolment: Enrolment) -> None:
    made = inquiry(enrolment, enrolment.season())
    for number in range(53):
        enrolment.adjusted(made, number + 1)
    shown = [entry["half_days"] for entry in enrolment.days(made)["ledger"]]
    assert shown == list(range(4, 54))
    assert [entry["half_days"] for entry in pages(enrolment, made, 20)] == list(range(53, 0, -1))


def pages(enrolment: Enrolment, made: Json, limit: int) -> list[Json]:
    """All entries of the ledger, page by page."""
    path, cursor, seen = f"/v1/enrolments/{made['id']}/workshop-days/ledger?limit={limit}", "", []
    while cursor is not None:
        page: Any = enrolment.client.get(f"{path}&cursor={cursor}" if cursor else path).json
        assert len(page["items"]) <= limit
        seen += page["items"]
        cursor = page["next_cursor"]
    return seen
