"""Events and enrolment on two databases, with a network between them that loses, repeats and delays messages."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.enrolment.app import SERVICE as ENROLMENT_SERVICE
from services.events.events.store import EVENTS
from services.events.unanswered import refuse_unanswered
from shared.messaging.messages import Message
from shared.mongo.database import Database
from shared.service import Service
from tests.enrolment.conftest import Enrolment
from tests.events import builders as a
from tests.events.conftest import Events, Json
from tests.support import Client, outbox

# Which states of a workshop hold days, and which have used them; all others have neither.
HOLD, USED = ("published",), ("completed",)


class Topic:
    """One topic and its one reader, who may die before they note how far they have read."""

    def __init__(self, db: Database, name: str, hears: Callable[[Message], None], draw: random.Random) -> None:
        self.db, self.name, self.hears, self.draw = db, name, hears, draw
        self.read = 0

    def deliver(self) -> None:
        """Some of the messages that wait. Compaction has left out some that newer ones of their key replace."""
        waiting = outbox(self.db, self.name)[self.read :]
        until = self.draw.randint(0, len(waiting))
        for number, message in enumerate(waiting[:until]):
            replaced = any(later.key == message.key for later in waiting[number + 1 :])
            if not replaced or self.draw.random() < 0.5:
                self.hears(message)
        if self.draw.random() < 0.7:  # otherwise the reader dies first, and hears them again
            self.read += until

    def deliver_all(self) -> bool:
        """Everything that waits; returns whether there was anything."""
        waiting = outbox(self.db, self.name)[self.read :]
        for message in waiting:
            self.hears(message)
        self.read += len(waiting)
        return bool(waiting)


@pytest.fixture
def enrolment(db_for: Callable[[str], Database], client_of: Callable[[Service], Client]) -> Enrolment:
    return Enrolment(db_for("enrolment"), client_of(ENROLMENT_SERVICE))


@pytest.fixture
def member(events: Events, enrolment: Enrolment) -> Json:
    """An active enrolment with three days, of which events has heard."""
    made = enrolment.enrolment("active")
    for topic in (a.ORGANISATIONS, a.SEASONS, a.ENROLMENTS):
        events.hears(enrolment.said(topic))
    return made


def days_of(enrolment: Enrolment, member: Json, event: Json) -> tuple[int, int]:
    """The half days that the account holds for the workshop, and those that the workshop has used."""
    ledger = [entry for entry in enrolment.days(member)["ledger"] if entry["event_id"] == event["id"]]
    sums = {kind: sum(e["half_days"] for e in ledger if e["kind"] == kind) for kind in ("reserved", "released", "used")}
    return sums["reserved"] - sums["released"] - sums["used"], sums["used"]


def grown_old(events: Events, event: Json) -> None:
    past = datetime.now(UTC) - timedelta(days=4)
    events.db[EVENTS.collection].update_one({"_id": event["id"]}, {"$set": {"updated_at": past}})


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_lost_repeated_or_late_days_and_workshops_agree_in_the_end(
    events: Events, enrolment: Enrolment, member: Json, seed: int
) -> None:
    draw = random.Random(seed)
    asks = Topic(events.db, a.EVENTS, enrolment.hears, draw)
    answers = Topic(enrolment.db, a.WORKSHOP_DAYS, events.hears, draw)
    workshops = [events.drafted(a.workshop(member, days=days)) for days in (1.5, 1, 2)]
    for _ in range(14):
        event = draw.choice(workshops)
        what = draw.choice(["published", "published", "cancelled", "completed", "asks", "asks", "answers", "time"])
        if what == "asks":
            asks.deliver()
        elif what == "answers":
            answers.deliver()
        elif what == "time":
            grown_old(events, event)
            refuse_unanswered(events.db)
        elif what != "cancelled" or draw.random() < 0.4:
            path = f"/v1/events/{event['id']}/transitions"
            assert events.client.post(path, json={"to": what}).status_code in (200, 409)
    while asks.deliver_all() | answers.deliver_all():
        pass
    for workshop in workshops:
        event = events.event(workshop)
        assert event["state"] != "awaiting_days"
        half_days = round(event["days"] * 2)
        expected = (half_days * (event["state"] in HOLD), half_days * (event["state"] in USED))
        assert (event["state"], days_of(enrolment, member, event)) == (event["state"], expected)
    granted, reserved, used, available = enrolment.left(member)
    assert (granted - reserved - used, available >= 0) == (available, True)


def test_an_answer_that_comes_after_the_time_out_is_given_back(
    events: Events, enrolment: Enrolment, member: Json
) -> None:
    event = events.published(a.workshop(member))
    for message in events.said(a.EVENTS):
        enrolment.hears(message)
    assert days_of(enrolment, member, event) == (3, 0)
    grown_old(events, event)
    assert refuse_unanswered(events.db)
    assert not refuse_unanswered(events.db)
    for message in enrolment.said(a.WORKSHOP_DAYS):
        events.hears(message)
    refused = events.event(event)
    assert (refused["state"], "no answer" in refused["refusal_reason"]) == ("refused", True)
    for message in events.said(a.EVENTS):
        enrolment.hears(message)
    assert days_of(enrolment, member, event) == (0, 0)
    assert events.moved(refused, "published")["state"] == "awaiting_days"


def test_a_workshop_waits_three_days_for_an_answer(events: Events, member: Json) -> None:
    event: Any = events.published(a.workshop(member))
    assert not refuse_unanswered(events.db)
    assert events.event(event)["state"] == "awaiting_days"
