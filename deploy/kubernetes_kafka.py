"""Writes Strimzi's KafkaTopics and KafkaUsers from the services' own lists: `python -m deploy.kubernetes_kafka`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from deploy.kafka_rights import SERVICES, Principal, Right, owned_topics, principals
from shared.messaging.topics import Topic
from shared.settings import Settings

FOLDER = Path(__file__).with_name("kubernetes") / "kafka"
API = "kafka.strimzi.io/v1"
LABELS = {"strimzi.io/cluster": "kafka"}
REPLICAS = 3
NOTE = "# Written by `python -m deploy.kubernetes_kafka`.\n"


def files() -> dict[Path, str]:
    """Each file's content."""
    settings = Settings.for_tests(service="kubernetes")
    topics = [_topic(topic, settings) for service in SERVICES for topic in owned_topics(service)]
    return {
        FOLDER / "topics.yaml": _documents(topics),
        FOLDER / "users.yaml": _documents(_user(principal) for principal in principals()),
    }


def _topic(topic: Topic, settings: Settings) -> dict[str, Any]:
    spec = {
        "topicName": topic.name,
        "partitions": topic.wanted_partitions(settings),
        "replicas": REPLICAS,
        "config": topic.wanted_config(settings, REPLICAS),
    }
    return _resource("KafkaTopic", topic.name, spec)


def _user(principal: Principal) -> dict[str, Any]:
    spec = {
        "authentication": {"type": "scram-sha-512"},
        "authorization": {"type": "simple", "acls": [_acl(right) for right in principal.rights]},
    }
    return _resource("KafkaUser", principal.name, spec)


def _acl(right: Right) -> dict[str, Any]:
    pattern = "prefix" if right.is_prefix else "literal"
    resource = {"type": right.kind, "name": right.name, "patternType": pattern}
    return {"resource": resource, "operations": list(right.operations)}


def _resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "labels": LABELS}, "spec": spec}


def _documents(documents: Iterable[dict[str, Any]]) -> str:
    return NOTE + "".join(f"---\n{yaml.safe_dump(document, sort_keys=False)}" for document in documents)


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content)
