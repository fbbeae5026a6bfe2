"""Mail to a local sink: our workers with everything around a mail, beside bare smtplib with the same bytes."""

import pickle
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from os import environ
from typing import Any

from bench.bench_stack import BenchStack
from bench.rows import Figures, Row, interleaved, of
from bench.sink import Sink
from services.notifications.app import SERVICE
from services.notifications.deliveries.domain import ANNOUNCEMENTS, URGENT
from services.notifications.deliveries.store import DELIVERIES
from shared.ids import new_id, utc_now
from shared.messaging.messages import Message
from shared.messaging.topics import Topic
from shared.mongo.database import Database
from tests.support import wait_for
from tests.support.messages import feed, message

BARE = "smtplib over two kept connections in one process, the same bytes"
LISTMONK = 4345.0
"""Recipients a second that listmonk 1.1 was measured at, elsewhere."""
CONTACTS, EVENTS, REGISTRATIONS = "uso.enrolment.contacts.v1", "uso.events.events.v1", "uso.events.registrations.v1"


def measure(bench: BenchStack) -> Iterator[Row]:
    """Confirmations of registrations, each with text, HTML and a calendar entry, that are all due at once."""
    bench.topics([Topic(name=topic) for topic in SERVICE.subscriptions])
    kept: list[bytes] = []
    sides = {
        "one": partial(_ours, bench, 1, kept),
        "bare": partial(_bare, bench, kept),
        "two": partial(_ours, bench, 2, kept),
        "many": partial(_ours, bench, 1, kept, lane=ANNOUNCEMENTS),
        "many by two": partial(_ours, bench, 2, kept, lane=ANNOUNCEMENTS),
    }
    found = interleaved(sides, rounds=bench.rounds)
    bare = of(found["bare"], "rate")
    for name, what, share, least in (
        ("one", "confirmations, one worker", 0.5, 0.25),
        ("two", "confirmations, two workers", 1.0, 0.4),
        ("many", "mails that are handed over together, one worker", 0.5, 0.25),
        ("many by two", "mails that are handed over together, two workers", 1.0, 0.4),
    ):
        ours = of(found[name], "rate")
        yield Row(path="mail", what=what, unit="recipients/s", ours=ours, against=BARE, baseline=bare, at_least=least)
        yield Row(
            path="mail", what=f"{what} (listmonk: 4,345/s)", unit="recipients/s", ours=ours, at_least=share * LISTMONK
        )


def _ours(bench: BenchStack, workers: int, kept: list[bytes], *, lane: int = URGENT) -> Figures:
    count, name = bench.many(2000, 300), bench.name("mail")
    with bench.database(name) as db, Sink(bench.free_port()) as sink:
        SERVICE.prepare(db)
        for start in range(0, count, 500):
            feed(db, SERVICE.subscriptions, _registered(min(500, count - start)))
        later = utc_now() + timedelta(hours=1)
        db[DELIVERIES.collection].update_many({}, {"$set": {"next_at": later, "lane": lane}})
        with ExitStack() as running:
            for _ in range(workers):
                running.enter_context(bench.service("notifications", "worker", database=name, SMTP_URL=sink.url))
            db[DELIVERIES.collection].update_many({}, {"$set": {"next_at": utc_now()}})
            wait_for(lambda: len(sink.mails) >= count, seconds=120, what="all mails")
            wait_for(lambda: _all_sent(db), seconds=30, what="all deliveries to be noted as sent")
    times = Counter(recipient for _, _, recipient, _ in sink.mails)
    assert len(times) == count, f"{count - len(times)} mails were lost"
    assert set(times.values()) == {1}, "a mail was sent twice"
    kept[:] = [pickle.dumps([mail[1:] for mail in sink.mails])]
    return {"rate": _rate(sink)}


def _bare(bench: BenchStack, kept: list[bytes]) -> Figures:
    file = bench.directory / "mails"
    file.write_bytes(kept[0])
    with Sink(bench.free_port()) as sink:
        given = {**environ, "BENCH_MAILS": str(file), "SMTP_URL": sink.url}
        with subprocess.Popen(
            [sys.executable, "-m", "bench.baselines", "mail"], stdin=subprocess.PIPE, env=given
        ) as process:
            time.sleep(1)
            process.communicate(b"\n", timeout=120)
    return {"rate": _rate(sink)}


def _rate(sink: Sink) -> float:
    times = [mail[0] for mail in sink.mails]
    return (len(times) - 1) / (max(times) - min(times))


def _all_sent(db: Database) -> bool:
    return db[DELIVERIES.collection].find_one({"state": {"$ne": "sent"}}, {"_id": 1}) is None


def _registered(count: int) -> list[Message]:
    """An event and so many contacts with a seat each."""
    event = event_state()
    contacts = [contact_state(new_id()) for _ in range(count)]
    return [
        message(EVENTS, "event.transitioned", event),
        *(message(CONTACTS, "contact.created", contact) for contact in contacts),
        *(message(REGISTRATIONS, "registration.created", registration_state(event, contact)) for contact in contacts),
    ]


def event_state() -> dict[str, Any]:
    """A published webinar."""
    return {
        "id": new_id(),
        "version": 2,
        "kind": "webinar",
        "title": {"fi": "Tilannekuva", "sv": "Lägesbild", "en": "Situation"},
        "description": {"fi": "Kerromme tilanteesta."},
        "starts_at": "2099-01-01T12:00:00Z",
        "ends_at": "2099-01-01T13:00:00Z",
        "timezone": "Europe/Helsinki",
        "venue": None,
        "online_url": "https://meet.example/tilannekuva",
        "reminders": [],
        "state": "published",
        "enrolment_id": None,
        "days": None,
        "updated_at": "2022-12-01T12:00:00Z",
        "calendar": {"uid": f"{new_id()}@events.example", "sequence": 1},
    }


def contact_state(identifier: str) -> dict[str, Any]:
    """A contact with an address of their own."""
    return {
        "id": identifier,
        "version": 1,
        "given_name": "Aino",
        "family_name": "Virtanen",
        "email": f"aino.{identifier}@kunta.example",
        "language": "fi",
        "role": "officeholder",
        "organisation_id": None,
    }


def registration_state(event: dict[str, Any], contact: dict[str, Any]) -> dict[str, Any]:
    """The contact's seat at the event."""
    return {
        "id": new_id(),
        "version": 1,
        "created_at": "2022-12-01T12:00:00Z",
        "event_id": event["id"],
        "contact_id": contact["id"],
        "language": "fi",
        "state": "confirmed",
        "position": None,
        "person_sealed": None,
    }
