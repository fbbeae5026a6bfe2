"""What is there when all is quiet again: the clients' notes, every database, every topic, every mail."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.faults.calls import Call

Document = dict[str, Any]
DEAD_LETTER_ID = "dead-letter-id"


def row_id(row: Document) -> str:
    """What an outbox row and its record have in common: the message's id, or the dead letter's."""
    headers = {name: bytes(value).decode() for name, value in row.get("headers", ())}
    return headers.get(DEAD_LETTER_ID) or str(row["_id"])


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record as a `read_committed` reader sees it. `foreign`: not put there by the topic's owner."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def foreign(self) -> bool:
        return "foreign" in self.headers and DEAD_LETTER_ID not in self.headers

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @cached_property
    def message(self) -> Document:
        """The message, or nothing where it is none."""
        try:
            document = json.loads(self.value or b"{}")
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def id(self) -> str:
        """What `row_id` gives for its outbox row."""
        return self.headers.get(DEAD_LETTER_ID) or str(self.message.get("id"))

    @property
    def state(self) -> Document:
        state: Document = self.message["data"]["state"]
        return state

    @property
    def change(self) -> Document:
        change: Document = self.message["data"]["change"]
        return change

    @property
    def type(self) -> str:
        return str(self.message.get("type", "")).removeprefix("fi.uso.")


@dataclass(frozen=True, kw_only=True)
class Mail:
    message_id: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Called:
    """A call that a webhook's endpoint has taken."""

    message_id: str
    key: str
    type: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Owned:
    """A service's own collection, the topic that tells of it, and the public shape of a document."""

    service: str
    collection: str
    topic: str
    show: Callable[[Document], Document]
    key: Callable[[Document], str]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A service's copy of what a topic tells; `keep` gives the document that a record ought to have become."""

    service: str
    collection: str
    topic: str
    keep: Callable[[Record], Document]


@dataclass(kw_only=True)
class Observed:
    """`databases`: service → collection → documents. `records` in the order of each partition.

    `sent_again`: deliveries of which a sender has said that it sends them again, not knowing the outcome.
    `lines`: the waiting list of each event as staff see it, as positions. `readers`: topic → services.
    """

    calls: Sequence[Call] = ()
    databases: Mapping[str, Mapping[str, list[Document]]]
    records: Sequence[Record] = ()
    mails: Sequence[Mail] = ()
    called: Sequence[Called] = ()
    sent_again: frozenset[str] = frozenset()
    lines: Mapping[str, list[int]] = field(default_factory=dict)
    statuses: Mapping[int, int] = field(default_factory=dict)
    owned: Sequence[Owned] = ()
    kept: Sequence[Kept] = ()
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def collection(self, service: str, name: str) -> list[Document]:
        return self.databases.get(service, {}).get(name, [])

    @cached_property
    def own_records(self) -> list[Record]:
        return [record for record in self.records if not record.foreign]

    def messages(self, topic: str, *types: str) -> list[Record]:
        """The owner's records of the topic (of these types)."""
        return [record for record in self.own_records if record.topic == topic and (not types or record.type in types)]

    def last(self, topic: str) -> dict[str, Record]:
        """The owner's last record of each key."""
        return {record.key: record for record in self.messages(topic)}
