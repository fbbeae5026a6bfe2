"""A dead letter: a record that could not be handled, unchanged, with its topic, offset and error."""

from dataclasses import dataclass
from functools import partial

from bson import Binary
from pymongo import InsertOne

from shared.ids import new_id, utc_now
from shared.messaging.messages import Undecodable
from shared.messaging.records import Record
from shared.messaging.topics import dead_letters
from shared.mongo.aggregates import Document
from shared.mongo.database import DEAD_LETTERS, DEAD_LETTERS_KEPT
from shared.mongo.journal import MessageTooLarge
from shared.mongo.unit_of_work import UnitOfWork

HEADER_PREFIX = "dead-letter-"
# The facts about a dead letter: fields of its document and, with the prefix, headers of its record.
ABOUT = {
    "topic": "the topic that it was read from",
    "partition": "its partition there",
    "offset": "its offset there",
    "service": "the service that could not handle it",
    "group": "that service's consumer group",
    "error": "the kind of error",
    "reason": "a sentence; nothing of the message stands in it",
    "tries": "how often it was tried",
    "at": "when it was given up (RFC 3339, UTC)",
    "id": "the dead letter's id, by which it is shown, redriven or discarded",
    "left-out": "the size of a record that is too large to stand here with its headers: only the database has it",
}


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """The record, and the facts about its failure as texts."""

    record: Record
    about: dict[str, str]

    def store(self, uow: UnitOfWork) -> None:
        """Stores the dead letter in the database and on the topic, in one transaction."""
        record = self.record
        letter: Document = {
            "_id": self.about["id"],
            "state": "dead",
            "expires_at": uow.now + DEAD_LETTERS_KEPT,
            "about": self.about,
            "key": None if record.key is None else Binary(record.key),
            "value": None if record.value is None else Binary(record.value),
            "headers": [list(header) for header in record.headers or ()],
        }
        uow.write(DEAD_LETTERS, InsertOne(letter))
        about = {HEADER_PREFIX + name: value.encode() for name, value in self.about.items()}
        original = [(name, bytes(value or b"")) for name, value in record.headers or ()]
        key = None if record.key is None else record.key.decode(errors="replace")
        publish = partial(uow.publish, topic=dead_letters(self.about["service"]), key=key)
        try:
            publish(value=record.value, headers=[*original, *about.items()])
        except MessageTooLarge:
            # A record just below Kafka's limit exceeds it with the facts in its headers.
            left_out = str(len(record.value or b"")).encode()
            publish(value=None, headers=[*about.items(), (HEADER_PREFIX + "left-out", left_out)])


def dead_letter(record: Record, error: Exception, *, tries: int, service: str, group: str) -> DeadLetter:
    """The dead letter of a record that `service` could not handle.

    An exception's text can quote the message, and so a person: the dead letter names only the exception's class.
    """
    about = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "service": service,
        "group": group,
        "error": type(error).__name__,
        "reason": str(error) if isinstance(error, Undecodable) else f"A handler raised {type(error).__name__}.",
        "tries": str(tries),
        "at": utc_now().isoformat(),
        "id": new_id(),
    }
    return DeadLetter(record=record, about=about)
