"""What the clients were told against what was done, by the request id in the history of every change."""

from collections import Counter
from collections.abc import Iterable

from tests.faults.checker.invariants import Verdict, verdict
from tests.faults.observed import Observed


def acknowledged(observed: Observed) -> Iterable[Verdict]:
    """Done is done once, refused is not done, and nothing stays unknown."""
    changes: Counter[tuple[str, str, str]] = Counter()
    for service in observed.databases:
        for entry in observed.collection(service, "journal"):
            if "of" in entry and entry["causation_id"] is None:
                changes[service, entry["correlation_id"], entry["type"]] += 1
    by_outcome: dict[str, list[tuple[str, int]]] = {"done": [], "refused": [], "unknown": []}
    for call in observed.calls:
        # To check somebody in again, or to cancel twice with the same answer, changes nothing.
        times = changes[call.service, call.id, call.tells]
        by_outcome[call.outcome].append((f"{call.method} {call.path} ({call.status}) {call.id}: {times}", times))
    yield verdict(
        "an acknowledged write is there, once",
        ((times == 1, f"{said} times in the history") for said, times in by_outcome["done"]),
    )
    yield verdict(
        "a refused write is not there",
        ((times == 0, f"{said} times in the history") for said, times in by_outcome["refused"]),
    )
    yield verdict("every call's outcome is known in the end", ((False, said) for said, _ in by_outcome["unknown"]))
    answers = sum(observed.statuses.values())
    wrong = sum(count for status, count in observed.statuses.items() if status >= 500 and status != 503)
    yield Verdict(
        name="no answer is a 5xx other than 503",
        examined=answers,
        broken=[f"{wrong} of {answers} answers: {dict(observed.statuses)}"] if wrong else [],
    )
