"""After a backup was restored: what the lost time has sent, taken back from the topic of deliveries.

The database has forgotten which mails went out since the backup, and reads the messages that led to them again. The
topic has not forgotten. Each delivery that came to its end there is kept here once more, with the keys under which the
rules would make it, so that they find it made. To be run before a worker starts: `python -m services.notifications
recall`. What the topic does not know was not sent, and is made and sent as usual.
"""

from collections.abc import Iterable, Iterator

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from ops.reading import TopicReader, reader
from services.notifications.deliveries.domain import (
    UNDER_WAY,
    Because,
    NewDelivery,
    dedup_key_for_message,
    dedup_key_for_registration,
    dedup_key_for_reminder,
)
from services.notifications.deliveries.store import DELIVERIES, new_document
from shared.ids import utc_now
from shared.instants import instant_text, parse_instant
from shared.messaging.messages import Message, message_of
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.errors import DUPLICATE_KEY, codes_of
from shared.settings import Settings
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

INSTANTS = ("due_at", "sent_at", "created_at", "updated_at")
AS_TOLD = ("state", "message_id", "attempts", "error")


def recall(settings: Settings, db: Database, *, topic: str = str(DELIVERIES.topic)) -> int:
    """Takes back all of them; how many. Doing it again changes nothing. Raises KafkaError, PyMongoError."""
    recalled = 0
    with reader(settings) as consumer:
        source = TopicReader(consumer, topic)
        for records, _ in source.read(source.beginnings(), source.ends()):
            recalled += take_back(db, [message_of(record) for record in records if record.value is not None])
    log.info("deliveries recalled", count=recalled)
    return recalled


def take_back(db: Database, messages: Iterable[Message]) -> int:
    """Those among the messages that tell of a delivery's end that the database does not know."""
    ended = [message for message in messages if message.state and message.state["state"] not in UNDER_WAY]
    if not ended:
        return 0
    events = {message.state["event_id"] for message in ended if message.state}
    starts = {row["_id"]: row["starts_at"] for row in db["events"].find({"_id": {"$in": list(events)}})}
    operations = [_operation(dict(message.state or {}), message, starts) for message in ended]
    try:
        result = db[DELIVERIES.collection].bulk_write(operations, ordered=False)
    except BulkWriteError as error:
        # The database has it, in this version or a later one.
        if set(codes_of(error)) != {DUPLICATE_KEY}:
            raise
        details = error.details or {}
        return int(details["nUpserted"]) + int(details["nModified"])
    return result.upserted_count + result.modified_count


def _operation(state: Document, message: Message, starts: Document) -> UpdateOne:
    told = {name: state[name] for name in AS_TOLD} | {"version": message.sequence}
    told |= {name: parse_instant(state[name]) if state.get(name) else None for name in INSTANTS}
    new = NewDelivery(
        template=state["template"],
        because=Because(**state["because"]),
        dedup_key="",
        contact_id=state["contact_id"],
        language=state["language"],
        event_id=state["event_id"],
        registration_id=state["registration_id"],
        enrolment_id=state["enrolment_id"],
        announcement_id=state["announcement_id"],
        resend_of=state["resend_of"],
    )
    usual = new_document(new, now=utc_now(), correlation_id=message.correlation_id)
    # An index over a list holds each of its keys: whichever of them a rule uses, it is taken.
    first = usual | {"dedup_key": [f"recalled:{message.key}", *_keys(new, told, starts)]}
    given = told | {"claim": None, "handed_over_at": None}
    return UpdateOne(
        {"_id": message.key, "version": {"$lt": message.sequence}},
        {"$set": given, "$setOnInsert": {name: value for name, value in first.items() if name not in given}},
        upsert=True,
    )


def _keys(new: NewDelivery, told: Document, starts: Document) -> Iterator[str]:
    """All keys that a rule may have for such a delivery."""
    if new.announcement_id:
        yield f"announcement:{new.announcement_id}:{new.recipient}"
    if new.because.message_id:
        yield dedup_key_for_message(new.because, new.recipient)
    if new.registration_id:
        yield dedup_key_for_registration(new.because.rule, new.registration_id)
        if new.event_id in starts and told["due_at"]:
            starts_at = instant_text(starts[new.event_id])
            yield dedup_key_for_reminder(new.registration_id, instant_text(told["due_at"]), starts_at)
