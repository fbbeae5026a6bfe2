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
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy.local.errors import StackError
from deploy.local.supervisord_config import Program, supervisord_config
from deploy.local.tokens import write_secret

MARK = "USO_STACK"
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 60


class Supervisor:
    """supervisord as our child. On Linux it ends when the thread that started it ends, however that comes."""

    def __init__(self, directory: Path, programs: Sequence[Program]) -> None:
        self.directory = directory
        self.programs = {program.name: program for program in programs}
        self._socket = _short_socket(directory)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts supervisord, without any program yet."""
        config = self._write_config()
        said = self.directory / "logs" / "supervisord.err"
        with said.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
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
                    raise StackError(f"supervisord did not start: {said.read_text()[-500:]}") from error
                time.sleep(0.02)
            else:
                return

    def run(self, *names: str) -> None:
        """Starts these programs and does not wait for them."""
        for name in names:
            try:
                self._call("startProcess", f"{self.programs[name].group}:{name}", False)
            except xmlrpc.client.Fault as fault:
                raise StackError(f"{name} could not be started: {fault.faultString}.") from fault

    def add(self, programs: Sequence[Program]) -> None:
        """Takes on programs while others run, each in a group of its own name, not started yet."""
        for program in programs:
            self.programs[program.name] = replace(program, group=program.name)
        self._write_config()
        self._call("reloadConfig")
        for program in programs:
            self._call("addProcessGroup", program.name)

    def end(self, name: str) -> None:
        """Stops one program as a whole stop would, and waits for it; it can be run again."""
        with contextlib.suppress(xmlrpc.client.Fault):  # it does not run at this moment
            self._call("stopProcess", f"{self.programs[name].group}:{name}", True)

    def _write_config(self) -> Path:
        config = self.directory / "supervisord.conf"
        write_secret(config, supervisord_config(self.directory, self._socket, self.programs.values()))
        return config

    def pids(self) -> dict[str, int]:
        """The running programs' process ids."""
        return {info["name"]: info["pid"] for info in self._call("getAllProcessInfo") if info["pid"]}

    def runs(self) -> bool:
        """Whether supervisord itself is alive."""
        return self._process is not None and self._process.poll() is None

    def log_file(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.directory / "logs" / f"{name}.log"

    def log_tail(self, name: str, lines: int = 25) -> str:
        """The last lines that a program has logged."""
        file = self.log_file(name)
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else ""

    def stop(self) -> None:
        """Stops everything, later groups first; whatever is left after its time is killed."""
        if self._process is None:
            return
        for process in processes_of(self.directory):  # what is suspended would not hear SIGTERM
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._clear_up()

    def kill(self) -> None:
        """Kills everything at once. Data that the programs had not yet written to disk may be lost."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._clear_up()

    def _clear_up(self) -> None:
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


def end_leftovers(directory: Path) -> None:
    """Kills what an earlier run in this directory has left."""
    left = list(processes_of(directory))
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=10)


def processes_of(directory: Path) -> Iterator[psutil.Process]:
    """The processes of this directory's stack, found by a mark in their environment."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(directory):
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def _end_with_parent() -> None:
    """On Linux: SIGTERM when the parent ends, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _short_socket(directory: Path) -> Path:
    """A path within the 108 bytes that a Unix socket's address may have."""
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"uso-{os.getuid()}-{name}.sock"
