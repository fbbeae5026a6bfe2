"""The topics that should exist, compared with the existing ones."""

from collections.abc import Mapping

from kafka.admin import ConfigResource, ConfigResourceType

from ops.context import OpsContext
from ops.reading import admin, answering
from shared.kafka_settings import BROKERS_OWN
from shared.messaging.topics import replicas
from shared.mongo.aggregates import Document


def topics(context: OpsContext) -> list[Document]:
    """Each owned or subscribed topic, and its differences from its settings. Raises Unavailable without Kafka."""
    owned = {topic.name: topic for topic in context.owned}
    names = sorted({*owned, *context.subscriptions})
    with answering(), admin(context.settings) as client:
        # Three replicas outlive the loss of one while another is replaced. Fewer brokers cannot hold as many.
        usual_replicas = min(3, len(client.describe_cluster()["brokers"]))
        present = sorted(set(names) & set(client.list_topics()))
        described = (
            {description["name"]: description for description in client.describe_topics(present)} if present else {}
        )
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present if name in owned]
        configs = client.describe_configs(resources, config_filter="all") if resources else {}
    factor = context.settings.kafka_replication_factor
    wanted_replicas = usual_replicas if factor == BROKERS_OWN else factor
    found = {name: values for group in configs.values() for name, values in group.items()}
    rows = []
    for name in names:
        partitions = described.get(name, {}).get("partitions", [])
        row: Document = {
            "topic": name,
            "owned": name in owned,
            "subscribed": name in context.subscriptions,
            "exists": name in described,
            "partitions": len(partitions),
            "replication": replicas(partitions),
            "differs": {},
        }
        if name in owned and name in described:
            wanted = owned[name].wanted_partitions(context.settings)
            row["differs"] = _differing(
                owned[name].wanted_config(context.settings, wanted_replicas), found.get(name, {})
            )
            if row["partitions"] != wanted:
                row["differs"]["partitions"] = {"wanted": str(wanted), "found": str(row["partitions"])}
            if row["replication"] < wanted_replicas:
                row["differs"]["replication"] = {"wanted": str(wanted_replicas), "found": str(row["replication"])}
        rows.append(row)
    return rows


def _differing(wanted: Mapping[str, str], found: Mapping[str, Document]) -> Document:
    values = {name: (found.get(name) or {}).get("value") for name in wanted}
    return {name: {"wanted": wanted[name], "found": value} for name, value in values.items() if value != wanted[name]}
