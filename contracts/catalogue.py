"""The message catalogue: all topics on one page, generated from the services' own descriptions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from contracts.asyncapi import is_personal, public_topics
from contracts.compatibility import Contract
from contracts.shapes import Json, MessageType, as_text, message_types
from shared.messaging.topics import DAY_MS, Topic, service_topics
from shared.service import Service

TEMPLATE = Path(__file__).with_name("catalogue.md.jinja")


def catalogue(services: Sequence[Service], promised: Contract, examples: Mapping[str, Json]) -> str:
    """The catalogue in Markdown."""
    types = list(message_types(services))
    return _template().render(
        topics=[_entry(topic, service, services, types, promised, examples) for service, topic in _owned(services)],
        dead_letters=promised.asyncapi["components"]["messages"]["dead-letter"],
        internal=[
            topic.name
            for service in services
            for topic in service_topics(service.name)
            if topic not in public_topics(service)
        ],
    )


def _entry(
    topic: Topic,
    owner: Service,
    services: Sequence[Service],
    types: Sequence[MessageType],
    promised: Contract,
    examples: Mapping[str, Json],
) -> Json:
    published = [message for message in types if message.topic == topic.name]
    return {
        "name": topic.name,
        "about": topic.about,
        "owner": owner.name,
        "key": f"the id of the {published[0].aggregate.name}" if published else "",
        "readers": [
            {"service": service.name, "uses": [handler.name for handler in service.subscriptions[topic.name]]}
            for service in services
            if topic.name in service.subscriptions
        ],
        "kept": retention(topic),
        "partitions": promised.asyncapi["channels"][topic.name]["bindings"]["kafka"]["partitions"],
        "partitions_setting": "KAFKA_PARTITIONS_BUSY" if topic.busy else "KAFKA_PARTITIONS",
        "types": published,
        "fields": _fields(promised.schemas[published[0].full_name]) if published else [],
        "example": as_text(examples[published[-1].full_name]).rstrip() if published else "",
    }


def _fields(schema: Json) -> list[Json]:
    state = schema["properties"]["data"]["properties"]["state"]
    return [
        {"name": name, "kind": _kind(shape), "about": shape.get("description", "")}
        for name, shape in state["properties"].items()
    ]


def _kind(shape: Json) -> str:
    if "enum" in shape:
        return ", ".join("null" if value is None else f"`{value}`" for value in shape["enum"])
    kinds = [shape["type"]] if isinstance(shape["type"], str) else shape["type"]
    named = [shape["format"] if kind == "string" and "format" in shape else kind for kind in kinds]
    return " or ".join(named)


def retention(topic: Topic) -> str:
    """How long what stands there, as a sentence has it."""
    if topic.config["cleanup.policy"] == "delete":
        return f"every record for {_days(topic, 'retention.ms')} days"
    kept = "the newest message of each key for ever, older ones for at least "
    kept += f"{_days(topic, 'min.compaction.lag.ms')} days (`KAFKA_ABSENCE_HOURS`)"
    if is_personal(topic):
        kept += f" and about a day more; a tombstone for {_days(topic, 'delete.retention.ms')} days"
    return kept


def _days(topic: Topic, setting: str) -> int:
    return int(topic.config[setting]) // DAY_MS


def _owned(services: Sequence[Service]) -> list[tuple[Service, Topic]]:
    """The topics with their owners: those of aggregates first."""
    pairs = [(service, topic) for service in services for topic in public_topics(service)]
    return sorted(pairs, key=lambda pair: pair[1] not in pair[0].topics)


def _template() -> Template:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
