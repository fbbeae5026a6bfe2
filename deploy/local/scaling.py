"""More or fewer processes in a stack that runs: `uso scale` leaves the wish in a file, the stack follows it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.ports import Ports
from deploy.local.processes import Process, all_processes, check_scale
from deploy.local.supervision import Supervisor
from deploy.local.supervisord_config import Program

FILE = "scale.json"


def ask(directory: Path, scale: Mapping[str, int]) -> dict[str, int]:
    """Leaves the wish for the stack of that directory; the whole of it. Raises StackError for what cannot be."""
    check_scale(scale)
    if not (directory / "stack.json").exists():
        raise StackError(f"No stack runs in {directory}: there is no stack.json.")
    wanted = read(directory) | dict(scale)
    partial = directory / f"{FILE}.partial"
    partial.write_text(json.dumps(wanted))
    partial.replace(directory / FILE)
    return wanted


def read(directory: Path) -> dict[str, int]:
    """What was last asked for; empty when nothing was."""
    file = directory / FILE
    return dict(json.loads(file.read_text())) if file.exists() else {}


def forget(directory: Path) -> None:
    """A start begins with what its own options say."""
    (directory / FILE).unlink(missing_ok=True)


def follow(
    present: Sequence[Process],
    *,
    services: Sequence[str],
    scale: Mapping[str, int],
    ports: Ports,
    supervisor: Supervisor,
    programs: Callable[[Sequence[Process]], list[Program]],
) -> list[Process]:
    """Starts what is missing and stops what is too many; the processes that are to run from now on."""
    wanted = all_processes(services, scale, ports)
    added = [process for process in wanted if process not in present]
    unknown = [process for process in added if process.name not in supervisor.programs]
    if unknown:
        supervisor.add(programs(unknown))
    supervisor.run(*(process.name for process in added))
    for process in present:
        if process not in wanted:
            supervisor.end(process.name)
    return wanted
