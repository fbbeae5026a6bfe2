"""supervisord's configuration, made from the programs that it is to run."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process: `group` decides what stops together, later groups stop first."""

    name: str
    group: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: int = 12


def supervisord_config(directory: Path, socket: Path, programs: Iterable[Program]) -> str:
    """The text of a `supervisord.conf`: nothing starts by itself, everything that ends is started again."""
    logs = _plain(directory / "logs")
    programs = list(programs)
    lines = [
        "[supervisord]",
        f"logfile={logs}/supervisord.log",
        f"pidfile={_plain(directory)}/supervisord.pid",
        f"directory={_plain(ROOT)}",
        "minfds=1024",
        "[unix_http_server]",
        f"file={_plain(socket)}",
        "chmod=0600",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for program in programs:
        lines += [
            f"[program:{program.name}]",
            f"command={_plain(shlex.join(program.command))}",
            f"environment={','.join(_variable(*pair) for pair in program.environment.items())}",
            "autostart=false",
            "autorestart=true",
            "startsecs=1",
            "startretries=1000",
            f"stopwaitsecs={program.stop_seconds}",
            "stopasgroup=false",  # gunicorn tells its workers itself, and lets them finish
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={logs}/{program.name}.log",
            "stdout_logfile_maxbytes=50MB",
            "stdout_logfile_backups=1",
        ]
    for priority, group in enumerate(dict.fromkeys(program.group for program in programs), start=1):
        members = ",".join(program.name for program in programs if program.group == group)
        lines += [f"[group:{group}]", f"programs={members}", f"priority={priority * 10}"]
    return "\n".join(lines) + "\n"


def _plain(text: object) -> str:
    return str(text).replace("%", "%%")


def _variable(name: str, value: str) -> str:
    mark = "'" if '"' in value else '"'
    return f"{name}={mark}{_plain(value)}{mark}"
