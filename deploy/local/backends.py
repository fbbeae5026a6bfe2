"""Kafka, MongoDB and mail: our own, or those that the caller's environment names."""

import os
import secrets
import sys
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import kafka, kafka_jars, mongodb, tokens
from deploy.local.errors import StackError
from deploy.local.ports import HOST, Ports, answers
from deploy.local.security import Open
from deploy.local.supervision import Supervisor
from deploy.local.supervisord_config import Program
from deploy.local.waiting import Waiter

START_SECONDS = 60


@dataclass
class BackEnds:
    """What the services stand on. `brokers` and `members` are 0 for what runs elsewhere."""

    directory: Path
    ports: Ports
    secrets: dict[str, str]
    brokers: int
    members: int
    databases: tuple[str, ...]
    security: Open = field(default_factory=Open)
    given_kafka: str = field(default_factory=lambda: os.environ.get("KAFKA_BOOTSTRAP_SERVERS", ""))
    given_mongodb: str = field(default_factory=lambda: os.environ.get("MONGODB_URI", ""))
    given_smtp: str = field(default_factory=lambda: os.environ.get("SMTP_URL", ""))
    classes: str = ""

    def __post_init__(self) -> None:
        self.brokers = 0 if self.given_kafka else self.brokers
        self.members = 0 if self.given_mongodb else self.members

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's addresses."""
        return self.given_kafka or ",".join(f"{HOST}:{self.ports[f'kafka-{n}']}" for n in self.broker_ids)

    @property
    def mongodb_uri(self) -> str:
        """The administrator's URI."""
        return self.given_mongodb or mongodb.uri(
            self.member_ports, user="admin", password=self.secrets["mongodb-admin"], security=self.security
        )

    def service_mongodb_uri(self, database: str) -> str:
        """The URI of the user who may read and write this database only."""
        return self.given_mongodb or mongodb.uri(
            self.member_ports,
            user=database,
            password=self.secrets[database],
            database=database,
            security=self.security,
        )

    @property
    def smtp(self) -> str:
        """Host and port, without what stands before them in an address."""
        if not self.given_smtp:
            return f"{HOST}:{self.ports['smtp']}"
        return urlsplit(self.given_smtp).netloc.rpartition("@")[2]

    @property
    def smtp_url(self) -> str:
        """For the services."""
        return self.given_smtp or f"smtp://{self.smtp}"

    @property
    def mail_directory(self) -> Path | None:
        """Where the e-mails appear; None when they go elsewhere."""
        return None if self.given_smtp else self.directory / "mail"

    @property
    def broker_ids(self) -> range:
        """1, 2, …"""
        return range(1, self.brokers + 1)

    @property
    def member_ports(self) -> list[int]:
        """The ports of the replica set's members."""
        return [self.ports[f"mongodb-{n}"] for n in range(1, self.members + 1)]

    def check_given(self) -> None:
        """Raises StackError when a server that the caller's environment names does not answer."""
        if self.security.is_secure and (self.given_kafka or self.given_mongodb):
            raise StackError("--secure is for the Kafka and MongoDB that are started here: name none elsewhere.")
        if self.given_kafka and not self.brokers_up():
            raise StackError(f"KAFKA_BOOTSTRAP_SERVERS: no Kafka answers at {self.given_kafka}.")
        if self.given_mongodb:
            mongodb.check(self.given_mongodb)
        address = urlsplit(self.given_smtp)
        if self.given_smtp and not (address.hostname and answers(address.port or 25, address.hostname)):
            raise StackError(f"SMTP_URL: no mail server answers at {self.smtp}; write it as smtp://host:port.")

    def brokers_up(self) -> int:
        """How many brokers answer."""
        return kafka.brokers_up(self.security.kafka_settings(self.bootstrap_servers))

    def fetch(self) -> None:
        """Gets what has to be downloaded, unless it is there, and checks it."""
        self.classes = kafka_jars.class_path() if self.brokers else ""

    def programs(self) -> list[Program]:
        """What is to run here, in the order in which it may stop last."""
        programs = []
        self.security.prepare()
        if self.members:
            server, key_file = mongodb.binary(), self.directory / "mongodb.key"
            if not key_file.exists():
                tokens.write_secret(key_file, secrets.token_hex(64))
            for n, port in enumerate(self.member_ports, start=1):
                data = self.directory / "data" / f"mongodb-{n}"
                run = mongodb.command(server=server, data=data, port=port, key_file=key_file, security=self.security)
                programs.append(Program(name=f"mongodb-{n}", group="mongodb", command=run))
        for n in self.broker_ids:
            config = kafka.write_config(
                directory=self.directory, broker_id=n, brokers=self.brokers, ports=self.ports, security=self.security
            )
            run = kafka.command(config, self.security)
            environment = {"CLASSPATH": self.classes}
            programs.append(
                # Brokers that all stop at once wait in vain for one another; their logs bear being killed.
                Program(name=f"kafka-{n}", group="kafka", command=run, environment=environment, stop_seconds=5)
            )
        if self.mail_directory:
            run = [sys.executable, "-m", "deploy.local.mailcatcher"]
            run += [str(self.mail_directory), str(self.ports["smtp"])]
            programs.append(Program(name="mail", group="mail", command=run))
        return programs

    def start(self, supervisor: Supervisor, waiter: Waiter) -> None:
        """Starts all of it at once; returns when each answers."""
        starts = [
            *([self._start_mongodb] if self.members else []),
            *([self._start_kafka] if self.brokers else []),
            *([self._start_mail] if self.mail_directory else []),
        ]
        with ThreadPoolExecutor(max_workers=3) as pool:
            try:
                done, _ = wait([pool.submit(start, supervisor, waiter) for start in starts], None, FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                waiter.interrupt()
                raise

    def _start_mongodb(self, supervisor: Supervisor, waiter: Waiter) -> None:
        names = [f"mongodb-{n}" for n in range(1, self.members + 1)]
        supervisor.run(*names)
        waiter.until_all(
            {name: lambda port=port: answers(port) for name, port in zip(names, self.member_ports, strict=True)},  # type: ignore[misc]
            START_SECONDS,
        )
        mongodb.initiate(
            self.member_ports,
            password=self.secrets["mongodb-admin"],
            until=lambda condition: waiter.until(condition, "mongodb-1", START_SECONDS),
            security=self.security,
        )
        for database in self.databases:
            mongodb.add_user(self.mongodb_uri, database=database, password=self.secrets[database])

    def _start_kafka(self, supervisor: Supervisor, waiter: Waiter) -> None:
        def prepare(n: int) -> None:
            kafka.format_storage(
                directory=self.directory,
                broker_id=n,
                cluster_id=self.secrets["kafka"],
                classes=self.classes,
                security=self.security,
            )
            supervisor.run(f"kafka-{n}")

        with ThreadPoolExecutor(self.brokers) as pool:
            list(pool.map(prepare, self.broker_ids))
        waiter.until_all(
            {f"kafka-{n}": lambda n=n: answers(self.ports[f"kafka-{n}"]) for n in self.broker_ids},  # type: ignore[misc]
            START_SECONDS,
        )
        waiter.until(lambda: self.brokers_up() == self.brokers, "kafka-1", START_SECONDS)
        self.security.grant(self.bootstrap_servers)

    def _start_mail(self, supervisor: Supervisor, waiter: Waiter) -> None:
        supervisor.run("mail")
        waiter.until(lambda: answers(self.ports["smtp"]), "mail", START_SECONDS)
