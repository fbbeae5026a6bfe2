"""The whole system on one machine: Kafka, MongoDB, a mail catcher, and the services' processes."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from deploy.local import processes, run_directory, scaling, tokens
from deploy.local.backends import BackEnds
from deploy.local.errors import StackError
from deploy.local.ports import Ports
from deploy.local.processes import SERVICES, Process
from deploy.local.security import Locked, Open
from deploy.local.supervision import Supervisor, end_leftovers
from deploy.local.supervisord_config import Program
from deploy.local.waiting import Waiter

READY_SECONDS = 90.0
WATCH_SECONDS = 0.25
DATABASES = tuple(f"uso_{service}" for service in SERVICES)


class Stack:
    """Starts on entering, stops on leaving, and keeps its data in `run_dir` for the next time.

    With `keep=False` nobody needs the data afterwards: leaving kills the processes, which takes a tenth of the time.
    `secure` locks Kafka and MongoDB with TLS, passwords and least rights. `services` may be empty: then only the back
    ends run. `scale` maps `events.worker` to a number. `environment` goes to the services' processes. `prepare` is
    called with `info` when all of it is ready and before `stack.json` is there. Start it from a thread that lives as
    long as it does.
    """

    def __init__(
        self,
        run_dir: Path | str,
        *,
        brokers: int = 1,
        mongo_members: int = 1,
        secure: bool = False,
        keep: bool = True,
        services: Sequence[str] = SERVICES,
        scale: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        service_command: Callable[[str, str], list[str]] = processes.service_command,
        prepare: Callable[[dict[str, Any]], object] = lambda _: None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.directory = Path(run_dir).resolve()
        self.services = tuple(services)
        self._size = {"brokers": brokers, "mongo_members": mongo_members}
        self._security = Locked(self.directory) if secure else Open()
        self._keep = keep
        self._scale = dict(scale or {})
        self._environment = dict(environment or {})
        self._service_command = service_command
        self._prepare = prepare
        self._report = report
        self._lock: IO[str] | None = None
        self._supervisor: Supervisor | None = None
        self._pids: dict[str, int] = {}
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None
        processes.check_scale(self._scale)

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
        """Starts everything and returns when all of it is ready; from then on `stack.json` stands there."""
        self._lock = run_directory.take(self.directory)
        end_leftovers(self.directory)
        run_directory.check_size(self.directory, **self._size, secure=self._security.is_secure)
        (self.directory / "stack.json").unlink(missing_ok=True)
        scaling.forget(self.directory)
        ports = self._ports = Ports(self.directory / "ports.json")
        tokens.ensure_key(self.directory)
        self._tokens = {role: tokens.make_token(self.directory, role) for role in tokens.ROLES}
        known = self._secrets = run_directory.read_secrets(self.directory, DATABASES)
        self._back = BackEnds(
            self.directory,
            ports,
            known,
            self._size["brokers"],
            self._size["mongo_members"],
            DATABASES,
            self._security,
        )
        self._back.check_given()
        self._report("Kafka and MongoDB: fetching what is not here yet, and checking it")
        self._back.fetch()
        self._urls = {service: f"http://127.0.0.1:{ports[service]}" for service in SERVICES}
        self._processes = processes.all_processes(self.services, self._scale, ports)
        self._supervisor = Supervisor(
            self.directory, [*self._back.programs(), *self._service_programs(self._processes)]
        )
        waiter = Waiter(self._supervisor)
        self._supervisor.start()
        self._report("Kafka, MongoDB and mail: starting")
        self._back.start(self._supervisor, waiter)
        if self._processes:
            self._report(f"{', '.join(self.services)}: starting")
            self._supervisor.run(*(process.name for process in self._processes))
            waiter.until_all({process.name: process.is_ready for process in self._processes}, READY_SECONDS)
        self._prepare(self.info)
        self._write(self.info)
        self._stopped.clear()
        self._watcher = threading.Thread(target=self._watch, name="stack.json", daemon=True)
        self._watcher.start()

    def wait(self) -> None:
        """Returns never: raises StackError when the supervisor has ended by itself."""
        self._stopped.wait()
        raise StackError(f"The supervisor has ended; its log is {self.directory / 'logs' / 'supervisord.log'}.")

    def stop(self) -> None:
        """Stops all of it, the services first, or kills it when its data is not kept. Harmless when nothing runs."""
        self._stopped.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        if self._supervisor is not None:
            if self._keep:
                self._supervisor.stop()
            else:
                self._supervisor.kill()
            self._supervisor = None
        if self._lock is not None:
            (self.directory / "stack.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    @property
    def info(self) -> dict[str, Any]:
        """What `stack.json` says, with the process ids of this moment."""
        if self._supervisor is None:
            raise StackError("The stack does not run.")
        self._pids.update(self._supervisor.pids())  # while a process restarts, its last pid stays
        back, pids = self._back, self._pids
        members = [{"port": port, "pid": pids.get(f"mongodb-{n}")} for n, port in enumerate(back.member_ports, start=1)]
        return {
            "kafka": {
                "bootstrap_servers": back.bootstrap_servers,
                "brokers": [{"id": n, "pid": pids.get(f"kafka-{n}")} for n in back.broker_ids],
                **self._security.described(),
            },
            "mongodb": {"uri": back.mongodb_uri, "members": members},
            "mail": {"smtp": back.smtp, "directory": str(back.mail_directory) if back.mail_directory else None},
            "services": {
                service: {
                    "url": self._urls[service],
                    "processes": [
                        _describe(process, pids) for process in self._processes if process.service == service
                    ],
                }
                for service in self.services
            },
            "tokens": self._tokens,
        }

    def _service_programs(self, wanted: Sequence[Process]) -> list[Program]:
        back, known = self._back, self._secrets
        brokers = back.brokers or (back.brokers_up() if self.services else 1) or 1
        common = {
            "KAFKA_BOOTSTRAP_SERVERS": back.bootstrap_servers,
            "KAFKA_REPLICATION_FACTOR": processes.replication_factor(brokers),
            "SMTP_URL": back.smtp_url,
            "JWKS": str(self.directory / "jwks.json"),
            "JWT_ISSUER": tokens.ISSUER,
            "JWT_AUDIENCE": tokens.AUDIENCE,
            "SEALING_KEYS": known["fernet"],
            "SIGNING_KEYS": known["signing"],
            "MAIL_FROM": "USO <uso@network.example>",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",  # whoever tries them has a receiver on the same machine
            "OPTIONAL_MAIL_HOURS": "",  # it is tried in the evening, and tested at night
            "GATHER_CHANGES_SECONDS": "2",  # nobody who tries it on one machine waits two minutes for a mail
            **{f"PUBLIC_URL_{service.upper()}": url for service, url in self._urls.items()},
            **self._environment,
        }
        return [
            processes.program(
                process,
                common={**common, **self._security.environment(process.service, process.role)},
                mongodb_uri=back.service_mongodb_uri(f"uso_{process.service}"),
                directory=self.directory,
                command=self._service_command,
            )
            for process in wanted
        ]

    def _watch(self) -> None:
        """Keeps `stack.json` current."""
        supervisor = self._supervisor
        before = self.info
        while supervisor and not self._stopped.wait(WATCH_SECONDS):
            try:
                self._follow_scale(supervisor)
                now = self.info
            except OSError:
                if supervisor.runs():
                    continue
                self._stopped.set()
                return
            if now != before:
                self._write(now)
                before = now

    def _follow_scale(self, supervisor: Supervisor) -> None:
        asked = self._scale | scaling.read(self.directory)
        if asked == self._scale:
            return
        self._processes = scaling.follow(
            self._processes,
            services=self.services,
            scale=asked,
            ports=self._ports,
            supervisor=supervisor,
            programs=self._service_programs,
        )
        self._scale = asked

    def _write(self, info: dict[str, Any]) -> None:
        """Writes `stack.json`, whole or not at all."""
        partial = self.directory / "stack.json.partial"
        tokens.write_secret(partial, json.dumps(info, indent=1))
        partial.replace(self.directory / "stack.json")


def _describe(process: Process, pids: Mapping[str, int]) -> dict[str, Any]:
    return {"role": process.role, "name": process.name, "pid": pids.get(process.name), "admin_url": process.admin_url}
