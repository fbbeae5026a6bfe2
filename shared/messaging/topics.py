"""Topics: which exist, with which settings, and making sure of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from shared.messaging.kafka_clients import make_admin
from shared.settings import Settings

DAY_MS = 24 * 60 * 60 * 1000
# A message has its aggregate up to three times (the state, and what changed from and to), and a body may
# have a megabyte: with Kafka's own limit of one, a large change would hold up the relay for good.
MAX_MESSAGE_BYTES = 8_000_000


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic that a service owns: it alone writes there. `partitions` None: as the settings say.

    `about` is the sentence by which the message catalogue introduces it.
    """

    name: str
    about: str = ""
    config: dict[str, str] = field(default_factory=dict)
    partitions: int | None = None


def state_topic(name: str, about: str = "", *, personal: bool = False) -> Topic:
    """A compacted topic of full states. `personal`: a tombstone takes effect within a day.

    Tombstones stay readable for 30 days, longer than a subscriber may be away.
    """
    config = {"cleanup.policy": "compact", "delete.retention.ms": str(30 * DAY_MS)}
    if personal:
        config |= {"max.compaction.lag.ms": str(DAY_MS), "segment.ms": str(DAY_MS)}
    return Topic(name=name, about=about, config=config)


def log_topic(name: str, about: str = "", *, days: int) -> Topic:
    """A topic whose records are kept for `days`."""
    return Topic(name=name, about=about, config={"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)})


def relay_offsets(service: str) -> str:
    """Where a service's relay keeps its place in the outbox."""
    return f"uso.{service}.relay-offsets.v1"


def dead_letters(service: str) -> str:
    """Where a service puts what it could not handle."""
    return f"uso.{service}.dead-letters.v1"


def service_topics(service: str) -> list[Topic]:
    """The topics that every service owns besides those of its aggregates."""
    return [
        log_topic(dead_letters(service), f"What {service} could not handle, unchanged.", days=30),
        Topic(
            name=relay_offsets(service),
            about=f"How far {service}'s relay has come; for itself alone.",
            config={"cleanup.policy": "compact"},
            partitions=1,
        ),
    ]


def ensure_topics(topics: Iterable[Topic], settings: Settings) -> None:
    """Makes the topics that do not exist yet. Raises KafkaError when Kafka does not answer."""
    admin = make_admin(settings, settings.process_name)
    try:
        present = set(admin.list_topics())
        for topic in topics:
            if topic.name in present:
                continue
            new = NewTopic(
                name=topic.name,
                num_partitions=topic.partitions or settings.kafka_partitions,
                replication_factor=settings.kafka_replication_factor,
                topic_configs={"max.message.bytes": str(MAX_MESSAGE_BYTES), **topic.config},
            )
            try:
                admin.create_topics([new])
            except TopicAlreadyExistsError:
                continue  # another process was quicker
    finally:
        admin.close()


def missing_topics(names: Iterable[str], settings: Settings) -> list[str]:
    """Those of `names` that do not exist (yet)."""
    admin = make_admin(settings, settings.process_name)
    try:
        return sorted(set(names) - set(admin.list_topics()))
    finally:
        admin.close()


__all__ = ["KafkaError", "Topic", "ensure_topics", "log_topic", "missing_topics", "service_topics", "state_topic"]
