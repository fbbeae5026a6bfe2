"""The topics as an AsyncAPI 3.0 document."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.shapes import Json, MessageType, message_types
from shared.cloudevents import CONTENT_TYPE, HEADERS
from shared.kafka_settings import KafkaSettings
from shared.messaging.dead_letters import ABOUT, HEADER_PREFIX
from shared.messaging.topics import Topic, dead_letters, service_topics
from shared.service import Service

BINDING = "0.5.0"
TOMBSTONE = "tombstone"
DEAD_LETTER = "dead-letter"
DESCRIPTION = """\
Everything that happens in the network's enrolments, events and notifications. A message is a CloudEvents 1.0
document in JSON (structured mode) with the full state of what changed, and its key is the id of that.

**Read with `isolation.level=read_committed`**: what a relay wrote in a transaction that was never committed is on
the topics too. Be ready for the same message (`source`, `id`) twice, and leave a message alone whose `sequence` is
not above the one that you hold. Order holds for each key. Members and types that you do not know are to be ignored."""


def public_topics(service: Service) -> list[Topic]:
    """The topics that other services may read: all but the relay's own."""
    return [
        *service.topics,
        *(topic for topic in service_topics(service.name) if topic.name == dead_letters(service.name)),
    ]


def is_personal(topic: Topic) -> bool:
    """Whether the topic holds personal data, so that a tombstone must take effect soon."""
    return "max.compaction.lag.ms" in topic.config


def asyncapi(services: Sequence[Service], *, version: str, defaults: KafkaSettings) -> Json:
    """The document. `defaults` has the number of partitions of the topics that leave it to the settings."""
    types = list(message_types(services))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "USO CRM",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "kafka": {
                "host": "{bootstrap_servers}",
                "protocol": "kafka",
                "description": "Readers set isolation.level=read_committed.",
                "variables": {
                    "bootstrap_servers": {
                        "default": "127.0.0.1:9092",
                        "description": "KAFKA_BOOTSTRAP_SERVERS; with `uso up` it stands in stack.json.",
                    }
                },
            }
        },
        "channels": {
            topic.name: _channel(topic, service, _names(topic, types), defaults)
            for service in services
            for topic in public_topics(service)
        },
        "operations": _operations(services, types),
        "components": {
            "messages": {
                **{message.full_name: _message(message) for message in types},
                TOMBSTONE: _tombstone(),
                DEAD_LETTER: _dead_letter(),
            }
        },
    }


def _names(topic: Topic, types: Iterable[MessageType]) -> list[str]:
    """The messages of a topic, by their names among the components."""
    published = [message.full_name for message in types if message.topic == topic.name]
    if not published:
        return [DEAD_LETTER]
    return [*published, TOMBSTONE] if is_personal(topic) else published


def _channel(topic: Topic, service: Service, names: Iterable[str], defaults: KafkaSettings) -> Json:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": topic.about,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "tags": [{"name": service.name, "description": "the owner: it alone writes here"}],
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.wanted_partitions(defaults),
                "topicConfiguration": {name: _configured(name, value) for name, value in topic.config.items()},
                "bindingVersion": BINDING,
            }
        },
    }


def _configured(name: str, value: str) -> Any:
    return [value] if name == "cleanup.policy" else int(value)


def _operations(services: Sequence[Service], types: Sequence[MessageType]) -> Json:
    operations: Json = {}
    for service in services:
        for topic in public_topics(service):
            operations[f"{service.name}.sends.{topic.name}"] = {
                "action": "send",
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": f"{service.name} tells: {topic.about}",
                "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _names(topic, types)],
            }
    for service in services:
        for name in service.subscriptions:
            operations[f"{service.name}.receives.{name}"] = {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": f"{service.name} keeps up with it, in the consumer group uso.{service.name}.",
                "bindings": {
                    "kafka": {
                        "groupId": {"type": "string", "enum": [f"uso.{service.name}"]},
                        "bindingVersion": BINDING,
                    }
                },
            }
    return operations


def _message(message: MessageType) -> Json:
    return {
        "name": message.full_name,
        "title": message.full_name,
        "summary": message.summary,
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "properties": {name: {"const": value.decode()} for name, value in HEADERS},
            "required": [name for name, _ in HEADERS],
        },
        "payload": {"$ref": f"./schemas/{message.full_name}.json"},
        "bindings": _key(f"The id of the {message.aggregate.name}, as in `subject` and `data.state.id`."),
    }


def _tombstone() -> Json:
    return {
        "name": TOMBSTONE,
        "title": "A tombstone",
        "summary": "A record without a value: the person was erased. Delete what you hold under this key.",
        "payload": {"type": "null"},
        "bindings": _key("The id of what was erased."),
    }


def _dead_letter() -> Json:
    headers: Mapping[str, Json] = {
        f"{HEADER_PREFIX}{name}": {"type": "string", "description": about} for name, about in ABOUT.items()
    }
    return {
        "name": DEAD_LETTER,
        "title": "A dead letter",
        "summary": "A record as it was read, with its own headers and those that say where and what went wrong.",
        "headers": {
            "type": "object",
            "properties": headers,
            "required": [name for name in headers if not name.endswith("left-out")],
        },
        "payload": {"description": "The record's bytes, whatever they were."},
        "bindings": {"kafka": {"key": {"description": "The original key."}, "bindingVersion": BINDING}},
    }


def _key(about: str) -> Json:
    key = {"type": "string", "format": "uuid", "description": about}
    return {"kafka": {"key": key, "bindingVersion": BINDING}}
