"""One season through the whole stack: every process of every service, real Kafka, real MongoDB, real mail."""

import json
import re
from collections import Counter
from email import message_from_bytes, policy
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
import requests
from kafka import KafkaConsumer, TopicPartition
from rich.console import Console

from deploy.local.demo import run, seed
from deploy.local.demo.people import MUNICIPALITIES, PUBLIC
from deploy.local.demo.story_state import StoryState

REGISTRATIONS = "uso.events.registrations.v1"
CONTACTS = "uso.enrolment.contacts.v1"
CONFIRMATIONS = {"registration_confirmed", "registration_waitlisted"}


@pytest.fixture
def story(season_told: StoryState) -> StoryState:
    """The story; that it could be told to its end says that its checks held. The examples may have gone on with it."""
    return season_told


def test_everyone_who_registered_got_one_confirmation_or_one_place_in_line(story: StoryState) -> None:
    people = [person for town in MUNICIPALITIES if town.outcome == "active" for person in town.people] + list(PUBLIC)
    sent = {
        delivery["message_id"]: delivery["template"] for delivery in _list(story, "notifications", "/v1/deliveries")
    }
    arrived = Counter(address for identifier, address in _mails(story) if sent[identifier] in CONFIRMATIONS)
    assert arrived == Counter(person.email for person in people)


def test_no_mail_came_twice(story: StoryState) -> None:
    assert [
        message_id for message_id, count in Counter(identifier for identifier, _ in _mails(story)).items() if count > 1
    ] == []


def test_the_last_record_of_each_registration_is_what_its_get_shows(story: StoryState) -> None:
    last = {key: json.loads(value) for topic, key, value in _records(story) if topic == REGISTRATIONS}
    shown = _list(story, "events", f"/v1/events/{story.webinar['id']}/registrations")
    assert {key: (message["sequence"], message["data"]["state"]["state"]) for key, message in last.items()} == {
        resource["id"]: (resource["version"], resource["state"]) for resource in shown
    }


def test_names_and_addresses_stand_on_the_contacts_topic_alone(story: StoryState) -> None:
    people = [person for town in MUNICIPALITIES for person in town.people] + list(PUBLIC)
    words = [word for person in people for word in (person.email, f'"{person.family_name}"', person.name)]
    by_topic: dict[str, str] = {}
    for topic, _, value in _records(story):
        by_topic[topic] = by_topic.get(topic, "") + value
    assert {topic for topic, text in by_topic.items() if any(word in text for word in words)} == {CONTACTS}
    contacts = [person for town in MUNICIPALITIES for person in town.people]
    assert all(
        contact.email in by_topic[CONTACTS] and contact.family_name in by_topic[CONTACTS] for contact in contacts
    )


def test_a_season_that_was_told_is_left_alone(story: StoryState, capsys: pytest.CaptureFixture[str]) -> None:
    before = _counts(story)
    seed(story.stack)
    assert run(story.stack) == 1
    assert "season 7 is there already" in " ".join(capsys.readouterr().out.split())
    assert _counts(story) == before


def test_the_readme_shows_what_the_demo_prints(story: StoryState, season_printed: Console) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    shown, printed = (
        [without_figures(line) for line in text.splitlines() if line.startswith("✓")]
        for text in (readme, season_printed.export_text(clear=False))
    )
    assert shown == printed


def without_figures(line: str) -> str:
    """The line without what differs from run to run: seconds and dates, and how many messages it took."""
    return re.sub(r"\(\d+\.\d s\)|\d+\.\d+\.\d{4}|\d+(?= messages)", "…", line)


def _counts(story: StoryState) -> dict[str, int]:
    nouns = {"enrolment": ("organisations", "contacts", "seasons", "enrolments"), "events": ("events",)}
    return {noun: len(_list(story, service, f"/v1/{noun}")) for service in nouns for noun in nouns[service]}


def _list(story: StoryState, service: str, path: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {story.stack['tokens']['viewer']}"}
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
        answer = requests.get(story.stack["services"][service]["url"] + path, query, headers=headers, timeout=10)
        answer.raise_for_status()
        items += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
    return items


def _mails(story: StoryState) -> list[tuple[str, str]]:
    """Message-ID and address of every e-mail."""
    files = Path(story.stack["mail"]["directory"]).glob("*.eml")
    parsed = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [(str(mail["Message-ID"]), parseaddr(str(mail["To"]))[1]) for mail in parsed]


def _records(story: StoryState) -> list[tuple[str, str, str]]:
    """Topic, key and value of everything committed, each key's in order."""
    consumer = KafkaConsumer(
        bootstrap_servers=story.stack["kafka"]["bootstrap_servers"].split(","),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        consumer_timeout_ms=2000,
    )
    topics = [name for name in consumer.topics() if name.startswith("uso.") and "relay-offsets" not in name]
    consumer.assign(
        [TopicPartition(name, partition) for name in topics for partition in consumer.partitions_for_topic(name)]
    )
    try:
        return [(record.topic, record.key.decode(), (record.value or b"").decode()) for record in consumer]
    finally:
        consumer.close()
