"""A service as its operator sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import NotFound
from shared.messaging.subscriptions import Projection, Subscriptions
from shared.messaging.topics import Topic, service_topics
from shared.mongo.database import OFFSETS, Database
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class OpsContext:
    """The service's database and surroundings, the topics that it writes, and what it does with those it reads."""

    settings: Settings
    db: Database
    topics: Sequence[Topic]
    subscriptions: Subscriptions

    @property
    def service(self) -> str:
        return self.settings.service

    @property
    def owned(self) -> list[Topic]:
        """All topics that the service alone writes."""
        return [*self.topics, *service_topics(self.service)]

    @property
    def projections(self) -> dict[str, tuple[str, Projection]]:
        """The copies of other services' things by name, each with the topic that it follows."""
        return {
            handler.collection: (topic, handler)
            for topic, handlers in self.subscriptions.items()
            for handler in handlers
            if isinstance(handler, Projection)
        }

    def projection(self, name: str) -> tuple[str, Projection]:
        """The topic and the copy of that name. Raises NotFound."""
        if name not in self.projections:
            raise NotFound("projection", name)
        return self.projections[name]

    def offsets(self, topic: str) -> dict[int, int]:
        """For each partition the offset up to which everything has had its effect here."""
        prefix = f"uso.{self.service}/{topic}/"
        rows = self.db[OFFSETS].find({"_id": {"$gte": prefix, "$lt": prefix + ":"}})
        return {int(row["_id"].removeprefix(prefix)): row["next"] for row in rows}
