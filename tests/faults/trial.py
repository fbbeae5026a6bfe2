"""One trial: a workload, faults meanwhile; then heal, drain, look at everything, and judge."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

from deploy.local.stack import Stack
from tests.faults.announcements import AnnouncingStaff, Receiver
from tests.faults.calls import Caller
from tests.faults.checker import Verdict, check
from tests.faults.gather import Place
from tests.faults.large_event import LargeEventStaff
from tests.faults.nemesis import Nemesis
from tests.faults.observed import Observed
from tests.faults.workload import AtWork, Staff, Worker, Writer, prepare

DRAIN_SECONDS = 150.0


@dataclass(kw_only=True)
class Result:
    """What was done, what was found, and how long it took to come to rest."""

    seed: int
    faults: dict[str, int]
    story: list[str]
    observed: Observed
    verdicts: Sequence[Verdict]
    drained_after: float
    unsettled: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return not self.unsettled and all(not verdict.broken for verdict in self.verdicts)


def run_trial(
    stack: Stack,
    *,
    seed: int,
    faults: Callable[[Nemesis], None],
    writers: int = 8,
    pause: float = 0.15,
    large_event: int = 0,
    announcements: int = 0,
    most_calls: int = 50_000,
    drain_seconds: float = DRAIN_SECONDS,
) -> Result:
    """Runs `faults` while the writers are at work.

    `large_event` is the size of another one's events, and `announcements` the number of people whom a third one writes
    to; 0 for none.

    Raises only when the trial itself went wrong.
    """
    caller = Caller(stack.info)
    shared = prepare(Staff(caller, random.Random(f"{seed}/prepare"), "p"))
    nemesis = Nemesis(stack, seed=seed)
    workers: list[Worker] = [
        Writer(caller, random.Random(f"{seed}/{number}"), f"w{number}", shared, pause=pause)
        for number in range(writers)
    ]
    if large_event:
        staff = LargeEventStaff(caller, random.Random(f"{seed}/large"), size=large_event)
        staff.invite_people()
        workers.append(staff)
    receiver = Receiver(random.Random(f"{seed}/receiver"))
    if announcements:
        writer = AnnouncingStaff(caller, random.Random(f"{seed}/news"), size=announcements, receiver=receiver)
        writer.invite_people()
        workers.append(writer)
    at_work = AtWork(caller, workers, most=most_calls)
    try:
        faults(nemesis)
    finally:
        at_work.finish()
        nemesis.heal()
    caller.until_known(seconds=60)
    healed = time.monotonic()
    place = Place(stack.info)
    try:
        unsettled = _drain(place, drain_seconds)
        drained_after = time.monotonic() - healed
        seen = _patiently(lambda: place.observe(caller, stack.directory / "logs"))
        observed = replace(seen, called=list(receiver.called))
    finally:
        place.close()
        receiver.close()
    return Result(
        seed=seed,
        faults=dict(sorted(nemesis.done.items())),
        story=nemesis.story,
        observed=observed,
        verdicts=check(observed),
        drained_after=drained_after,
        unsettled=unsettled,
    )


def _patiently(look: Callable[[], Observed]) -> Observed:
    """A look that Kafka's or MongoDB's own recovery may disturb."""
    for _ in range(4):
        try:
            return look()
        except (KafkaError, PyMongoError):
            time.sleep(10)
    return look()


def _drain(place: Place, seconds: float) -> str:
    """Waits until nothing is on its way any more; says what still is at the end of the time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            unsettled = place.unsettled()
        except (KafkaError, PyMongoError) as error:
            unsettled = f"not to be read: {type(error).__name__}"
        if not unsettled or time.monotonic() > deadline:
            return unsettled
        time.sleep(0.5)
