"""supervisord: runs the stack's processes and restarts what dies."""

import contextlib
import ctypes
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy.local.errors import StackError

MARK = "USO_STACK"
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process: `group` decides what stops together, later groups stop first."""

    name: str
    group: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: int = 12


class Supervisor:
    """supervisord as our child: it ends when we end, however that comes."""

    def __init__(self, directory: Path, programs: Sequence[Program]) -> None:
        self.directory = directory
        self.programs = {program.name: program for program in programs}
        self._groups = list(dict.fromkeys(program.group for program in programs))
        self._socket = _short_socket(directory)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts supervisord, without any program yet."""
        end_leftovers(self.directory)
        config = self.directory / "supervisord.conf"
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(self._config())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "logs" / "supervisord.err").open("wb"),
            start_new_session=True,
            preexec_fn=_end_with_parent,
            env={**os.environ, MARK: str(self.directory)},
        )
        until = time.monotonic() + 20
        while True:
            try:
                self._call("getState")
            except (OSError, xmlrpc.client.Error) as error:
                if self._process.poll() is not None or time.monotonic() > until:
                    said = (self.directory / "logs" / "supervisord.err").read_text()[-500:]
                    raise StackError(f"supervisord did not start: {said}") from error
                time.sleep(0.02)
            else:
                return

    def run(self, *names: str) -> None:
        """Starts these programs and does not wait for them."""
        for name in names:
            self._call("startProcess", self._full(name), False)

    def pids(self) -> dict[str, int]:
        """The running programs' process ids."""
        return {info["name"]: info["pid"] for info in self._call("getAllProcessInfo") if info["pid"]}

    def failed(self) -> list[str]:
        """Programs that supervisord has given up on."""
        return [info["name"] for info in self._call("getAllProcessInfo") if info["statename"] == "FATAL"]

    def log_tail(self, name: str, characters: int = 3000) -> str:
        """The end of what a program has logged."""
        file = self.directory / "logs" / f"{name}.log"
        return file.read_text(errors="replace")[-characters:] if file.exists() else ""

    def stop(self) -> None:
        """Stops everything, later groups first; whatever is left after its time is killed."""
        if self._process is None:
            return
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            self._call("shutdown")
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        end_leftovers(self.directory)
        self._socket.unlink(missing_ok=True)

    def _call(self, method: str, *arguments: Any) -> Any:
        # A transport of its own for each call: xmlrpc's are not for several threads.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def _full(self, name: str) -> str:
        return f"{self.programs[name].group}:{name}"

    def _config(self) -> str:
        logs = self.directory / "logs"
        lines = [
            "[supervisord]",
            f"logfile={logs}/supervisord.log",
            f"pidfile={self.directory}/supervisord.pid",
            f"directory={Path.cwd()}",
            "minfds=1024",
            "[unix_http_server]",
            f"file={self._socket}",
            "chmod=0600",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for program in self.programs.values():
            variables = ",".join(f'{name}="{_escape(value)}"' for name, value in program.environment.items())
            lines += [
                f"[program:{program.name}]",
                f"command={' '.join(_quote(part) for part in program.command)}",
                f"environment={variables}",
                "autostart=false",
                "autorestart=true",
                "startsecs=1",
                "startretries=1000",
                f"stopwaitsecs={program.stop_seconds}",
                "stopasgroup=false",
                "killasgroup=true",
                "redirect_stderr=true",
                f"stdout_logfile={logs}/{program.name}.log",
                "stdout_logfile_maxbytes=50MB",
                "stdout_logfile_backups=1",
            ]
        for priority, group in enumerate(self._groups, start=1):
            members = ",".join(name for name, program in self.programs.items() if program.group == group)
            lines += [f"[group:{group}]", f"programs={members}", f"priority={priority * 10}"]
        return "\n".join(lines) + "\n"


def end_leftovers(directory: Path) -> None:
    """Kills what an earlier run in this directory has left, found by a mark in its environment."""
    own = os.getpid()
    left = []
    for process in psutil.process_iter():
        try:
            if process.pid != own and process.environ().get(MARK) == str(directory):
                process.kill()
                left.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    psutil.wait_procs(left, timeout=10)


def _end_with_parent() -> None:
    """On Linux: SIGTERM when the parent ends, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _short_socket(directory: Path) -> Path:
    """A path within the 108 bytes that a Unix socket's address may have."""
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"uso-{os.getuid()}-{name}.sock"


def _escape(value: str) -> str:
    return value.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')


def _quote(part: str) -> str:
    escaped = part.replace("%", "%%")
    return f'"{escaped}"' if " " in escaped or ";" in escaped else escaped
