"""Which topics should be there, and which are."""

from collections.abc import Mapping

from kafka.admin import ConfigResource, ConfigResourceType

from ops.context import OpsContext
from ops.reading import admin, answering
from shared.mongo.aggregates import Document


def topics(context: OpsContext) -> list[Document]:
    """Each owned or subscribed topic and how it differs from what it should be. Raises Unavailable without Kafka."""
    owned = {topic.name: topic for topic in context.owned}
    names = sorted({*owned, *context.subscriptions})
    with answering(), admin(context.settings) as client:
        present = sorted(set(names) & set(client.list_topics()))
        described = {one["name"]: one for one in client.describe_topics(present)} if present else {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present if name in owned]
        configs = client.describe_configs(resources, config_filter="all") if resources else {}
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
            "replication": min((len(one["replica_nodes"]) for one in partitions), default=0),
            "differs": {},
        }
        if name in owned and name in described:
            wanted = owned[name].wanted_partitions(context.settings)
            row["differs"] = _differing(owned[name].wanted_config(context.settings), found.get(name, {}))
            if row["partitions"] != wanted:
                row["differs"]["partitions"] = {"wanted": str(wanted), "found": str(row["partitions"])}
            if row["replication"] < context.settings.kafka_replication_factor:
                wanted_replicas = str(context.settings.kafka_replication_factor)
                row["differs"]["replication"] = {"wanted": wanted_replicas, "found": str(row["replication"])}
        rows.append(row)
    return rows


def _differing(wanted: Mapping[str, str], found: Mapping[str, Document]) -> Document:
    values = {name: (found.get(name) or {}).get("value") for name in wanted}
    return {name: {"wanted": wanted[name], "found": value} for name, value in values.items() if value != wanted[name]}
