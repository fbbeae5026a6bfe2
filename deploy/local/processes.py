"""The services' processes: how many, with which environment, and when each is ready."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from deploy.local.errors import StackError
from deploy.local.ports import HOST, Ports
from deploy.local.supervisord_config import Program

SERVICES = ("enrolment", "events", "notifications")
ROLES = ("api", "worker", "relay")


@dataclass(frozen=True)
class Process:
    """One process of a service."""

    service: str
    role: str
    number: int
    http_port: int
    admin_port: int

    @property
    def name(self) -> str:
        """Such as `events-worker-2`."""
        return f"{self.service}-{self.role}-{self.number}"

    @property
    def admin_url(self) -> str:
        """Where its health and metrics are."""
        return f"http://{HOST}:{self.admin_port}"

    def is_ready(self) -> bool:
        """Whether it says that it is."""
        if self.role == "api":
            return _is_ok(f"http://{HOST}:{self.http_port}/readyz") and _is_ok(f"{self.admin_url}/healthz")
        return _is_ok(f"{self.admin_url}/readyz")


def service_command(service: str, role: str) -> list[str]:
    """What runs one process."""
    return [sys.executable, "-m", f"services.{service}", role]


def check_scale(scale: Mapping[str, int]) -> None:
    """Raises StackError when `scale` names what there is not."""
    for name, number in scale.items():
        service, _, role = name.partition(".")
        if service not in SERVICES or role not in ROLES or number < 0:
            raise StackError(f"--scale {name}={number}: name a service and a process, such as events.worker=3.")


def all_processes(services: Sequence[str], scale: Mapping[str, int], ports: Ports) -> list[Process]:
    """The processes of these services, one of each role unless `scale` says otherwise."""
    return [
        Process(service, role, number, ports[service], ports[f"{service}-{role}-{number}-admin"])
        for service in services
        for role in ROLES
        for number in range(1, scale.get(f"{service}.{role}", 1) + 1)
    ]


def program(
    process: Process,
    *,
    common: Mapping[str, str],
    mongodb_uri: str,
    directory: Path,
    command: Callable[[str, str], list[str]],
) -> Program:
    """How the supervisor runs it. An api process gets an empty directory for its metrics."""
    environment = {
        **common,
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE": f"uso_{process.service}",
        "HTTP_HOST": HOST,
        "HTTP_PORT": str(process.http_port),
        "ADMIN_PORT": str(process.admin_port),
        "PROCESS_NAME": process.name,
    }
    if process.role == "api":
        metrics = directory / "metrics" / process.name
        if metrics.exists():
            shutil.rmtree(metrics)
        metrics.mkdir(parents=True)
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    return Program(
        name=process.name,
        group="services",
        command=command(process.service, process.role),
        environment=environment,
    )


def replication_factor(brokers: int) -> str:
    """For a cluster of this size, unless the caller's environment says otherwise."""
    return os.environ.get("KAFKA_REPLICATION_FACTOR") or str(min(3, brokers))


def _is_ok(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).status_code == 200
    except requests.RequestException:
        return False
