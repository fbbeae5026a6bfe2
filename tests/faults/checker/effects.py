"""Effects are the fold of the log: seats, places in line, half days, and what there may be one of."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.faults.checker.invariants import Verdict, verdict
from tests.faults.observed import Document, Observed

REGISTRATIONS = "uso.events.registrations.v1"
EVENTS = "uso.events.events.v1"
SEATED = ("confirmed", "offered", "attended", "absent")


def seats(observed: Observed) -> Iterable[Verdict]:
    """Seats and places in line, from the last record of each registration."""
    of_event: dict[str, list[Document]] = defaultdict(list)
    for record in observed.last(REGISTRATIONS).values():
        of_event[record.state["event_id"]].append(record.state)
    events = {key: record.state for key, record in observed.last(EVENTS).items()}
    taken = {event: sum(registration["state"] in SEATED for registration in found) for event, found in of_event.items()}
    waiting = {
        event: sum(registration["state"] == "waitlisted" for registration in found) for event, found in of_event.items()
    }
    limited = {event: state["capacity"] for event, state in events.items() if state.get("capacity") is not None}
    at_the_door = _let_in_at_the_door(observed)
    yield verdict(
        "no event has more seats taken than there are",
        (
            (
                taken.get(event, 0) - at_the_door[event] <= most,
                f"{event}: {taken.get(event, 0)} of {most}, {at_the_door[event]} let in at the door",
            )
            for event, most in limited.items()
        ),
    )
    yield verdict(
        "seats taken and people waiting are what the log says",
        (
            (
                (row["taken"], row["waiting"]) == (taken.get(row["_id"], 0), waiting.get(row["_id"], 0)),
                f"{row['_id']}: {row['taken']} and {row['waiting']}, the log says "
                f"{taken.get(row['_id'], 0)} and {waiting.get(row['_id'], 0)}",
            )
            for row in observed.collection("events", "seats")
        ),
    )
    yield verdict(
        "no seat is free while somebody waits",
        (
            (taken.get(event, 0) >= most or not waiting.get(event), f"{event}: {waiting.get(event)} wait")
            for event, most in limited.items()
            if events[event]["state"] == "published"
        ),
    )
    yield verdict(
        "nobody was let in before one who had waited longer",
        (
            (max(_promoted(observed, event), default=0) < min(_numbers(found, "waitlisted"), default=2**60), event)
            for event, found in of_event.items()
        ),
    )
    yield verdict(
        "the line of each event is 1, 2, 3 …",
        ((line == list(range(1, len(line) + 1)), f"{event}: {line}") for event, line in observed.lines.items()),
    )
    numbers = Counter(
        (event, registration["queue_number"]) for event, found in of_event.items() for registration in found
    )
    yield verdict("no two have the same number", ((count == 1, f"{place}") for place, count in numbers.items()))
    people = Counter(
        (event, registration["contact_id"])
        for event, found in of_event.items()
        for registration in found
        if registration["state"] != "cancelled"
    )
    yield verdict("nobody is registered twice", ((count == 1, f"{person}") for person, count in people.items()))


def half_days(observed: Observed) -> Iterable[Verdict]:
    """Workshop days: sums of the ledger, what each workshop holds, never overdrawn."""
    events = {event["_id"]: event for event in observed.collection("events", "events") if event["kind"] == "workshop"}
    held: Counter[str] = Counter()
    used: Counter[str] = Counter()
    answers: Counter[tuple[str, int]] = Counter()
    sums, overdrawn = [], []
    for account in observed.collection("enrolment", "workshop_days"):
        totals: Counter[str] = Counter()
        for entry in account["ledger"]:
            kind, half, event = entry["kind"], entry["half_days"], entry["event_id"]
            totals[kind] += half
            if event:
                held[event] += {"reserved": half, "released": -half, "used": -half}.get(kind, 0)
                used[event] += half if kind == "used" else 0
                if kind in ("reserved", "refused"):
                    answers[event, entry["event_version"]] += 1
        reserved = totals["reserved"] - totals["released"] - totals["used"]
        wanted = (totals["adjusted"], reserved, totals["used"])
        sums.append(((account["granted"], account["reserved"], account["used"]) == wanted, account["_id"]))
        overdrawn.append((account["granted"] >= account["reserved"] + account["used"], account["_id"]))
    yield verdict("an account of workshop days is the sum of its ledger", sums)
    yield verdict("no account of workshop days is overdrawn", overdrawn)
    yield verdict(
        "a workshop holds the days that its state calls for",
        (
            (
                (held[identifier], used[identifier]) == _called_for(event),
                f"{identifier} {event['state']}: {held[identifier]} held, {used[identifier]} used",
            )
            for identifier, event in events.items()
        ),
    )
    yield verdict(
        "a workshop's request has one answer", ((n == 1, f"{request}: {n}") for request, n in answers.items())
    )


def one_of_each(observed: Observed) -> Iterable[Verdict]:
    """One enrolment an organisation and season."""
    pairs = Counter(
        (enrolment["organisation_id"], enrolment["season_id"])
        for enrolment in observed.collection("enrolment", "enrolments")
    )
    yield verdict("an organisation is in a season once", ((count == 1, f"{pair}") for pair, count in pairs.items()))


def _called_for(event: Document) -> tuple[int, int] | None:
    """Half days held and used; None in a state that nothing stays in."""
    half = round(event["days"] * 2)
    return {
        "draft": (0, 0), "refused": (0, 0), "cancelled": (0, 0), "published": (half, 0), "completed": (0, half),
    }.get(event["state"])  # fmt: skip


def _let_in_at_the_door(observed: Observed) -> Counter[str]:
    """How many came in from each event's waiting list by checking in: staff may let them in where no seat is left."""
    came_in = {
        record.key
        for record in observed.messages(REGISTRATIONS, "registration.transitioned")
        if (record.change.get("from"), record.change.get("to")) == ("waitlisted", "attended")
    }
    last = observed.last(REGISTRATIONS)
    return Counter(last[key].state["event_id"] for key in came_in if last[key].state["state"] in SEATED)


def _promoted(observed: Observed, event: str) -> list[int]:
    found = observed.messages(REGISTRATIONS, "registration.promoted")
    return [registration.state["queue_number"] for registration in found if registration.state["event_id"] == event]


def _numbers(registrations: list[Document], state: str) -> list[int]:
    return [registration["queue_number"] for registration in registrations if registration["state"] == state]
