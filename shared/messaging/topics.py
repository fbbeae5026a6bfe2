"""Topics: their names and settings, and creating them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import TopicAlreadyExistsError

from shared.cloudevents import MAX_MESSAGE_BYTES
from shared.kafka_settings import KafkaSettings
from shared.messaging.kafka_clients import make_admin
from shared.settings import Settings
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
# A day more than a record must stay: Kafka refuses a topic whose lower limit of compaction is above the upper one.
PERSONAL_LAG_MS = DAY_MS
# Lowering one of these would lose or refuse promised records: a topic keeps a higher value than ours.
ONLY_RAISED = frozenset({"retention.ms", "delete.retention.ms", "max.message.bytes"})
# A change between compaction and deletion after a time would lose records.
NEVER_CHANGED = frozenset({"cleanup.policy"})


Described = Mapping[str, Sequence[Mapping[str, Any]]]


class WrongPartitions(LookupError):
    """A topic has another number of partitions than the settings say."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic that a service owns: it alone writes there.

    `partitions` None: as the settings say, and as they say for busy topics where `busy`. `about` is the sentence by
    which the message catalogue introduces it. `config` has the settings by Kafka's names, for the default absence.
    """

    name: str
    about: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    partitions: int | None = None
    busy: bool = False

    def wanted_partitions(self, settings: KafkaSettings) -> int:
        """The number of partitions that the topic is created with. It must never change."""
        return self.partitions or (settings.kafka_partitions_busy if self.busy else settings.kafka_partitions)

    def wanted_config(self, settings: KafkaSettings, replicas: int) -> dict[str, str]:
        """Its settings by Kafka's names, for a topic that has so many replicas."""
        wanted = {
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            # A broker that has missed acknowledged records must not lead. Two replicas must have each record.
            "unclean.leader.election.enable": "false",
            "min.insync.replicas": str(2 if replicas >= 3 else 1),
            **self.config,
        }
        if "min.compaction.lag.ms" in self.config:
            wanted |= _compaction(settings.kafka_absence_hours, personal="max.compaction.lag.ms" in self.config)
        return wanted


def state_topic(name: str, about: str = "", *, personal: bool = False, busy: bool = False) -> Topic:
    """A compacted topic of full states, which keeps every record for as long as a worker may be away.

    With `personal`, superseded and erased records are gone a day after that. Tombstones stay readable for 30 days,
    longer than a subscriber may be away.
    """
    usual = KafkaSettings(kafka_bootstrap_servers=[])
    config = {"cleanup.policy": "compact", "delete.retention.ms": str(30 * DAY_MS)}
    config |= _compaction(usual.kafka_absence_hours, personal=personal)
    return Topic(name=name, about=about, config=config, busy=busy)


def _compaction(absence_hours: int, *, personal: bool) -> dict[str, str]:
    """A superseded record that is compacted before a policy has read it never has its effect."""
    kept_ms = absence_hours * HOUR_MS
    config = {"min.compaction.lag.ms": str(kept_ms)}
    if personal:
        config |= {"max.compaction.lag.ms": str(kept_ms + PERSONAL_LAG_MS), "segment.ms": str(DAY_MS)}
    return config


def log_topic(name: str, about: str = "", *, days: int) -> Topic:
    """A topic whose records are kept for `days`."""
    return Topic(name=name, about=about, config={"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)})


def relay_offsets(service: str) -> str:
    """The topic with the resume token of a service's relay."""
    return f"uso.{service}.relay-offsets.v1"


def dead_letters(service: str) -> str:
    """The topic with the dead letters of a service."""
    return f"uso.{service}.dead-letters.v1"


def service_topics(service: str) -> list[Topic]:
    """The topics that every service owns besides those of its aggregates."""
    return [
        log_topic(dead_letters(service), f"What {service} could not handle, unchanged.", days=30),
        Topic(
            name=relay_offsets(service),
            about=f"How far {service}'s relay has come; for itself alone.",
            config={
                "cleanup.policy": "compact",
                # Kafka never compacts the active segment: with the usual size it would hold a million tokens, and
                # each start of the relay would read them all.
                "segment.bytes": str(4 * 1024 * 1024),
                "segment.ms": str(HOUR_MS),
                "min.cleanable.dirty.ratio": "0.01",
            },
            partitions=1,
        ),
    ]


def ensure_topics(topics: Iterable[Topic], settings: Settings) -> None:
    """Makes the topics that do not exist yet, and brings the settings of the others up to date where that is safe.

    Raises KafkaError when Kafka does not answer, and WrongPartitions for a topic with a wrong number of partitions,
    which cannot be changed in place.
    """
    topics = list(topics)
    admin = make_admin(settings, settings.process_name)
    try:
        present = set(admin.list_topics())
        for topic in topics:
            if topic.name in present:
                continue
            new = NewTopic(
                name=topic.name,
                num_partitions=topic.wanted_partitions(settings),
                replication_factor=settings.kafka_replication_factor,
                topic_configs=topic.wanted_config(settings, settings.kafka_replication_factor),
            )
            with suppress(TopicAlreadyExistsError):  # another process was quicker
                admin.create_topics([new])
        # The new topics are described too: only now is the number of their replicas known.
        described = {
            each["name"]: each["partitions"] for each in admin.describe_topics([topic.name for topic in topics])
        }
        found = {name: partitions for name, partitions in described.items() if partitions}
        _check_partitions(found, topics, settings)
        _update_settings(admin, found, topics, settings)
    finally:
        admin.close()


def replicas(partitions: Sequence[Mapping[str, Any]]) -> int:
    """The number of replicas of each record of a topic, from the description of its partitions."""
    return min((len(partition["replica_nodes"]) for partition in partitions), default=0)


def _check_partitions(found: Described, topics: Iterable[Topic], settings: Settings) -> None:
    wanted = {topic.name: topic.wanted_partitions(settings) for topic in topics if topic.name in found}
    wrong = [
        f"{name} has {len(found[name])} and should have {number}"
        for name, number in wanted.items()
        if len(found[name]) != number
    ]
    if wrong:
        raise WrongPartitions(
            f"The number of partitions cannot be changed in place: {'; '.join(wrong)}. A key would stand on two "
            "of them for ever. Set KAFKA_PARTITIONS and KAFKA_PARTITIONS_BUSY to what is there; "
            "docs/operations.md says how to get more."
        )


def _update_settings(admin: Any, partitions: Described, topics: Iterable[Topic], settings: Settings) -> None:
    """Changes the settings that differ, but never to a weaker value. A principal without the right gets a warning."""
    wanted = {
        topic.name: topic.wanted_config(settings, replicas(partitions[topic.name]))
        for topic in topics
        if topic.name in partitions
    }
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    described = admin.describe_configs(resources, config_filter="all").get("topic", {})
    for name, config in wanted.items():
        found = {setting: str(value["value"]) for setting, value in described.get(name, {}).items()}
        changes = {setting: value for setting, value in config.items() if found.get(setting) != value}
        safe = {setting: value for setting, value in changes.items() if _is_safe(setting, found.get(setting), value)}
        if kept := sorted(changes.keys() - safe.keys()):
            log.warning("settings of a topic are left as they are", topic=name, settings=kept)
        if not found or not safe:
            continue
        done = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, safe)], raise_on_unknown=False)
        outcome = done.get("topic", {}).get(name)
        if outcome == "OK":
            log.info("settings of a topic changed", topic=name, settings=safe)
        else:
            log.warning("settings of a topic could not be changed", topic=name, settings=safe, why=outcome)


def _is_safe(setting: str, found: str | None, wanted: str) -> bool:
    if setting in NEVER_CHANGED:
        return False
    return setting not in ONLY_RAISED or found is None or int(found) < int(wanted)
