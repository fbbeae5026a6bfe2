"""A crowd at one hot event: everyone who asks gets a seat or a place in line, and nobody too many a seat."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import requests

from bench import load
from bench.bench_stack import BenchStack
from bench.rows import Figures, Row, Side, interleaved, of
from shared.mongo.database import Database, connect

AT_ONCE = (8, 64)
BARE = "bare Flask + pymongo, a conditional update in a transaction, repeated on conflict"
TARGET = 50 * 8.1
"""Fifty times what pretix 2026.8 was measured at, in orders a second for one event."""


def measure(bench: BenchStack) -> Iterator[Row]:
    """People without an account register for a webinar with seats for a third of them and a line for the rest."""
    database = bench.name("bare_seats")
    with ExitStack() as running:
        api = running.enter_context(bench.service("events", "api", database="uso_events"))
        bare = running.enter_context(
            bench.gunicorn("bench.baselines.web:create_app()", workers=1, threads=16, MONGODB_DATABASE=database)
        )
        db = connect(bench.mongodb_uri, database)
        db.prepare((), {"seats": [], "registrations": []})
        sides: dict[str, Side] = {}
        for at_once in AT_ONCE:
            sides[f"ours {at_once}"] = partial(_ours, bench, api.url, at_once)
            sides[f"bare {at_once}"] = partial(_bare, bench, bare.url, db, at_once)
        found = interleaved(sides, rounds=bench.rounds)
    for at_once in AT_ONCE:
        ours, theirs = found[f"ours {at_once}"], found[f"bare {at_once}"]
        what = f"one event, {at_once} at once"
        yield Row(
            path="registrations",
            what=f"{what} (50 × pretix' 8.1/s)",
            unit="registrations/s",
            ours=of(ours, "rate"),
            at_least=TARGET,
        )
        rate = of(ours, "rate")
        yield Row(
            path="registrations",
            what=what,
            unit="registrations/s",
            ours=rate,
            against=BARE,
            baseline=of(theirs, "rate"),
        )
        for name in ("p50", "p99"):
            yield Row(
                path="registrations",
                what=f"… {what}: {name}",
                unit="ms",
                ours=of(ours, name),
                against=BARE,
                baseline=of(theirs, name),
            )


def person(number: int) -> dict[str, Any]:
    """A registration's body."""
    return {
        "person": {
            "given_name": f"Aino{number}",
            "family_name": "Meriläinen",
            "email": f"aino.{number}@yliopisto.example",
            "organisation": "Esimerkkiyliopisto",
            "language": "sv",
        }
    }


def _ours(bench: BenchStack, url: str, at_once: int) -> Figures:
    many = _many(bench, at_once)
    seats = many // 3
    event = _published(bench, url, capacity=seats)
    path, token = f"/v1/events/{event}/registrations", bench.token("coordinator")
    answers = load.closed(url, (load.post(path, person(n), token=token) for n in range(many)), connections=at_once)
    load.must_be(201, answers)
    states = Counter(answer.json["state"] for answer in answers)
    assert states == {"confirmed": seats, "waitlisted": many - seats}, states
    line = connect(bench.mongodb_uri, "uso_events")["registrations"].find({"event_id": event}).sort("queue_number", 1)
    _check_order(answers, [row["_id"] for row in line])
    return load.latencies(answers)


def _check_order(answers: Sequence[load.Answer], line: Sequence[str]) -> None:
    """Who was answered before another asked stands before them. Raises AssertionError."""
    by_id = {answer.json["id"]: answer for answer in answers}
    assert sorted(by_id) == sorted(line)
    latest_asked = float("-inf")
    for identifier in line:
        assert by_id[identifier].answered >= latest_asked, "somebody was overtaken"
        latest_asked = max(latest_asked, by_id[identifier].sent)


def _bare(bench: BenchStack, url: str, db: Database, at_once: int) -> Figures:
    many, event = _many(bench, at_once) // 3, bench.name("event")
    db["seats"].insert_one({"_id": event, "taken": 0, "waiting": 0, "capacity": many // 3})
    requests_ = (load.post(f"/seats/{event}", person(number)) for number in range(many))
    return load.latencies(load.must_be(201, load.closed(url, requests_, connections=at_once)))


def _many(bench: BenchStack, at_once: int) -> int:
    return bench.many(900, 150) if at_once < 20 else bench.many(1800, 300)


def _published(bench: BenchStack, url: str, *, capacity: int) -> str:
    headers = {"Authorization": f"Bearer {bench.token('manager')}"}
    body = {
        "kind": "webinar",
        "title": {"fi": "Tilannekuva", "sv": "Lägesbild"},
        "starts_at": "2099-01-01T12:00:00Z",
        "ends_at": "2099-01-01T13:00:00Z",
        "capacity": capacity,
        "waitlist": True,
        "audience": {"open_to": "public"},
    }
    made = requests.post(f"{url}/v1/events", json=body, headers=headers, timeout=30)
    assert made.status_code == 201, made.text
    path = f"{url}/v1/events/{made.json()['id']}/transitions"
    moved = requests.post(path, json={"to": "published"}, headers=headers, timeout=30)
    assert moved.status_code == 200, moved.text
    return str(made.json()["id"])
