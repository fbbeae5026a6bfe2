"""The operators' part of a service: its routes, its collections and its periodic tasks."""

from collections.abc import Iterable, Mapping, Sequence

from flask_smorest import Blueprint
from pymongo import IndexModel

from ops import api, worker
from ops.context import OpsContext
from ops.store import COLLECTIONS
from shared.mongo.database import Database
from shared.periodic import PeriodicTask
from shared.service import Service
from shared.settings import Settings


class Operations:
    """The extension that `app.py` of each service names."""

    routes: Blueprint = api.routes
    collections: Mapping[str, Sequence[IndexModel]] = COLLECTIONS

    def provides(self, service: Service, settings: Settings, db: Database) -> Iterable[object]:
        return [self.context(service, settings, db)]

    def tasks(self, service: Service, settings: Settings, db: Database) -> Iterable[PeriodicTask]:
        return worker.tasks(self.context(service, settings, db))

    def context(self, service: Service, settings: Settings, db: Database) -> OpsContext:
        """The service's OpsContext."""
        return OpsContext(
            settings=settings,
            db=db,
            topics=service.topics,
            subscriptions=service.subscriptions,
            aggregates=service.aggregates,
        )


OPERATIONS = Operations()
