"""Yesterday's backup under today's topics: no mail goes out twice, and none is left out."""

from typing import Any

import pytest
from kafka import KafkaProducer

from services.notifications.deliveries.recall import recall, take_back
from shared.ids import new_id
from shared.messaging.messages import decode
from shared.messaging.topics import ensure_topics, state_topic
from shared.mongo.database import SEEN
from shared.mongo.journal import JOURNAL
from tests.notifications import builders as a

DELIVERIES = "uso.notifications.deliveries.v1"


def told(notifications: Any) -> list[tuple[bytes, bytes]]:
    """Key and value of each message about deliveries, as a relay would send them."""
    rows = notifications.db[JOURNAL].find({"topic": DELIVERIES}).sort("_id", 1)
    return [(row["key"].encode(), bytes(row["value"])) for row in rows]


def restore_empty(notifications: Any) -> None:
    """The database as it was before anything happened."""
    for name in ("deliveries", JOURNAL, SEEN):
        notifications.db[name].delete_many({})


def copies_and_messages() -> tuple[list[Any], list[Any]]:
    """What was known before, and three messages that lead to a mail each: two registrations and an enrolment."""
    aino, bertil = a.contact(), a.contact(given_name="Bertil", language="sv")
    tampere, season, event = a.organisation(), a.season(), a.event()
    known = [
        a.known(a.ORGANISATIONS, tampere),
        a.known(a.SEASONS, season),
        a.known(a.CONTACTS, aino, bertil),
        a.known(a.EVENTS, event),
    ]
    came = [
        a.came(a.REGISTRATIONS, "registration.created", a.registration(event, aino)),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(event, bertil)),
        a.came(a.ENROLMENTS, "enrolment.created", a.enrolment(tampere, season, aino)),
    ]
    return known, came


def test_what_was_sent_is_not_sent_again_and_what_was_not_is(notifications: Any) -> None:
    known, (first, second, third) = copies_and_messages()
    notifications.hears(*known, first, third)
    assert len(notifications.sends()) == 2
    sent = [decode(value, key=key, topic=DELIVERIES) for key, value in told(notifications)]
    before = {row["_id"]: (row["state"], row["sent_at"]) for row in notifications.deliveries()}

    restore_empty(notifications)
    assert take_back(notifications.db, sent) == 2
    assert {row["_id"]: (row["state"], row["sent_at"]) for row in notifications.deliveries()} == before

    notifications.hears(first, second, third)
    mails = notifications.sends()
    assert len(mails) == 3, "the second message alone had led to no mail yet"
    assert len(set(notifications.mailbox.ids)) == 3
    assert notifications.states() == ["sent"] * 3


def test_without_it_they_would_be_sent_again(notifications: Any) -> None:
    known, (first, *_) = copies_and_messages()
    notifications.hears(*known, first)
    notifications.sends()
    restore_empty(notifications)
    notifications.hears(first)
    assert len(notifications.sends()) == 2


def test_a_mail_that_the_backup_has_as_queued_is_known_to_be_sent(notifications: Any) -> None:
    known, (first, *_) = copies_and_messages()
    notifications.hears(*known, first)
    [queued] = notifications.deliveries()
    notifications.sends()
    sent = [decode(value, key=key, topic=DELIVERIES) for key, value in told(notifications)]
    notifications.db["deliveries"].replace_one({"_id": queued["_id"]}, queued)
    assert take_back(notifications.db, sent) == 1
    assert len(notifications.sends()) == 1
    assert take_back(notifications.db, sent) == 0, "again it changes nothing"


def test_what_was_still_to_be_sent_is_made_anew_and_sent(notifications: Any) -> None:
    known, (first, *_) = copies_and_messages()
    notifications.hears(*known, first)
    queued = [decode(value, key=key, topic=DELIVERIES) for key, value in told(notifications)]
    restore_empty(notifications)
    assert take_back(notifications.db, queued) == 0
    notifications.hears(first)
    assert len(notifications.sends()) == 1


@pytest.mark.parametrize("tombstones", [0, 1])
def test_it_reads_the_topic_from_its_start(notifications: Any, settings_for: Any, tombstones: int) -> None:
    settings = settings_for("notifications", kafka=True)
    topic = f"uso.notifications.t{new_id()[-8:]}.v1"
    known, came = copies_and_messages()
    notifications.hears(*known, *came)
    notifications.sends()
    ensure_topics([state_topic(topic)], settings)
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    records = told(notifications)
    assert len(records) >= 6, "queued and sent, of each of the three"
    for key, value in records:
        producer.send(topic, key=key, value=value)
    for _ in range(tombstones):
        producer.send(topic, key=b"nobody", value=None)
    producer.flush()
    restore_empty(notifications)
    assert recall(settings, notifications.db, topic=topic) == 3
    assert notifications.states() == ["sent"] * 3
