"""The checker: pure functions from what was observed to verdicts, one for each invariant."""

from tests.faults.checker.acknowledged import acknowledged
from tests.faults.checker.announcements import announcements, reminders, webhooks
from tests.faults.checker.effects import half_days, one_of_each, seats
from tests.faults.checker.invariants import Invariant, Verdict
from tests.faults.checker.log import log
from tests.faults.checker.mail import deliveries, mails
from tests.faults.checker.projections import dead_letters, projections
from tests.faults.observed import Observed

INVARIANTS: tuple[Invariant, ...] = (
    acknowledged, log, projections, dead_letters, seats, half_days, one_of_each, deliveries, mails,
    announcements, reminders, webhooks,
)  # fmt: skip


def check(observed: Observed) -> list[Verdict]:
    """Every invariant's verdict, in the order in which data flows."""
    return [verdict for invariant in INVARIANTS for verdict in invariant(observed)]


__all__ = ["Verdict", "check"]
