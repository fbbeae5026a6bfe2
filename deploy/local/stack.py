"""The whole system on one machine: Kafka, MongoDB, a mail catcher, and the services' processes."""

import base64
import fcntl
import json
import os
import secrets
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import requests
from cryptography.fernet import Fernet

from deploy.local import kafka, mongodb, tokens
from deploy.local.errors import StackError
from deploy.local.ports import HOST, Ports, answers
from deploy.local.supervision import Program, Supervisor

SERVICES = ("enrolment", "events", "notifications")
ROLES = ("api", "worker", "relay")
READY_SECONDS = 90.0


class Stack:
    """Starts on entering, stops on leaving, and keeps its data in `run_dir` for the next time.

    `services` may be empty: then only the back ends run. `scale` maps `events.worker` to a number.
    `info` is what stands in `stack.json`, with the present process ids.
    """

    def __init__(
        self,
        run_dir: Path | str,
        *,
        brokers: int = 1,
        mongo_members: int = 1,
        services: Sequence[str] = SERVICES,
        scale: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.directory = Path(run_dir).resolve()
        self.brokers = 0 if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") else brokers
        self.members = 0 if os.environ.get("MONGODB_URI") else mongo_members
        self.catches_mail = not os.environ.get("SMTP_URL")
        self.services = tuple(services)
        self.scale = dict(scale or {})
        self.environment = dict(environment or {})
        self.tell = tell
        self._lock: IO[str] | None = None
        self._supervisor: Supervisor | None = None
        for name in self.scale:
            service, _, role = name.partition(".")
            if service not in SERVICES or role not in ROLES:
                raise StackError(f"--scale {name}: name a service and a process, such as events.worker=3.")

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts everything and returns when all of it is ready; then `stack.json` stands there."""
        self._take_directory()
        self._ports = Ports(self.directory / "ports.json")
        self._secrets = self._read_secrets()
        tokens.ensure_key(self.directory)
        self.tell("Kafka and MongoDB: fetching and checking")
        self._classes = kafka.class_path() if self.brokers else ""
        self._supervisor = Supervisor(self.directory, [*self._back_ends(), *self._processes()])
        self._supervisor.start()
        self.tell("Kafka, MongoDB and mail: starting")
        self._start_back_ends()
        if self.services:
            self.tell(f"{', '.join(self.services)}: starting")
            self._supervisor.run(*(program.name for program in self._processes()))
            self._wait_for_services()
        self.write_info()

    def stop(self) -> None:
        """Stops all of it, the services first. Harmless when nothing runs."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
        (self.directory / "stack.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def info(self) -> dict[str, Any]:
        """What `stack.json` says, as of now."""
        supervisor = self._running()
        pids = supervisor.pids()
        return {
            "kafka": {
                "bootstrap_servers": self.bootstrap,
                "brokers": [{"id": n, "pid": pids.get(f"kafka-{n}")} for n in range(1, self.brokers + 1)],
            },
            "mongodb": {
                "uri": self.mongodb_uri,
                "members": [
                    {"port": self._ports[f"mongodb-{n}"], "pid": pids.get(f"mongodb-{n}")}
                    for n in range(1, self.members + 1)
                ],
            },
            "mail": {"smtp": self._smtp, "directory": str(self.directory / "mail") if self.catches_mail else None},
            "services": {
                service: {
                    "url": self._url(service),
                    "processes": [
                        {
                            "role": role,
                            "name": name,
                            "pid": pids.get(name),
                            "admin_url": f"http://{HOST}:{self._ports[f'{name}-admin']}",
                        }
                        for role in ROLES
                        for name in self._names(service, role)
                    ],
                }
                for service in self.services
            },
            "tokens": {role: tokens.make_token(self.directory, role) for role in tokens.ROLES},
        }

    def write_info(self) -> None:
        """Writes `stack.json`, whole or not at all, if a process id has changed."""
        file = self.directory / "stack.json"
        info = self.info
        if file.exists():
            before = json.loads(file.read_text())
            info["tokens"] = before["tokens"]
            if before == info:
                return
        partial = self.directory / "stack.json.partial"
        tokens.write_secret(partial, json.dumps(info, indent=1))
        partial.replace(file)

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise StackError("The stack does not run.")
        return self._supervisor

    # What runs

    @property
    def bootstrap(self) -> str:
        given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
        return given or ",".join(f"{HOST}:{self._ports[f'kafka-{n}']}" for n in range(1, self.brokers + 1))

    @property
    def _mongodb_ports(self) -> list[int]:
        return [self._ports[f"mongodb-{n}"] for n in range(1, self.members + 1)]

    @property
    def mongodb_uri(self) -> str:
        """The administrator's URI."""
        given = os.environ.get("MONGODB_URI")
        return given or mongodb.uri(self._mongodb_ports, user="admin", password=self._secrets["mongodb-admin"])

    @property
    def _smtp(self) -> str:
        given = os.environ.get("SMTP_URL")
        return given.partition("://")[2] if given else f"{HOST}:{self._ports['smtp']}"

    def _url(self, service: str) -> str:
        return f"http://{HOST}:{self._ports[service]}"

    def _names(self, service: str, role: str) -> list[str]:
        return [f"{service}-{role}-{n}" for n in range(1, self.scale.get(f"{service}.{role}", 1) + 1)]

    def _back_ends(self) -> list[Program]:
        programs = []
        if self.members:
            server = mongodb.binary()
            key_file = self.directory / "mongodb.key"
            if not key_file.exists():
                tokens.write_secret(key_file, secrets.token_hex(64))
            key_file.chmod(0o400)
            for n in range(1, self.members + 1):
                data = self.directory / "data" / f"mongodb-{n}"
                run = mongodb.command(server=server, data=data, port=self._ports[f"mongodb-{n}"], key_file=key_file)
                programs.append(Program(name=f"mongodb-{n}", group="mongodb", command=run))
        for n in range(1, self.brokers + 1):
            config = self.directory / f"kafka-{n}.properties"
            environment = {"CLASSPATH": self._classes}
            programs.append(
                Program(name=f"kafka-{n}", group="kafka", command=kafka.command(config), environment=environment)
            )
        if self.catches_mail:
            run = [
                sys.executable,
                "-m",
                "deploy.local.mailcatcher",
                str(self.directory / "mail"),
                str(self._ports["smtp"]),
            ]
            programs.append(Program(name="mail", group="mail", command=run))
        return programs

    def _processes(self) -> list[Program]:
        return [
            Program(
                name=name,
                group="services",
                command=[sys.executable, "-m", f"services.{service}", role],
                environment=self._environment(service, role, name),
            )
            for service in self.services
            for role in ROLES
            for name in self._names(service, role)
        ]

    def _environment(self, service: str, role: str, name: str) -> dict[str, str]:
        database = f"uso_{service}"
        environment = {
            "MONGODB_URI": os.environ.get("MONGODB_URI")
            or mongodb.uri(self._mongodb_ports, user=database, password=self._secrets[database], database=database),
            "MONGODB_DATABASE": database,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "KAFKA_REPLICATION_FACTOR": str(min(3, self.brokers or 1)),
            "SMTP_URL": os.environ.get("SMTP_URL") or f"smtp://{self._smtp}",
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(self._ports[service]),
            "ADMIN_PORT": str(self._ports[f"{name}-admin"]),
            "PROCESS_NAME": name,
            "JWKS": str(self.directory / "jwks.json"),
            "JWT_ISSUER": tokens.ISSUER,
            "JWT_AUDIENCE": tokens.AUDIENCE,
            "SECRET_KEYS": self._secrets["fernet"],
            "MAIL_FROM": "USO <uso@network.example>",
            **{f"PUBLIC_URL_{one.upper()}": self._url(one) for one in SERVICES},
        }
        if role == "api":
            metrics = self.directory / "metrics" / name
            shutil.rmtree(metrics, ignore_errors=True)
            metrics.mkdir(parents=True)
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
        return environment | self.environment

    # Starting it

    def _take_directory(self) -> None:
        for name in ("logs", "data", "mail"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self._lock = (self.directory / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._lock = None
            raise StackError(
                f"A stack runs in {self.directory} already: stop it, or give another --run-dir."
            ) from error

    def _read_secrets(self) -> dict[str, str]:
        file = self.directory / "secrets.json"
        if not file.exists():
            made = {name: secrets.token_hex(16) for name in ("mongodb-admin", *(f"uso_{one}" for one in SERVICES))}
            identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[:22]
            tokens.write_secret(file, json.dumps(made | {"fernet": Fernet.generate_key().decode(), "kafka": identity}))
        known: dict[str, str] = json.loads(file.read_text())
        return known

    def _start_back_ends(self) -> None:
        supervisor = self._running()
        starts: list[Callable[[], None]] = []
        if self.members:
            supervisor.run(*(f"mongodb-{n}" for n in range(1, self.members + 1)))
            starts.append(self._start_mongodb)
        else:
            starts.append(lambda: mongodb.check(self.mongodb_uri))
        starts.append(self._start_kafka)
        if self.catches_mail:
            supervisor.run("mail")
            starts.append(lambda: self._wait(lambda: answers(self._ports["smtp"]), "mail", 20))
        with ThreadPoolExecutor(len(starts)) as pool:
            for done in [pool.submit(start) for start in starts]:
                done.result()

    def _start_mongodb(self) -> None:
        for n, port in enumerate(self._mongodb_ports, start=1):
            self._wait(lambda port=port: answers(port), f"mongodb-{n}", 30)  # type: ignore[misc]
        mongodb.initiate(self._mongodb_ports, password=self._secrets["mongodb-admin"], deadline=30)
        for service in SERVICES:
            database = f"uso_{service}"
            mongodb.add_user(self.mongodb_uri, database=database, password=self._secrets[database])

    def _start_kafka(self) -> None:
        if not self.brokers:
            if not kafka.brokers_up(self.bootstrap):
                raise StackError("KAFKA_BOOTSTRAP_SERVERS: no Kafka answers there.")
            return

        def prepare(n: int) -> None:
            kafka.write_config(
                directory=self.directory,
                broker_id=n,
                brokers=self.brokers,
                ports=self._ports,
                cluster_id=self._secrets["kafka"],
                classes=self._classes,
            )
            self._running().run(f"kafka-{n}")

        numbers = range(1, self.brokers + 1)
        with ThreadPoolExecutor(self.brokers) as pool:
            list(pool.map(prepare, numbers))
        for n in numbers:
            self._wait(lambda n=n: answers(self._ports[f"kafka-{n}"]), f"kafka-{n}", 60)  # type: ignore[misc]
        self._wait(lambda: kafka.brokers_up(self.bootstrap) == self.brokers, "kafka-1", 60)

    def _wait_for_services(self) -> None:
        for service in self.services:
            for role in ROLES:
                for name in self._names(service, role):
                    admin = f"http://{HOST}:{self._ports[f'{name}-admin']}"
                    addresses = [f"{self._url(service)}/readyz", f"{admin}/healthz"]
                    for address in addresses if role == "api" else [f"{admin}/readyz"]:
                        self._wait(lambda address=address: _is_ok(address), name, READY_SECONDS)  # type: ignore[misc]

    def _wait(self, condition: Callable[[], bool], name: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                tail = self._running().log_tail(name)
                raise StackError(f"{name} was not ready within {seconds:g} seconds. The end of its log:\n{tail}")
            time.sleep(0.05)


def _is_ok(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).status_code == 200
    except requests.RequestException:
        return False
