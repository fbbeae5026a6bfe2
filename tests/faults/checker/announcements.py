"""Announcements and reminders: one for each recipient. Webhooks: each message at least once, each key in its order."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.faults.checker.effects import EVENTS
from tests.faults.checker.invariants import Verdict, verdict
from tests.faults.checker.mail import CONTACTS
from tests.faults.observed import Observed

LEAD = timedelta(hours=1)
# Workers that were away at the due moment remind when they are back: a trial's drain is longer.
MARGIN = timedelta(minutes=2)
ANNOUNCEMENTS = "uso.notifications.announcements.v1"


def announcements(observed: Observed) -> Iterable[Verdict]:
    """The people of each announcement's organisations against its deliveries."""
    made = Counter(
        (delivery["announcement_id"], delivery["contact_id"])
        for delivery in observed.collection("notifications", "deliveries")
        if delivery.get("announcement_id")
    )
    yield verdict(
        "nobody got an announcement twice", ((count == 1, f"{pair}: {count}") for pair, count in made.items())
    )
    living = {key: record.state["organisation_id"] for key, record in observed.last(CONTACTS).items()}
    sent = [row for row in observed.collection("notifications", "announcements") if row["state"] == "sent"]
    yield verdict(
        "everybody of its segment got a sent announcement",
        (
            (made[row["_id"], contact] == 1, f"{row['_id']}: {contact}")
            for row in sent
            for contact, organisation in living.items()
            if organisation in row["segment"]["organisation_ids"]
        ),
    )


def reminders(observed: Observed) -> Iterable[Verdict]:
    """The events that remind an hour before their start against the reminders."""
    found = [row for row in observed.collection("notifications", "deliveries") if row["template"] == "event_reminder"]
    made = Counter((row["registration_id"], row["personalisation"].get("starts_at")) for row in found)
    yield verdict("nobody was reminded twice", ((count == 1, f"{key}: {count}") for key, count in made.items()))
    reminded = {mark["_id"].partition(":")[0] for mark in observed.collection("notifications", "reminded")}
    last = max((record.message.get("time", "") for record in observed.own_records), default="")
    yield verdict(
        "every event whose reminder was due has reminded",
        (
            (event["_id"] in reminded, event["_id"])
            for event in observed.collection("notifications", "events")
            if event.get("reminders") == ["PT1H"]
            and event["state"] == "published"
            and last
            and event["starts_at"] - LEAD + MARGIN < datetime.fromisoformat(last)
        ),
    )


def webhooks(observed: Observed) -> Iterable[Verdict]:
    """What a webhook's endpoint has taken against the messages that it wants."""
    if not observed.collection("notifications", "webhooks"):
        return
    taken = {called.message_id for called in observed.called}
    since = min(row["created_at"] for row in observed.collection("notifications", "webhooks"))
    wanted = [*observed.messages(ANNOUNCEMENTS), *observed.messages(EVENTS, "event.transitioned")]
    yield verdict(
        "each message that a webhook wants was posted to it",
        (
            (record.id in taken, f"{record.type} of {record.key}")
            for record in wanted
            if datetime.fromisoformat(record.message["time"]) > since
        ),
    )
    first: dict[str, list[int]] = {}
    seen: set[str] = set()
    for called in observed.called:
        if called.message_id not in seen:
            seen.add(called.message_id)
            first.setdefault(called.key, []).append(called.sequence)
    yield verdict(
        "a webhook got the messages of each key in their order",
        ((order == sorted(order), f"{key}: {order}") for key, order in first.items()),
    )
