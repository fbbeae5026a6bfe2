"""The three services' HTTP interfaces on real databases: what they promise alike is tested alike."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from pymongo import MongoClient
from werkzeug.routing import Rule

from shared.ids import new_id
from shared.mongo.database import Database
from shared.service import Service
from shared.settings import Settings
from tests.events.builders import webinar
from tests.support import Client, Keys

Json = dict[str, Any]

NUMBERS = itertools.count(5)
SERVICES = ("enrolment", "events", "notifications")


def organisation() -> Json:
    return {"kind": "other", "name": {"fi": f"Kuntaliitto {new_id()}"}}


def suppression() -> Json:
    return {"email": f"{new_id()}@kunta.example"}


@dataclass(frozen=True, kw_only=True)
class Example:
    """How one makes a thing in a service, and how one changes one: `change` with a new body of `changed` each time.

    `another` are the fields that make a request of its own out of any other.
    """

    collection: str
    body: Callable[[], Json]
    another: Json
    wrong: Json
    change: str
    path: str
    changed: Callable[[], Json]


EXAMPLES = {
    "enrolment": Example(
        collection="/v1/organisations",
        body=organisation,
        another={"name": {"fi": "Toinen"}},
        wrong={"kind": "village", "name": {"fi": 5}, "mayor": "Aino"},
        change="PATCH",
        path="/v1/organisations/{id}",
        changed=lambda: {"population": next(NUMBERS)},
    ),
    "events": Example(
        collection="/v1/events",
        body=webinar,
        another={"capacity": 7},
        wrong={"kind": "party", "title": {"fi": 5}, "dj": "Aino"},
        change="PATCH",
        path="/v1/events/{id}",
        changed=lambda: {"capacity": next(NUMBERS)},
    ),
    "notifications": Example(
        collection="/v1/suppressions",
        body=suppression,
        another={"email": "toinen@kunta.example"},
        wrong={"email": "aino", "reason": 5, "mayor": "Aino"},
        change="PUT",
        path="/v1/templates/event_changed/fi",
        changed=lambda: {"subject": f"Muutos {next(NUMBERS)}", "body": "Hei {{ contact.given_name }}!"},
    ),
}


@dataclass(kw_only=True)
class Api:
    """One service's HTTP interface under test."""

    service: Service
    settings: Settings
    db: Database
    app: Flask
    client: Client
    example: Example

    @property
    def rules(self) -> list[tuple[str, Rule]]:
        """Every method and route."""
        return [
            (method, rule)
            for rule in self.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]

    def url(self, rule: Rule) -> str:
        """An address of the route, of things that are not there."""
        address = rule.rule.replace("<path:path>", "index.html")
        return re.sub(r"<\w+>", new_id(), re.sub(r"<int:\w+>", "1", address))

    def make(self, body: Json | None = None, **options: Any) -> Any:
        """The answer to a POST of the example."""
        return self.client.post(self.example.collection, json=body or self.example.body(), **options)

    def changeable(self) -> str:
        """The path of something that can be changed."""
        return self.example.path.format(id=self.make().json["id"])

    def change(self, path: str, *, body: Json | None = None, **headers: str) -> Any:
        """The answer to a change of it, another one each time unless `body` says what."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.call(self.example.change, path, json=body or self.example.changed(), headers=names)


@pytest.fixture(scope="session")
def api_of(mongo: MongoClient[Json], keys: Keys, settings_for: Callable[..., Settings]) -> Iterator[Callable[..., Api]]:
    """The interface of a service by name, the same for all tests of a run; `kafka=True` with a broker that is there."""
    made: dict[tuple[str, bool], Api] = {}

    def make(name: str, *, kafka: bool = False) -> Api:
        if (name, kafka) not in made:
            service: Service = import_module(f"services.{name}.app").SERVICE
            settings, db = settings_for(name, kafka=kafka), Database(mongo, f"test_http_{name}_{new_id()[-12:]}")
            service.prepare(db)
            app = service.app(settings, db)
            client, example = Client(app, keys), EXAMPLES[name]
            made[name, kafka] = Api(service=service, settings=settings, db=db, app=app, client=client, example=example)
        return made[name, kafka]

    yield make
    for api in made.values():
        mongo.drop_database(api.db.raw.name)


@pytest.fixture(params=SERVICES)
def api(request: pytest.FixtureRequest, api_of: Callable[..., Api]) -> Api:
    return api_of(request.param)
