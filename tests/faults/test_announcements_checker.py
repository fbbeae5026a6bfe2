"""The checker of announcements, reminders and webhooks: silent on what is whole, red for each thing that goes wrong."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.checker.announcements import announcements, reminders, webhooks
from tests.faults.observed import Called, Observed, Record

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CONTACTS, EVENTS = "uso.enrolment.contacts.v1", "uso.events.events.v1"
STARTS = (NOW + timedelta(minutes=30)).isoformat()


def record(topic: str, key: str, type: str, version: int, **state: Any) -> Record:
    message = {"id": f"{key}-{version}", "type": f"fi.uso.{type}", "sequence": version, "time": NOW.isoformat()}
    value = json.dumps({**message, "data": {"state": state, "change": {}}}).encode()
    return Record(topic=topic, partition=0, offset=version, key=key, value=value)


def delivery(contact: str, **fields: Any) -> dict[str, Any]:
    usual = {"template": "announcement", "announcement_id": "a", "registration_id": None, "personalisation": {}}
    return {"contact_id": contact, **usual, **fields}


def reminder(registration: str) -> dict[str, Any]:
    about = {"registration_id": registration, "announcement_id": None}
    return delivery("c", template="event_reminder", **about, personalisation={"starts_at": STARTS})


@pytest.fixture
def whole() -> Observed:
    """A sent announcement to two contacts, an event that has reminded, and a webhook that was called."""
    event = {"_id": "e", "state": "published", "reminders": ["PT1H"], "starts_at": NOW + timedelta(minutes=30)}
    return Observed(
        databases={
            "notifications": {
                "announcements": [{"_id": "a", "state": "sent", "segment": {"organisation_ids": ["o"]}}],
                "deliveries": [delivery("c1"), delivery("c2"), reminder("r1")],
                "events": [event],
                "reminded": [{"_id": "e:then:start"}],
                "webhooks": [{"_id": "w", "created_at": NOW - timedelta(hours=1)}],
            }
        },
        records=[
            record(CONTACTS, "c1", "contact.created", 1, organisation_id="o"),
            record(CONTACTS, "c2", "contact.created", 1, organisation_id="o"),
            record(CONTACTS, "c3", "contact.created", 1, organisation_id="other"),
            record(EVENTS, "e", "event.transitioned", 2),
            record(EVENTS, "e", "event.transitioned", 3),
        ],
        called=[Called(message_id=f"e-{n}", key="e", type="event.transitioned", sequence=n) for n in (2, 3, 2)],
    )


def broken(observed: Observed) -> set[str]:
    checks = (announcements, reminders, webhooks)
    return {verdict.name for check in checks for verdict in check(observed) if verdict.broken}


def changed(whole: Observed, collection: str, rows: list[dict[str, Any]]) -> Observed:
    ours = {**whole.databases["notifications"], collection: rows}
    return replace(whole, databases={"notifications": ours})


def test_what_is_whole_is_looked_at_and_breaks_nothing(whole: Observed) -> None:
    assert broken(whole) == set()
    verdicts = [verdict for check in (announcements, reminders, webhooks) for verdict in check(whole)]
    assert all(verdict.examined for verdict in verdicts)
    assert len(verdicts) == 6


@pytest.mark.parametrize(
    ("deliveries", "sentence"),
    [
        ([delivery("c1"), reminder("r1")], "everybody of its segment got a sent announcement"),
        ([delivery("c1"), delivery("c2"), delivery("c2"), reminder("r1")], "nobody got an announcement twice"),
        ([delivery("c1"), delivery("c2"), reminder("r1"), reminder("r1")], "nobody was reminded twice"),
    ],
    ids=["left out", "twice", "reminded twice"],
)
def test_a_lost_or_doubled_mail_is_found(whole: Observed, deliveries: list[dict[str, Any]], sentence: str) -> None:
    assert sentence in broken(changed(whole, "deliveries", deliveries))


def test_an_event_that_has_forgotten_to_remind_is_found(whole: Observed) -> None:
    assert broken(changed(whole, "reminded", [])) == {"every event whose reminder was due has reminded"}


def test_a_message_that_was_never_posted_is_found(whole: Observed) -> None:
    lost = replace(whole, called=whole.called[:1])
    assert broken(lost) == {"each message that a webhook wants was posted to it"}


def test_messages_of_a_key_in_the_wrong_order_are_found(whole: Observed) -> None:
    swapped = replace(whole, called=[whole.called[1], whole.called[0]])
    assert broken(swapped) == {"a webhook got the messages of each key in their order"}
