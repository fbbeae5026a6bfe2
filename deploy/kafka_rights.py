"""What each process may do at Kafka, reckoned from the services' own lists: no more than it needs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.enrolment.app import SERVICE as ENROLMENT
from services.events.app import SERVICE as EVENTS
from services.notifications.app import SERVICE as NOTIFICATIONS
from shared.messaging.topics import Topic, service_topics
from shared.service import Service

SERVICES = (ENROLMENT, EVENTS, NOTIFICATIONS)
ACKNOWLEDGEMENTS = {f"uso.{service.name}.acknowledgements.v1" for service in SERVICES}


@dataclass(frozen=True, kw_only=True)
class Right:
    """Operations on one resource, or on all whose names begin so."""

    kind: str
    name: str
    operations: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A process's user at the brokers."""

    name: str
    rights: tuple[Right, ...]


def owned_topics(service: Service) -> list[Topic]:
    """The topics that the service alone writes."""
    return [*service.topics, *service_topics(service.name)]


def principals() -> list[Principal]:
    """One for each kind of process of each service."""
    return [
        Principal(name=f"{service.name}-{role}", rights=tuple(rights(service)))
        for service in SERVICES
        for role, rights in (("api", _api), ("worker", _worker), ("relay", _relay))
    ]


def _api(service: Service) -> Iterator[Right]:
    """The operator's views show its own topics' settings and count what waits in others'; it writes nothing."""
    yield _own(service, "Describe", "DescribeConfigs")
    yield from _subscribed(service)
    yield Right(kind="group", name=f"uso.{service.name}", operations=("Describe",))


def _worker(service: Service) -> Iterator[Right]:
    """It writes nothing either: dead letters go through the journal, and so by the relay."""
    yield from _subscribed(service)
    yield Right(kind="group", name=f"uso.{service.name}", operations=("Read", "Describe"))


def _relay(service: Service) -> Iterator[Right]:
    """It reads its own topics for what a crash of a broker has left, and others' for how long the workers are away."""
    yield _own(service, "Create", "Write", "Read", "Describe", "DescribeConfigs", "AlterConfigs")
    yield from _subscribed(service)
    # With the number of the shard behind it.
    relay = f"uso.{service.name}.relay"
    yield Right(kind="transactionalId", name=relay, operations=("Write", "Describe"), is_prefix=True)


def _own(service: Service, *operations: str) -> Right:
    return Right(kind="topic", name=f"uso.{service.name}.", operations=operations, is_prefix=True)


def _subscribed(service: Service) -> Iterator[Right]:
    for topic in sorted(service.subscriptions):
        yield Right(kind="topic", name=topic, operations=("Read", "Describe"))


def subscriber(name: str, topics: Iterable[str]) -> Principal:
    """A foreign system that reads these topics, with groups whose names begin with its own."""
    readable = [Right(kind="topic", name=topic, operations=("Read", "Describe")) for topic in topics]
    group = Right(kind="group", name=f"{name}.", operations=("Read", "Describe"), is_prefix=True)
    return Principal(name=name, rights=(*readable, group))


def impersonal_topics() -> list[str]:
    """What a foreign system may read without a reason of its own: nothing about people, nor what we tell ourselves."""
    published = [topic for service in SERVICES for topic in service.topics if topic.name not in ACKNOWLEDGEMENTS]
    return [topic.name for topic in published if "max.compaction.lag.ms" not in topic.config]


def local_principals() -> list[Principal]:
    """Those of a stack on one machine: each kind of process, the demo's storyteller, and a foreign subscriber."""
    everything = Right(kind="topic", name="uso.", operations=("Read", "Describe"), is_prefix=True)
    storyteller = Principal(name="demo", rights=(everything,))
    return [*principals(), storyteller, subscriber("subscriber", impersonal_topics())]
