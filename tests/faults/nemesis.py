"""Does to a stack's processes what befalls processes: they die, stall, are restarted, and are cut off."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import psutil
import requests
from kafka.errors import KafkaError

from deploy.local.stack import Stack
from deploy.local.supervision import processes_of
from tests.faults.mail_server import DifficultMailServer
from tests.faults.rogue_producer import RogueProducer
from tests.faults.stalled_disks import release_disk, stall_disk
from tests.support import wait_for

TABLE = "uso_faults"
RIGHT = "+0"


class Nemesis:
    """Faults on one stack, chosen by a seed. `heal` ends whatever lasts; `done` counts what was really done."""

    def __init__(self, stack: Stack, *, seed: int) -> None:
        self.stack = stack
        self.rng = random.Random(f"{seed}/nemesis")
        self.done: Counter[str] = Counter()
        self.story: list[str] = []
        self._began = time.monotonic()
        self._lasting: list[_Lasting] = []

    # What can be done

    def kill(self, role: str, *, service: str | None = None) -> None:
        """kill -9 of one process of the role, with its children."""
        self._send(f"kill -9 {role}", self._one_of(role, service), signal.SIGKILL)

    def stop(self, role: str, *, service: str | None = None, seconds: float | None = None) -> None:
        """SIGSTOP, and SIGCONT some time later."""
        pause = self.rng.uniform(0.5, 20) if seconds is None else seconds
        family = self._send(f"SIGSTOP {role}", self._one_of(role, service), signal.SIGSTOP, f"for {pause:.1f} s")
        self._later(pause, lambda: _go_on(family))

    def restart(self, role: str, *, service: str | None = None) -> None:
        """An orderly end; the supervisor starts it again."""
        self._send(f"SIGTERM {role}", self._one_of(role, service)[:1], signal.SIGTERM)

    def cut_off(self, role: str, *, seconds: float | None = None) -> None:
        """Drops what is sent to a broker's or member's port, or the answers that come from it."""
        port = self._port(role)
        side = self.rng.choice(["dport", "sport"])
        pause = self.rng.uniform(1, 12) if seconds is None else seconds
        self._note(f"network cut of {role}", f"{side} {port} for {pause:.1f} s")
        table = f"{TABLE}_{port}_{self.done.total()}"
        chain = f"inet {table} cuts"
        _nft(f"add table inet {table}", f"add chain {chain} {{ type filter hook input priority 0; }}")
        _nft(f"add rule {chain} tcp {side} {port} drop")
        self._later(pause, lambda: _nft(f"delete table inet {table}"))

    def fill_disk(self, directory: Path, *, seconds: float = 10.0) -> None:
        """No byte is left where this broker or member keeps its data, for a while."""
        self._note(f"full disk of {directory.name.partition('-')[0]}", f"{directory.name} for {seconds:.0f} s")
        filler = directory / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as stream:
            while True:
                stream.write(b"\0" * 65536)
                stream.flush()
        self._later(seconds, lambda: filler.unlink(missing_ok=True))

    def jump(self, clock: Path, names: Collection[str], *, seconds: float = 15.0) -> None:
        """These processes are killed and come back with a clock that is an hour off, for a while."""
        hours = self.rng.choice([-1, 1])
        self._note("clock an hour off", f"{hours:+d} h for {seconds:.0f} s")
        self._set_clocks(clock, f"{hours * 3600:+d}", names)
        self._later(seconds, lambda: self._set_clocks(clock, RIGHT, names))

    def _set_clocks(self, clock: Path, to: str, names: Collection[str]) -> None:
        clock.write_text(to)
        services = self.stack.info["services"].values()
        pids = {process["pid"] for each in services for process in each["processes"] if process["name"] in names}
        for process in processes_of(self.stack.directory):
            if process.pid in pids:
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def interfere(self, rogue: RogueProducer) -> None:
        """A foreign producer puts poison, duplicates or old messages on our topics."""
        with contextlib.suppress(KafkaError):  # Kafka is away at the moment: then it does not come through
            self._note(rogue.interfere(), "by a foreign producer")

    def lose_answers(self, mail_server: DifficultMailServer) -> None:
        """The mail server's answers to the next few mails are lost."""
        count = self.rng.randint(1, 3)
        self._note("mail server's answer lost", f"to {count} mails")
        mail_server.drop_next_reply(count)

    def slow_down(self, mail_server: DifficultMailServer) -> None:
        """The mail server answers a few mails so late that a sender's claim would have run out meanwhile."""
        count, seconds = self.rng.randint(1, 3), self.rng.uniform(5, 75)
        self._note("mail server slow", f"{seconds:.0f} s for {count} mails")
        mail_server.slow_down(count, seconds)

    def send_away(self, service: str, *, seconds: float | None = None) -> None:
        """All workers of a service are stopped for longer than Kafka takes to compact a topic, if it may."""
        away = self.rng.uniform(45, 90) if seconds is None else seconds
        processes = self.stack.info["services"][service]["processes"]
        pids = [process["pid"] for process in processes if process["role"] == "worker"]
        family = [process for process in processes_of(self.stack.directory) if process.pid in pids]
        self._send("all workers of a service away", family, signal.SIGSTOP, f"{service} for {away:.0f} s")
        self._later(away, lambda: _go_on(family))

    def stall_secondaries(self, *, seconds: float | None = None) -> None:
        """The secondaries' disks take no writes; half of the time the primary dies meanwhile."""
        stall = self.rng.uniform(4, 15) if seconds is None else seconds
        ports = [member["port"] for member in self.stack.info["mongodb"]["members"]]
        secondaries = [port for port in ports if not _is_primary(port)]
        primary_dies = self.rng.random() < 0.5
        uri = self.stack.info["mongodb"]["uri"]
        locked = [port for port in secondaries if stall_disk(uri, port)]
        self._note("secondaries' disks stalled", f"{len(locked)} for {stall:.0f} s")
        self._later(stall, lambda: [release_disk(uri, port) for port in locked])
        if primary_dies:
            time.sleep(stall / 2)
            self.kill("primary")

    # Ending it

    def heal(self, *, seconds: float = 600.0) -> None:
        """Ends every fault that lasts; returns when each process says that it is ready."""
        while self._lasting:
            self._lasting[0].end()
        wait_for(self._all_ready, seconds=seconds, what="every process to be ready")

    def end_what_is_over(self, *, most: int) -> None:
        """Waits until at most so many faults last."""
        while len(self._lasting) > most:
            time.sleep(0.05)

    def _later(self, seconds: float, end: Callable[[], object]) -> None:
        self._lasting.append(_Lasting(self._lasting, seconds, end))

    # Whom it befalls

    def _one_of(self, role: str, service: str | None) -> list[psutil.Process]:
        """One process of the role and its children; nothing while it is dead anyway."""
        info = self.stack.info
        if role == "broker":
            pids = [broker["pid"] for broker in info["kafka"]["brokers"]]
        elif role == "mongod":
            pids = [member["pid"] for member in info["mongodb"]["members"]]
        elif role == "primary":
            pids = [member["pid"] for member in info["mongodb"]["members"] if _is_primary(member["port"])]
        else:
            services = [service] if service else list(info["services"])
            processes = [process for name in services for process in info["services"][name]["processes"]]
            pids = [process["pid"] for process in processes if process["role"] == role]
        ours = {process.pid: process for process in processes_of(self.stack.directory)}
        alive = [ours[pid] for pid in pids if pid in ours]
        if not alive:
            return []
        chosen = self.rng.choice(alive)
        with contextlib.suppress(psutil.Error):
            return [chosen, *chosen.children(recursive=True)]
        return []

    def _port(self, role: str) -> int:
        info = self.stack.info
        if role == "broker":
            address = self.rng.choice(info["kafka"]["bootstrap_servers"].split(","))
            return int(address.rpartition(":")[2])
        ports = [member["port"] for member in info["mongodb"]["members"]]
        return next((port for port in ports if _is_primary(port)), ports[0])

    def _send(self, name: str, family: list[psutil.Process], number: int, more: str = "") -> list[psutil.Process]:
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        if family:
            self._note(name, f"{family[0].pid} {more}".strip())
        return family

    def _note(self, name: str, about: str) -> None:
        self.done[name] += 1
        self.story.append(f"{time.monotonic() - self._began:6.1f} s  {name}: {about}")

    def _all_ready(self) -> bool:
        services = self.stack.info["services"].values()
        addresses = [process["admin_url"] + "/readyz" for each in services for process in each["processes"]]
        return all(_answers(address) for address in [*addresses, *(f"{service['url']}/readyz" for service in services)])


class _Lasting:
    """A fault that ends by itself after so many seconds, or earlier by `end`; once."""

    def __init__(self, among: list["_Lasting"], seconds: float, end: Callable[[], object]) -> None:
        self._among = among
        self._end = end
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self.end)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        with self._lock:
            if self in self._among:
                self._end()
                self._among.remove(self)


def is_root() -> bool:
    """Whether file systems can be mounted and packets be dropped."""
    return os.geteuid() == 0


def can_cut() -> bool:
    """Whether packets can be dropped here: as root, with nftables."""
    if not is_root() or shutil.which("nft") is None:
        return False
    return subprocess.run(["nft", "list", "tables"], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def small_disk(directory: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of its own under `directory`, small enough to be filled. As root only."""
    directory.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=False)


def faketime_library() -> str | None:
    """libfaketime, if it is installed where Debian puts it."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return str(found[0]) if found else None


def _go_on(family: list[psutil.Process]) -> None:
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGCONT)


def _nft(*commands: str) -> None:
    for command in commands:
        subprocess.run(["nft", command], capture_output=True, check=True)


def _is_primary(port: int) -> bool:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    client: MongoClient[dict[str, Any]]
    with MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=2).status_code == 200
    except requests.RequestException:
        return False
