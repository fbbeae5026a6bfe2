"""Real Kafka and real MongoDB, once for all tests; a database for each service, emptied after each test."""

import io
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet
from flask import Flask
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern
from rich.console import Console

from deploy.local.demo.story import run_story
from deploy.local.demo.story_state import StoryState
from deploy.local.stack import Stack
from shared.ids import new_id
from shared.mongo.database import Database
from shared.service import Service
from shared.settings import Settings
from tests.support import Client, Keys
from tests.support.clients import AUDIENCE, ISSUER

pytest_plugins = ["tests.in_parallel"]
# structlog's own default draws each traceback with all variables: a second and more for a line of the log.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
SEALING_KEY, SIGNING_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(scope="session")
def back_ends(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Kafka and MongoDB: those that the environment names, or our own; the same for all of a run's processes."""
    shared = getattr(request.config, "workerinput", {}).get("back_ends")
    if shared is not None:
        yield shared
        return
    with Stack(tmp_path_factory.mktemp("stack"), keep=False, services=()) as stack:
        yield stack.info


@pytest.fixture(scope="module")
def season_printed() -> Console:
    """What the demo prints while it tells its story."""
    return Console(file=io.StringIO(), record=True, width=200)


@pytest.fixture(scope="module")
def season_told(tmp_path_factory: pytest.TempPathFactory, season_printed: Console) -> Iterator[StoryState]:
    """The demo's story on a whole stack: every process of every service, for a file's tests that look at it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "SMTP_URL"):
            patch.delenv(name, raising=False)  # the story needs servers that have not heard it
        stack = Stack(tmp_path_factory.mktemp("season"), keep=False)
        try:
            stack.start()
            yield run_story(stack.info, season_printed)
        finally:
            stack.stop()


@pytest.fixture(scope="session")
def mongo(back_ends: dict[str, Any]) -> Iterator[MongoClient[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(back_ends["mongodb"]["uri"], tz_aware=True, maxPoolSize=200)
    yield client
    client.close()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def databases(mongo: MongoClient[dict[str, Any]]) -> Iterator[Callable[[str], Database]]:
    """A service's database, the same for all tests of a run; dropped after the last of them."""
    made: dict[str, Database] = {}

    def make(service: str) -> Database:
        if service not in made:
            made[service] = Database(mongo, f"test_{service}_{new_id()[-12:]}")
        return made[service]

    yield make
    for db in made.values():
        mongo.drop_database(db.raw.name)


@pytest.fixture
def db_for(databases: Callable[[str], Database]) -> Iterator[Callable[[str], Database]]:
    """A database without documents for a service. Its collections and indexes stay for the next test."""
    used: dict[str, Database] = {}
    yield lambda service: used.setdefault(service, databases(service))
    for db in used.values():
        empty(db)


def empty(db: Database) -> None:
    """Deletes all documents. Emptying takes a thirtieth of the time that making the collections anew takes."""
    quick = db.raw.with_options(write_concern=WriteConcern(1))
    collections = quick.list_collection_names()
    for collection in collections:
        quick[collection].delete_many({})
    if collections:
        db.raw[collections[0]].delete_many({})  # with the majority's word, which covers all before it


@pytest.fixture(scope="session")
def settings_for(request: pytest.FixtureRequest, keys: Keys) -> Callable[..., Settings]:
    """Settings of a service; `kafka=True` with the real broker's address."""

    def make(service: str, *, kafka: bool = False, **changes: Any) -> Settings:
        servers = ["127.0.0.1:9"]
        if kafka:
            servers = request.getfixturevalue("back_ends")["kafka"]["bootstrap_servers"].split(",")
        usual: dict[str, Any] = {
            "service": service,
            "process_name": f"{service}-test",
            "kafka_bootstrap_servers": servers,
            "kafka_partitions": 3,
            "kafka_partitions_busy": 3,
            "http_port": 0,
            "http_threads": 8,
            "jwks": str(keys.jwks),
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "sealing_keys": [SEALING_KEY],
            "signing_keys": [SIGNING_KEY],
            **{f"public_url_{name}": f"http://{name}.example" for name in ("enrolment", "events", "notifications")},
            "log_level": "WARNING",
        }
        return Settings.for_tests(**(usual | changes))

    return make


@pytest.fixture(scope="session")
def apps(databases: Callable[[str], Database], settings_for: Callable[..., Settings]) -> Callable[[Service], Flask]:
    """A service's interface on its database; the same for all tests of a run, since it takes a tenth of a second."""
    made: dict[str, Flask] = {}

    def make(service: Service) -> Flask:
        if service.name not in made:
            made[service.name] = service.app(settings_for(service.name), databases(service.name))
        return made[service.name]

    return make


@pytest.fixture
def client_for(keys: Keys) -> Callable[[Flask], Client]:
    return lambda app: Client(app, keys)


@pytest.fixture
def client_of(
    db_for: Callable[[str], Database], apps: Callable[[Service], Flask], client_for: Callable[[Flask], Client]
) -> Callable[[Service], Client]:
    """A client of a service that is ready for use, on the database that `db_for` gives for it."""

    def make(service: Service) -> Client:
        service.prepare(db_for(service.name))
        return client_for(apps(service))

    return make


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A folder for a stack of the test's own, short enough for sockets."""
    return tmp_path if len(str(tmp_path)) < 60 else Path(os.path.relpath(tmp_path))


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Ids and times in parameters differ in each process; a test's name, by which they are shared out, may not."""
    if isinstance(val, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|20\d\d-\d\d-\d\dT.*", val):
        return argname
    return None
