"""What is a message, and what is not."""

import json
from typing import Any

import pytest

from shared.messaging.messages import Undecodable, decode

TOPIC = "uso.enrolment.contacts.v1"


def value(**changes: Any) -> bytes:
    usual = {"id": "1", "source": "/uso/enrolment", "type": "fi.uso.contact.updated", "sequence": 1}
    return json.dumps({**usual, "data": {"state": {"id": "k"}, "change": {}}, **changes}).encode()


@pytest.mark.parametrize("sequence", [1, 2, 2**53 - 1])
def test_a_sequence_is_a_whole_number_from_one(sequence: int) -> None:
    assert decode(value(sequence=sequence), key=b"k", topic=TOPIC).sequence == sequence


@pytest.mark.parametrize(
    "written", ["0", "-1", "1e999", "-1e999", "NaN", "1.0", "1.5", '"1"', "true", "null", "[1]", str(2**53), "9" * 5000]
)
def test_another_sequence_is_refused(written: str) -> None:
    record = value(sequence="?").replace(b'"?"', written.encode())
    with pytest.raises(Undecodable):
        decode(record, key=b"k", topic=TOPIC)


def test_a_message_of_another_service_than_the_owner_of_the_topic_is_refused() -> None:
    with pytest.raises(Undecodable, match="source"):
        decode(value(source="/uso/events"), key=b"k", topic=TOPIC)
    assert decode(value(source="/uso/events"), key=b"k", topic="uso.events.events.v1").id == "1"


def test_a_tombstone_is_above_every_sequence() -> None:
    assert decode(None, key=b"k", topic=TOPIC).sequence == 9007199254740992
