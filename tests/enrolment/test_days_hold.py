"""Whatever staff and events do in whatever order: the days hold, and the sums are those of the ledger."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.enrolment.workshop_days.domain import EFFECTS
from shared.messaging.messages import Message
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json

WORKSHOPS = 4
# What events lets a workshop become; `asks` stands for a draft or a refused one that is published.
NEXT = {
    "draft": ["awaiting_days", "cancelled"],
    "awaiting_days": ["published", "refused", "cancelled"],
    "refused": ["awaiting_days", "cancelled"],
    "published": ["completed", "cancelled"],
    "completed": [],
    "cancelled": [],
}
steps = st.lists(
    st.one_of(
        st.tuples(st.just("adjust"), st.integers(-8, 8).filter(bool)),
        st.tuples(st.just("move"), st.integers(0, WORKSHOPS - 1), st.integers(0, 2), st.sampled_from([0.5, 1, 2.5])),
        st.tuples(st.just("hear"), st.lists(st.integers(0, 40), min_size=1, max_size=4)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=steps)
def test_in_any_story_the_days_hold(enrolment: Enrolment, story: list[Any]) -> None:
    seasons = enrolment.client.get("/v1/seasons").json["items"]
    active = enrolment.enrolment("active", season=seasons[0] if seasons else enrolment.season())
    workshops = [a.workshop(active, "draft", version=1) for _ in range(WORKSHOPS)]
    said: list[Message] = []
    for what, *how in story:
        if what == "adjust":
            assert enrolment.adjust(active, how[0]).status_code in (201, 409)
        elif what == "move":
            number, choice, days = how
            workshops[number] = moved(enrolment.days(active), workshops[number], choice, days)
            said.append(a.told(workshops[number]))
        elif said:  # messages arrive in any order, late and again
            enrolment.hears([said[position % len(said)] for position in how[0]])
        check(enrolment.days(active))
    enrolment.hears(*said)
    settled(enrolment.days(active), workshops, story)


def moved(account: Json, workshop: Json, choice: int, days: float) -> Json:
    """The workshop a step on, as events would take it: to published or refused with enrolment's answer only."""
    answers = {
        "published" if entry["kind"] == "reserved" else "refused"
        for entry in account["ledger"]
        if entry["event_id"] == workshop["id"] and entry["event_version"] == workshop["version"]
    }
    possible = [
        state
        for state in NEXT[workshop["state"]]
        if workshop["state"] != "awaiting_days" or state in {*answers, "cancelled"}
    ]
    if not possible:
        return workshop
    state = possible[choice % len(possible)]
    return a.then(workshop, state, **({"days": days} if state == "awaiting_days" else {}))


def check(account: Json) -> None:
    """The promises, after each step."""
    folded = {"granted": 0, "reserved": 0, "used": 0}
    for entry in account["ledger"]:
        for name, effect in EFFECTS[entry["kind"]].items():
            folded[name] += effect * entry["half_days"]
        assert min(folded.values()) >= 0
        assert folded["granted"] - folded["reserved"] - folded["used"] >= 0, "overdrawn in between"
    assert {name: account[name] for name in folded} == folded
    assert account["available"] == folded["granted"] - folded["reserved"] - folded["used"]


def settled(account: Json, workshops: list[Json], story: list[Any]) -> None:
    """Once every message has come: each workshop holds, has used or has given back what its state says."""
    check(account)
    for workshop in workshops:
        mine = [entry for entry in account["ledger"] if entry["event_id"] == workshop["id"]]
        held = sum(EFFECTS[entry["kind"]].get("reserved", 0) * entry["half_days"] for entry in mine)
        used = sum(EFFECTS[entry["kind"]].get("used", 0) * entry["half_days"] for entry in mine)
        answered = [entry["kind"] for entry in mine if entry["event_version"] == workshop["version"]]
        half_days = round(workshop["days"] * 2)
        match workshop["state"]:
            case "published":
                assert (held, used) == (half_days, 0)
            case "completed":
                assert (held, used) == (0, half_days)
            case "awaiting_days":
                assert (held, used, answered) in ((half_days, 0, ["reserved"]), (0, 0, ["refused"]))
            case _:
                assert (held, used) == (0, 0)
