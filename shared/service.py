"""A service as its `app.py` puts it together, and its three kinds of process."""

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import Flask
from flask_smorest import Blueprint
from pymongo import IndexModel

from shared.http.app import create_app
from shared.lease import Lease, unique_holder
from shared.messaging.subscriptions import Projection, Subscriptions
from shared.messaging.topics import Topic
from shared.migrations import Migration, migrate
from shared.mongo.aggregates import Aggregate
from shared.mongo.database import Database, connect
from shared.periodic import PeriodicTask
from shared.processes import run_api, run_relay, run_worker
from shared.settings import Settings, read_settings
from shared.telemetry.logs import configure_logs


def _nothing(settings: Settings, db: Database) -> Iterable[object]:
    return ()


def _no_tasks(settings: Settings, db: Database) -> Sequence[PeriodicTask]:
    return ()


class Extension(Protocol):
    """A part of every service, such as the operators' routes."""

    @property
    def routes(self) -> Blueprint: ...

    @property
    def collections(self) -> Mapping[str, Sequence[IndexModel]]: ...

    def provides(self, service: "Service", settings: Settings, db: Database) -> Iterable[object]: ...

    def tasks(self, service: "Service", settings: Settings, db: Database) -> Iterable[PeriodicTask]: ...


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of a service. Nothing connects before a process runs or `prepare` is called.

    `routes` are the blueprints of its HTTP interface, `provides` makes the objects that its views ask for by
    type, `topics` are those that it alone writes, `subscriptions` its handlers of messages, `tasks` the
    periodic tasks of its workers, `collections` the indexes of other collections than of aggregates and projections,
    `migrations` what this release changes of the documents that earlier ones have stored,
    `commands` what an operator may have it do once, by name, instead of one of the processes.
    """

    name: str
    description: str
    aggregates: Sequence[Aggregate[Any]]
    topics: Sequence[Topic]
    routes: Sequence[Blueprint]
    provides: Callable[[Settings, Database], Iterable[object]] = _nothing
    subscriptions: Subscriptions = field(default_factory=dict)
    tasks: Callable[[Settings, Database], Sequence[PeriodicTask]] = _no_tasks
    collections: Mapping[str, Sequence[IndexModel]] = field(default_factory=dict)
    extensions: Sequence[Extension] = ()
    migrations: Sequence[Migration] = ()
    commands: Mapping[str, Callable[[Settings, Database], object]] = field(default_factory=dict)

    @property
    def projections(self) -> dict[str, Projection]:
        """The service's projections of other services' aggregates, by topic."""
        return {
            topic: handler
            for topic, handlers in self.subscriptions.items()
            for handler in handlers
            if isinstance(handler, Projection)
        }

    def prepare(self, db: Database) -> None:
        """Makes the collections and indexes that do not exist yet, and does the migrations that nobody has done."""
        indexes = {projection.collection: projection.indexes for projection in self.projections.values()}
        for extension in self.extensions:
            indexes |= extension.collections
        db.prepare(self.aggregates, {**indexes, **self.collections})
        self.migrate(db)

    def migrate(self, db: Database, *, to: int | None = None) -> None:
        """Does what is missing; with `to`, undoes what is above it as well. Raises what a migration raises."""
        lease = Lease(db, f"{self.name}-migrations", unique_holder(self.name))
        migrate(db, self.migrations, lease, to=to)

    def app(self, settings: Settings, db: Database) -> Flask:
        """The service's HTTP interface on `db`."""
        provided = [thing for extension in self.extensions for thing in extension.provides(self, settings, db)]
        return create_app(
            settings,
            title=f"USO {self.name}",
            description=self.description,
            blueprints=[*self.routes, *(extension.routes for extension in self.extensions)],
            provides=[settings, db, *self.provides(settings, db), *provided],
            checks={"mongodb": db.ping},
        )

    def wsgi(self) -> Flask:
        """The WSGI app, which gunicorn's workers load by the name `wsgi` in `app.py`."""
        settings, db = self._open()
        self.prepare(db)
        return self.app(settings, db)

    def run(self, arguments: Sequence[str]) -> None:
        """Becomes the process that the command line names: `api`, `worker` or `relay`.

        `migrate 3` makes 3 the last migration that is done, and ends: before a release that does not know the next one.
        """
        roles = {"api": self._run_api, "worker": self._run_worker, "relay": self._run_relay}
        if len(arguments) == 2 and arguments[0] == "migrate" and arguments[1].isdecimal():
            self.migrate(self._open()[1], to=int(arguments[1]))
            return
        if len(arguments) == 1 and arguments[0] in self.commands:
            settings, db = self._open()
            configure_logs(service=self.name, process=settings.process_name, level=settings.log_level)
            self.prepare(db)
            self.commands[arguments[0]](settings, db)
            return
        if len(arguments) != 1 or arguments[0] not in roles:
            raise SystemExit(f"Give one of the roles: {', '.join(roles)}; or migrate and a number.")
        gc.collect()
        gc.freeze()  # The objects of the start stay: every later garbage collection skips them.
        roles[arguments[0]]()

    def _run_api(self) -> None:
        run_api(read_settings(self.name), f"services.{self.name}.app:wsgi()")

    def _run_worker(self) -> None:
        settings, db = self._open()
        run_worker(
            settings,
            db,
            prepare=lambda: self.prepare(db),
            subscriptions=self.subscriptions,
            tasks=[
                *self.tasks(settings, db),
                *(task for extension in self.extensions for task in extension.tasks(self, settings, db)),
            ],
        )

    def _run_relay(self) -> None:
        settings, db = self._open()
        run_relay(settings, db, prepare=lambda: self.prepare(db), topics=self.topics)

    def _open(self) -> tuple[Settings, Database]:
        settings = read_settings(self.name)
        return settings, connect(settings.mongodb_uri, settings.mongodb_database, process=settings.process_name)
