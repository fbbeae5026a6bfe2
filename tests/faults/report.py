"""A trial's result, as a table for people and as JSON for everything else."""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.trial import Result

LOST, DOUBLED, DISORDERED = "(lost)", "(doubled)", "(out of order)"


def as_json(result: Result) -> dict[str, Any]:
    """Everything that is worth keeping of a trial."""
    calls = Counter(call.outcome for call in result.observed.calls)
    return {
        "seed": result.seed,
        "holds": result.holds,
        "lost": _broken(result, LOST),
        "doubled": _broken(result, DOUBLED),
        "out_of_order": _broken(result, DISORDERED),
        "calls": dict(calls),
        "answers": {str(status): count for status, count in sorted(result.observed.statuses.items())},
        "repeated_requests": sum(call.requests - 1 for call in result.observed.calls),
        "messages": len(result.observed.own_records),
        "foreign_records": len(result.observed.records) - len(result.observed.own_records),
        "mails": len(result.observed.mails),
        "mails_again": len(result.observed.mails) - len({mail.message_id for mail in result.observed.mails}),
        "drained_after_seconds": round(result.drained_after, 1),
        "unsettled": result.unsettled,
        "faults": result.faults,
        "invariants": [
            {
                "name": verdict.name,
                "examined": verdict.examined,
                "broken": len(verdict.broken),
                "first": list(verdict.broken[:5]),
            }
            for verdict in result.verdicts
        ],
        "story": result.story,
        **result.more,
    }


def show(result: Result, console: Console) -> None:
    """Prints the result."""
    facts = as_json(result)
    faults = Table("fault", "times", title=f"Seed {result.seed}")
    for name, times in result.faults.items():
        faults.add_row(name, str(times))
    console.print(faults)
    invariants = Table("invariant", "examined", "broken")
    for verdict in result.verdicts:
        invariants.add_row(
            verdict.name, str(verdict.examined), str(len(verdict.broken)), style="" if not verdict.broken else "red"
        )
    console.print(invariants)
    for verdict in result.verdicts:
        for sentence in verdict.broken[:5]:
            console.print(f"  {verdict.name}: {sentence}", style="red", highlight=False)
    calls = ", ".join(f"{count} {outcome}" for outcome, count in facts["calls"].items())
    console.print(
        f"{len(result.observed.calls)} calls ({calls}), {facts['messages']} messages, {facts['mails']} mails "
        f"({facts['mails_again']} again), at rest {facts['drained_after_seconds']} s after the last fault."
    )
    console.print(
        f"lost {facts['lost']}, doubled {facts['doubled']}, out of order {facts['out_of_order']}"
        + (f"; not at rest: {result.unsettled}" if result.unsettled else ""),
        style="bold green" if result.holds else "bold red",
    )


def _broken(result: Result, mark: str) -> int:
    return sum(len(verdict.broken) for verdict in result.verdicts if verdict.name.endswith(mark))
