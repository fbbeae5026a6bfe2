"""A service for its operators."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.errors import NotFound
from shared.messaging.subscriptions import Projection, Subscriptions
from shared.messaging.topics import Topic, service_topics
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import OFFSETS, Database
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class OpsContext:
    """The service's database and settings, the topics that it writes, and its handlers of the topics that it reads."""

    settings: Settings
    db: Database
    topics: Sequence[Topic]
    subscriptions: Subscriptions
    aggregates: Sequence[Aggregate[Any]] = ()

    @property
    def service(self) -> str:
        return self.settings.service

    @property
    def owned(self) -> list[Topic]:
        """All topics that the service alone writes."""
        return [*self.topics, *service_topics(self.service)]

    @property
    def projections(self) -> dict[str, tuple[str, Projection]]:
        """The projections of other services' things by name, each with the topic that it follows."""
        return {
            handler.collection: (topic, handler)
            for topic, handlers in self.subscriptions.items()
            for handler in handlers
            if isinstance(handler, Projection)
        }

    def projection(self, name: str) -> tuple[str, Projection]:
        """The topic and the projection of that name. Raises NotFound."""
        if name not in self.projections:
            raise NotFound("projection", name)
        return self.projections[name]

    def aggregate(self, name: str) -> Aggregate[Any]:
        """The aggregate of that name that the service publishes. Raises NotFound."""
        for aggregate in self.aggregates:
            if aggregate.name == name and aggregate.topic is not None:
                return aggregate
        raise NotFound("published aggregate", name)

    def offsets(self, topic: str) -> dict[int, int]:
        """The offset of each partition up to which all records have had their effect here."""
        return self.numbered(topic, self.db[OFFSETS].find({"_id": self.offset_rows(topic)}))

    def offset_rows(self, topic: str) -> dict[str, str]:
        """The query for the consumer's rows of the topic's partitions."""
        prefix = f"uso.{self.service}/{topic}/"
        return {"$gte": prefix, "$lt": prefix + ":"}

    def numbered(self, topic: str, rows: Iterable[Document]) -> dict[int, int]:
        """Partition → offset, from the consumer's rows."""
        prefix = f"uso.{self.service}/{topic}/"
        return {int(row["_id"].removeprefix(prefix)): row["next"] for row in rows}
