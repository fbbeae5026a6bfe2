"""Looks at everything there is in a stack: databases, topics, mailbox, logs; and tells when it is quiet."""

import json
import time
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError
from pymongo import MongoClient

from services.enrolment.app import SERVICE as ENROLMENT
from services.events.app import SERVICE as EVENTS
from services.notifications.app import SERVICE as NOTIFICATIONS
from shared.ids import utc_now
from shared.messaging.messages import decode
from shared.messaging.subscriptions import Projection
from shared.service import Service
from tests.faults.calls import Caller
from tests.faults.observed import Document, Kept, Mail, Observed, Owned, Record, row_id

SERVICES: tuple[Service, ...] = (ENROLMENT, EVENTS, NOTIFICATIONS)

READ_SECONDS = 60.0


class Reader:
    """All committed records of all our topics, read on from where it was."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.records: list[Record] = []
        self._kafka: Any = KafkaConsumer(
            bootstrap_servers=bootstrap_servers.split(","),
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=20,
        )
        topics = [name for name in self._kafka.topics() if name.startswith("uso.") and ".relay-offsets." not in name]
        found = [
            TopicPartition(name, partition) for name in topics for partition in self._kafka.partitions_for_topic(name)
        ]
        self._kafka.assign(found)
        self._kafka.seek_to_beginning(*found)

    def read_on(self) -> list[Record]:
        """Everything up to the present ends. An open transaction holds the end back until it is over."""
        assigned = self._kafka.assignment()
        ends = self._kafka.end_offsets(assigned)
        deadline = time.monotonic() + READ_SECONDS
        while any(self._kafka.position(partition) < ends[partition] for partition in assigned):
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"the topics could not be read within {READ_SECONDS:g} seconds")
            for found in self._kafka.poll(timeout_ms=200).values():
                self.records.extend(_record(record) for record in found)
        return self.records

    def close(self) -> None:
        self._kafka.close()


def _record(found: Any) -> Record:
    return Record(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        key=(found.key or b"").decode(errors="replace"),
        value=found.value,
        headers={name: bytes(value or b"").decode(errors="replace") for name, value in found.headers or ()},
    )


class Place:
    """A stack as its auditor sees it: with the administrator's rights in MongoDB, and none in Kafka."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self.info = info
        self.mongo: MongoClient[Document] = MongoClient(info["mongodb"]["uri"], tz_aware=True)
        self.reader = Reader(info["kafka"]["bootstrap_servers"])

    def close(self) -> None:
        self.mongo.close()
        self.reader.close()

    def unsettled(self) -> str:
        """What is still on its way, in words; nothing when all has come to its end."""
        rows = self._outbox()
        records = self.reader.read_on()
        there = {record.id for record in records}
        waiting = {
            "outbox rows that are on no topic": len(rows - there),
            "partitions not read to their end": self._behind(records),
            "deliveries under way": self._under_way(),
            "messages that wait for a copy": self.mongo["uso_notifications"]["waiting_messages"].count_documents({}),
            "outbox rows written meanwhile": len(self._outbox() - rows),
        }
        return ", ".join(f"{count} {what}" for what, count in waiting.items() if count)

    def observe(self, caller: Caller, logs: Path) -> Observed:
        """All of it. To be called when nothing moves any more."""
        events = self.mongo["uso_events"]["events"]
        waiting = self.mongo["uso_events"]["registrations"].distinct("event_id", {"state": "waitlisted"})
        return Observed(
            calls=caller.calls,
            statuses=caller.statuses,
            databases={service.name: self._database(service.name) for service in SERVICES},
            records=self.reader.read_on(),
            mails=list(_mails(Path(self.info["mail"]["directory"]))),
            sent_again=frozenset(_sent_again(logs)),
            lines={event: _line(caller, event) for event in waiting if events.count_documents({"_id": event})},
            owned=OWNED,
            kept=KEPT,
            readers=READERS,
        )

    def _database(self, service: str) -> dict[str, list[Document]]:
        database = self.mongo[f"uso_{service}"]
        return {name: list(database[name].find()) for name in database.list_collection_names()}

    def _outbox(self) -> set[str]:
        wanted, fields = {"topic": {"$type": "string"}}, {"headers": 1}
        return {
            row_id(row)
            for reader in SERVICES
            for row in self.mongo[f"uso_{reader.name}"]["journal"].find(wanted, fields)
        }

    def _behind(self, records: list[Record]) -> int:
        ends: dict[tuple[str, int], int] = {}
        for record in records:
            ends[record.topic, record.partition] = record.offset + 1
        behind = 0
        for service in SERVICES:
            rows = self.mongo[f"uso_{service.name}"]["consumer_offsets"].find()
            places = {row["_id"]: row["next"] for row in rows}
            behind += sum(
                places.get(f"uso.{service.name}/{topic}/{partition}", 0) < end
                for (topic, partition), end in ends.items()
                if topic in service.subscriptions
            )
        return behind

    def _under_way(self) -> int:
        due = {
            "$or": [{"state": {"$in": ["queued", "sending"]}}, {"state": "scheduled", "next_at": {"$lte": utc_now()}}]
        }
        notifications = self.mongo["uso_notifications"]
        waiting: tuple[tuple[str, Document], ...] = (
            ("deliveries", due),
            ("fan_outs", {}),
            ("announcements", {"state": {"$in": ["scheduled", "sending"]}}),
            ("webhook_calls", {"state": "waiting"}),
        )
        return sum(notifications[name].count_documents(query) for name, query in waiting)


def _line(caller: Caller, event: str) -> list[int]:
    path = f"/v1/events/{event}/registrations"
    page = caller.get("events", path, state="waitlisted", limit=200) or {"items": []}
    return [registration["position"] for registration in page["items"]]


def _mails(directory: Path) -> Iterator[Mail]:
    for file in sorted(directory.glob("*.eml")):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        yield Mail(message_id=str(mail["Message-ID"]), to=parseaddr(str(mail["To"]))[1])


def _sent_again(logs: Path) -> Iterator[str]:
    """The deliveries of which a worker's log says that they are sent again."""
    for file in logs.glob("notifications-worker-*.log*"):
        for line in file.read_text(errors="replace").splitlines():
            if "sent again, since its outcome is not known" in line:
                yield json.loads(line)["delivery_id"]


def _keep(copy: Projection, record: Record) -> Document:
    message = decode(record.value, key=record.key.encode(), topic=record.topic)
    kept = {"erased": True} if message.state is None else copy.keep(message)
    return {**kept, "_id": message.key, "sequence": message.sequence}


OWNED = [
    Owned(
        service=service.name,
        collection=aggregate.collection,
        topic=aggregate.topic,
        show=aggregate.to_public,
        key=aggregate.key,
    )
    for service in SERVICES
    for aggregate in service.aggregates
    if aggregate.topic is not None
]
KEPT = [
    Kept(
        service=service.name,
        collection=copy.collection,
        topic=topic,
        keep=lambda record, copy=copy: _keep(copy, record),  # type: ignore[misc]
    )
    for service in SERVICES
    for topic, copy in service.projections.items()
]
READERS = {
    topic: [service.name for service in SERVICES if topic in service.subscriptions]
    for reader in SERVICES
    for topic in reader.subscriptions
}
