"""Where the measurements run: real Kafka and MongoDB, with databases, topics and processes for each of them."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
from cryptography.fernet import Fernet
from kafka import KafkaProducer
from pymongo import MongoClient

from deploy.local.ports import HOST, Ports
from deploy.local.stack import Stack
from deploy.local.supervision import MARK
from deploy.local.tokens import AUDIENCE, ISSUER
from shared.messaging.topics import Topic, ensure_topics
from shared.mongo.database import Database, connect
from shared.settings import Settings
from tests.support import wait_for

PARTITIONS = 6


@dataclass
class BenchStack:
    """A running stack's back ends. `quick` asks for small measurements that show whether everything works."""

    stack: Stack
    directory: Path
    quick: bool
    report: Callable[[str], None] = print
    secret: str = field(default_factory=lambda: Fernet.generate_key().decode())

    def __post_init__(self) -> None:
        self.info = self.stack.info
        self.mongodb_uri: str = self.info["mongodb"]["uri"]
        self.client: MongoClient[dict[str, Any]] = MongoClient(self.mongodb_uri, tz_aware=True)
        self._numbers = itertools.count(1)
        self._ports = Ports(self.directory / "bench-ports.json")

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 3

    def many(self, full: int, quick: int) -> int:
        """So many of something: fewer when it has to be quick."""
        return quick if self.quick else full

    def name(self, word: str) -> str:
        """A name that nothing else has."""
        return f"{word}{next(self._numbers)}"

    @contextmanager
    def database(self, name: str) -> Iterator[Database]:
        """An empty database, dropped afterwards."""
        db = connect(self.mongodb_uri, name)
        try:
            yield db
        finally:
            db.client.drop_database(name)
            db.client.close()

    def settings(self, service: str) -> Settings:
        return Settings.for_tests(
            service=service,
            process_name=f"{service}-bench",
            mongodb_uri=self.mongodb_uri,
            mongodb_database=service,
            kafka_bootstrap_servers=self.bootstrap_servers,
            kafka_partitions=PARTITIONS,
            http_host=HOST,
            http_port=0,
            http_threads=8,
            jwks=str(self.directory / "jwks.json"),
            jwt_issuer=ISSUER,
            jwt_audience=AUDIENCE,
            sealing_keys=[self.secret],
            signing_keys=[self.secret],
            **{f"public_url_{name}": f"http://{HOST}" for name in ("enrolment", "events", "notifications")},
            log_level="WARNING",
        )

    @property
    def bootstrap_servers(self) -> list[str]:
        return str(self.info["kafka"]["bootstrap_servers"]).split(",")

    def topics(self, topics: Iterable[Topic]) -> None:
        ensure_topics(topics, self.settings("bench"))

    def produce(self, topic: str, records: Sequence[tuple[bytes, bytes]], *, transaction: bool = False) -> None:
        """Writes the records; with `transaction` readers see all of them at the same moment."""
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap_servers,
            enable_idempotence=True,
            acks="all",
            batch_size=131072,
            linger_ms=5,
            **({"transactional_id": self.name("bench")} if transaction else {}),
        )
        if transaction:
            producer.init_transactions()
            producer.begin_transaction()
        futures = [producer.send(topic, key=key, value=value) for key, value in records]
        producer.flush()
        if transaction:
            producer.commit_transaction()
        for future in futures:
            future.get(30)
        producer.close()

    @contextmanager
    def process(
        self, command: Sequence[str], *, url: str | None = None, **environment: str
    ) -> Iterator[psutil.Process]:
        """`python -m command…`, ready when `url` answers 200, ended afterwards with its children."""
        log = self.directory / "logs" / f"{self.name('bench-')}-{command[-1].rpartition('.')[2][:20]}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self._environment(), MARK: str(self.directory), **environment},
            )
        try:
            if url:
                wait_for(lambda: _answers(child, url, log), seconds=60, what=f"{' '.join(command)} ({log})")
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    @contextmanager
    def service(self, service: str, role: str, *, database: str, **environment: str) -> Iterator["Running"]:
        """One process of a service, as it is deployed."""
        name = self.name(f"{service}-{role}-")
        http, admin = self.free_port(), self.free_port()
        metrics = self.directory / "metrics" / name
        metrics.mkdir(parents=True)
        given = {
            "MONGODB_DATABASE": database,
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(http),
            "ADMIN_PORT": str(admin),
            "PROCESS_NAME": name,
            **({"PROMETHEUS_MULTIPROC_DIR": str(metrics)} if role == "api" else {}),
            **environment,
        }
        ready = f"http://{HOST}:{http if role == 'api' else admin}/readyz"
        with self.process([f"services.{service}", role], url=ready, **given) as process:
            yield Running(process=process, url=f"http://{HOST}:{http}")

    @contextmanager
    def gunicorn(self, app: str, *, workers: int, threads: int, **environment: str) -> Iterator["Running"]:
        """A WSGI app under gunicorn with the settings that ours has."""
        port = self.free_port()
        command = [
            "gunicorn", "--worker-class=gthread", "--reuse-port", "--keep-alive=75", "--backlog=2048",
            "--no-control-socket", f"--bind={HOST}:{port}", f"--workers={workers}", f"--threads={threads}", app,
        ]  # fmt: skip
        with self.process(command, url=f"http://{HOST}:{port}/hello", **environment) as process:
            yield Running(process=process, url=f"http://{HOST}:{port}")

    def free_port(self) -> int:
        return self._ports[self.name("port")]

    @property
    def mongodb(self) -> list["Running"]:
        """The database's own process, if it runs here."""
        pids = [member["pid"] for member in self.info["mongodb"]["members"]]
        return [Running(process=psutil.Process(pid), url="") for pid in pids]

    def token(self, role: str) -> str:
        return str(self.info["tokens"][role])

    def _environment(self) -> Mapping[str, str]:
        return {
            "MONGODB_URI": self.mongodb_uri,
            "KAFKA_BOOTSTRAP_SERVERS": ",".join(self.bootstrap_servers),
            "SMTP_URL": f"smtp://{self.info['mail']['smtp']}",
            "JWKS": str(self.directory / "jwks.json"),
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "SEALING_KEYS": self.secret,
            "SIGNING_KEYS": self.secret,
            "MAIL_FROM": "USO <uso@network.example>",
            "PUBLIC_URL_EVENTS": "https://events.example",
            "PUBLIC_URL_NOTIFICATIONS": "https://notifications.example",
        }


@dataclass(frozen=True, kw_only=True)
class Running:
    """A process that serves."""

    process: psutil.Process
    url: str

    def megabytes(self) -> float:
        """Resident memory of it and of its children."""
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(process.memory_info().rss for process in family)) / 1e6

    def processor_seconds(self) -> float:
        """What it and its children have used so far."""
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(process.cpu_times().user + process.cpu_times().system for process in family))


def _answers(child: "subprocess.Popen[bytes]", url: str, log: Path) -> bool:
    if child.poll() is not None:
        raise RuntimeError(f"it ended with {child.returncode}: {log.read_text()[-1500:]}")
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False
