"""A small world in which every invariant holds, for tests that break one of them."""

import json
from typing import Any

from tests.faults.calls import Call
from tests.faults.observed import Document, Kept, Mail, Observed, Owned, Record

REGISTRATIONS = "uso.events.registrations.v1"
EVENTS = "uso.events.events.v1"
ORGANISATIONS = "uso.enrolment.organisations.v1"


class World:
    """Changes are made as the services make them: document, history, outbox and record together."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.records: list[Record] = []
        self.mails: list[Mail] = []
        self.databases: dict[str, dict[str, list[Document]]] = {
            "enrolment": {"journal": [], "organisations": [], "workshop_days": [], "enrolments": []},
            "events": {"journal": [], "events": [], "registrations": [], "seats": [], "copies": []},
            "notifications": {"journal": [], "deliveries": [], "dead_letters": []},
        }
        self._count = 0

    def new(self, name: str) -> str:
        self._count += 1
        return f"{name}{self._count}"

    def change(
        self,
        topic: str,
        collection: str,
        type: str,
        /,
        *,
        causation_id: str | None = None,
        change: Document | None = None,
        **state: Any,
    ) -> str:
        """The next version of the document `id`, told on `topic`; the message's id."""
        service = topic.split(".")[1]
        documents = self.databases[service][collection]
        before = next((document for document in documents if document["_id"] == state["id"]), None)
        version = before["version"] + 1 if before else 1
        if before:
            documents.remove(before)
        shown = {**state, "version": version}
        documents.append({"_id": state["id"], **shown})
        message_id, request = self.new("m"), self.new("request")
        row = {"_id": message_id, "topic": topic, "of": state["id"], "type": type}
        self.databases[service]["journal"].append({**row, "correlation_id": request, "causation_id": causation_id})
        offset = len(self.records)
        self.records.append(record(topic, state["id"], message_id, type, version, shown, offset=offset, change=change))
        self.calls.append(done(request, service, type))
        return message_id

    def delivery(self, message_id: str, template: str, contact: str, registration: str | None = None) -> Document:
        made = {
            "_id": self.new("d"),
            "state": "sent",
            "template": template,
            "contact_id": contact,
            "registration_id": registration,
            "because": {"message_id": message_id},
            "message_id": f"<{self.new('mail')}@uso>",
            "attempts": 1,
        }
        self.databases["notifications"]["deliveries"].append(made)
        self.mails.append(Mail(message_id=made["message_id"], to=f"{contact}@people.example"))
        return made

    def observed(self, **changes: Any) -> Observed:
        usual: dict[str, Any] = {
            "calls": self.calls,
            "databases": self.databases,
            "records": self.records,
            "mails": self.mails,
            "lines": {"e": [1]},
            "statuses": {200: len(self.calls)},
            "owned": [
                owned("enrolment", "organisations", ORGANISATIONS),
                owned("events", "events", EVENTS),
                owned("events", "registrations", REGISTRATIONS),
            ],
            "kept": [Kept(service="events", collection="copies", topic=ORGANISATIONS, keep=keep)],
            "readers": {ORGANISATIONS: ["events"]},
        }
        return Observed(**(usual | changes))


def good() -> World:
    """An organisation; an event with one seat that was given back and passed on; a workshop's days."""
    world = World()
    world.change(ORGANISATIONS, "organisations", "organisation.created", id="o", name="Aava")
    world.change(ORGANISATIONS, "organisations", "organisation.updated", id="o", name="Aava II")
    world.databases["events"]["copies"].append({"_id": "o", "name": "Aava II", "sequence": 2})
    world.change(EVENTS, "events", "event.created", id="e", kind="webinar", capacity=1, state="published")
    for number, state in ((1, "confirmed"), (2, "waitlisted"), (3, "waitlisted")):
        message = register(world, f"r{number}", state, number, "registration.created")
        template = "registration_confirmed" if state == "confirmed" else "registration_waitlisted"
        world.delivery(message, template, f"c{number}", f"r{number}")
    register(world, "r1", "cancelled", 1, "registration.transitioned")
    world.delivery(register(world, "r2", "confirmed", 2, "registration.promoted"), "registration_promoted", "c2", "r2")
    world.databases["events"]["seats"].append({"_id": "e", "taken": 1, "waiting": 1})
    world.change(EVENTS, "events", "event.created", id="w", kind="workshop", days=1, state="published")
    ledger = [entry("adjusted", 6, None), entry("reserved", 2, "w")]
    account = {"_id": "n", "granted": 6, "reserved": 2, "used": 0, "ledger": ledger}
    world.databases["enrolment"]["workshop_days"].append(account)
    world.databases["enrolment"]["enrolments"].append({"_id": "n", "organisation_id": "o", "season_id": "s"})
    return world


def register(
    world: World, identifier: str, state: str, number: int, type: str, *, change: Document | None = None
) -> str:
    facts = {"event_id": "e", "contact_id": f"c{number}", "queue_number": number}
    return world.change(REGISTRATIONS, "registrations", type, change=change, id=identifier, state=state, **facts)


def record(
    topic: str,
    key: str,
    id: str,
    type: str,
    version: int,
    state: Document,
    *,
    offset: int,
    change: Document | None = None,
) -> Record:
    data = {"state": state, "change": change or {}}
    message = {"id": id, "type": f"fi.uso.{type}", "sequence": version, "data": data}
    return Record(topic=topic, partition=0, offset=offset, key=key, value=json.dumps(message).encode())


def poison(topic: str, *, offset: int) -> Record:
    return Record(topic=topic, partition=0, offset=offset, key="somebody", value=b"\xff", headers={"foreign": "poison"})


def dead_letter(world: World, poisoned: Record) -> None:
    """What the events service makes of a poisoned record: kept, and told with all its headers."""
    topic, letter = "uso.events.dead-letters.v1", world.new("letter")
    about = {"topic": poisoned.topic, "partition": str(poisoned.partition), "offset": str(poisoned.offset)}
    world.databases["events"].setdefault("dead_letters", []).append({"_id": letter, "about": about})
    row = {"_id": world.new("row"), "topic": topic, "headers": [["dead-letter-id", letter.encode()]]}
    world.databases["events"]["journal"].append(row)
    headers = {**poisoned.headers, "dead-letter-id": letter}
    world.records.append(
        Record(topic=topic, partition=0, offset=0, key="somebody", value=poisoned.value, headers=headers)
    )


def entry(kind: str, half_days: int, event: str | None) -> Document:
    return {"kind": kind, "half_days": half_days, "event_id": event, "event_version": 1 if event else None}


def done(id: str, service: str, tells: str) -> Call:
    return Call(
        id=id, service=service, method="POST", path="/v1/things", body={}, tells=tells, outcome="done", status=201
    )


def owned(service: str, collection: str, topic: str) -> Owned:
    def show(document: Document) -> Document:
        return {name: value for name, value in document.items() if name != "_id"}

    return Owned(service=service, collection=collection, topic=topic, show=show, key=lambda document: document["_id"])


def keep(found: Record) -> Document:
    return {"_id": found.key, "name": found.state["name"], "sequence": found.message["sequence"]}
