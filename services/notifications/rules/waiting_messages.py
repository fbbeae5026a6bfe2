"""The collection of messages that wait for a projection."""

from dataclasses import asdict
from datetime import datetime

from pymongo import IndexModel

from shared.messaging.messages import Message
from shared.mongo.aggregates import Document

WAITING = "waiting_messages"
WAITING_INDEXES = {WAITING: [IndexModel("next_at", name="next_at")]}


def waiting_row(book: str, rule: str, message: Message, now: datetime) -> Document:
    """A row for each rule and message. Its book, name and message type find the rule again."""
    about = {"book": book, "rule": rule, "message": asdict(message)}
    return {"_id": f"{book}:{rule}:{message.id}", **about, "at": now, "next_at": now, "tries": 0}
