"""The examination of messages: topics, the outbox, the lag of workers, and dead letters."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ops.context import OpsContext
from ops.doctor.findings import Finding, advice, wrong
from ops.lag import lag
from ops.outbox import outbox
from ops.reading import ANSWER_SECONDS, TopicReader, admin, reader
from ops.topics import topics
from shared.messaging.dead_letter_limit import DeadLetterLimit
from shared.mongo.database import DEAD_LETTERS, OFFSETS

# More than a worker handles in a second: it is late, or away.
LAG_LIMIT = 1000
# A relay that has died is replaced within twenty seconds: a message that waits for a minute is late.
LATE_SECONDS = 60.0
SAFE_BROKERS = 3


def topic_settings(context: OpsContext) -> Iterator[Finding]:
    for row in topics(context):
        name = row["topic"]
        if not row["exists"]:
            owner = "this service" if row["owned"] else name.split(".")[1]
            yield wrong(
                f"{name} does not exist, or this service has no right to see it.",
                f"Start a relay of {owner}, which makes it, or give the principal of this service its rights.",
            )
        elif "partitions" in row["differs"]:
            found = row["differs"]["partitions"]["found"]
            yield wrong(
                f"{name} has another number of partitions ({found}) than the settings say: its relay does not start.",
                "Set KAFKA_PARTITIONS or KAFKA_PARTITIONS_BUSY to what is there; never add partitions.",
            )
        elif row["differs"]:
            yield wrong(
                f"{name} differs from what it should be: {_differences(row['differs'])}.",
                "Restart a relay of this service, which sets what is safe to set; change the rest by hand.",
            )


def replaced_topics(context: OpsContext) -> Iterator[Finding]:
    """Findings of offsets that belong to an earlier log of their topic: it was lost, cut or made anew."""
    rows = {row["_id"]: row for row in context.db[OFFSETS].find()}
    with reader(context.settings, seconds=ANSWER_SECONDS) as consumer:
        there = [topic for topic in sorted(context.subscriptions) if consumer.partitions_for_topic(topic)]
        ids = {topic: str(consumer._cluster.topic_id(topic)) for topic in there}
        for topic in there:
            ends = TopicReader(consumer, topic, ANSWER_SECONDS).ends()
            known = {number: rows.get(f"uso.{context.service}/{topic}/{number}") for number in ends}
            anew = [number for number, row in known.items() if row and row.get("topic_id", ids[topic]) != ids[topic]]
            cut = [number for number, row in known.items() if row and row["next"] > ends[number]]
            if anew or cut:
                yield wrong(
                    f"{topic} was lost, cut or made anew after {context.service} read it "
                    f"(partitions {', '.join(map(str, sorted({*anew, *cut})))}).",
                    "Its workers begin again by themselves when they run. If records are missing: uso ops republish "
                    "at the owner, then uso ops rebuild here.",
                )


def reading(context: OpsContext) -> Iterator[Finding]:
    """Findings about the number of brokers, and about the workers that read from them."""
    group = f"uso.{context.service}"
    if why := DeadLetterLimit(context.db, group).exceeded():
        yield wrong(
            f"The workers have stopped themselves: {why}.",
            "Mend the release or go back, restart the workers, then redrive (docs/runbooks/UsoConsumerHalted.md).",
        )
    with admin(context.settings) as client:
        brokers = len(client.describe_cluster()["brokers"])
        names = Counter(member["client_id"] for member in client.describe_groups([group])[group]["members"])
    if brokers < SAFE_BROKERS:
        yield advice(
            f"Kafka has {brokers} broker(s): the loss of one loses or stops every topic.",
            "Run three brokers with replication 3.",
        )
    if not names:
        yield wrong("No worker reads messages.", "Start a worker of this service, and look at its log.")
    for name in sorted(name for name, count in names.items() if count > 1):
        yield advice(f"Two workers are named {name}.", "Give each process a PROCESS_NAME of its own, or none.")
    for topic, waiting in sorted(_waiting(lag(context)).items()):
        if waiting > LAG_LIMIT:
            yield wrong(
                f"{waiting:,} messages of {topic} wait.",
                "Where moved_at in uso ops lag goes on, start more workers; where it stands still, look at their logs.",
            )


def outbox_and_relay(context: OpsContext) -> Iterator[Finding]:
    now = outbox(context.db, context.service)
    if not now["relay_leads"]:
        yield wrong(
            "No relay leads: nobody hears of this service's changes.",
            "Start a relay, or look why it ends (docs/runbooks/UsoNoRelayLeads.md).",
        )
    for row in now["blocking"]:
        yield wrong(
            f"The row {row['_id']} for {row['topic']} is too large for Kafka and holds up all behind it.",
            f"Make the {row['kind'] or 'record'} smaller, then: uso ops outbox skip {row['_id']} --reason …",
        )
    if now["oldest_seconds"] > LATE_SECONDS:
        yield wrong(
            f"{now['depth']:,} changes wait for the relay, the oldest for {now['oldest_seconds']:.0f} s.",
            "Look at the relay's log and whether Kafka has enough replicas in sync.",
        )


def dead_letter_store(context: OpsContext) -> Iterator[Finding]:
    dead: dict[str, int] = {
        row["_id"]: row["count"]
        for row in context.db[DEAD_LETTERS].aggregate(
            [{"$match": {"state": "dead"}}, {"$group": {"_id": "$about.topic", "count": {"$sum": 1}}}]
        )
    }
    for topic, count in sorted(dead.items()):
        yield wrong(
            f"{count:,} messages of {topic} could not be handled.",
            "uso ops dead-letters list names the errors; mend the cause, then redrive or discard them.",
        )


def _waiting(rows: list[dict[str, Any]]) -> Counter[str]:
    waiting: Counter[str] = Counter()
    for row in rows:
        waiting[row["topic"]] += row.get("lag") or 0
    return waiting


def _differences(differs: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(
        f"{name} is {setting['found']}, not {setting['wanted']}" for name, setting in sorted(differs.items())
    )
