"""The long trial: `python -m tests.faults --seed N --minutes 5 --brokers 3 --mongo-members 3`."""

import contextlib
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from deploy.local import processes
from deploy.local.stack import Stack
from tests.faults.compaction import hasten_compaction
from tests.faults.mail_server import DifficultMailServer
from tests.faults.nemesis import RIGHT, Nemesis, can_cut, faketime_library, is_root, small_disk
from tests.faults.report import as_json, show
from tests.faults.rogue_producer import RogueProducer
from tests.faults.trial import run_trial

SCALE = {
    f"{service}.{role}": number for service in processes.SERVICES for role, number in (("relay", 2), ("worker", 3))
}
OFF = ("enrolment-relay-1", "events-worker-1")
DISK_MEGABYTES = 400
# Half a minute instead of two: several changes of an event are still one mail, and a trial sees many.
GATHER_CHANGES_SECONDS = "30"
# The mail server's "not now" is asked again after two minutes, and once more when the worker died meanwhile.
DRAIN_SECONDS = 480.0
console = Console()


def choose(
    nemesis: Nemesis, *, mail_server: DifficultMailServer, clock: Path | None, disks: list[Path]
) -> Callable[[], None]:
    """The next fault, by the nemesis' own dice; kinds that cannot be done here are left out."""
    rogue = RogueProducer(nemesis.stack.info, nemesis.rng)
    kinds: list[tuple[float, Callable[[], None]]] = [
        *((3, lambda role=role: nemesis.kill(role)) for role in ("relay", "worker", "api")),
        *((1.5, lambda role=role: nemesis.kill(role)) for role in ("broker", "primary")),
        *((1.5, lambda role=role: nemesis.stop(role)) for role in ("relay", "worker")),
        *((1, lambda role=role: nemesis.stop(role)) for role in ("broker", "primary", "api")),
        *((1, lambda role=role: nemesis.restart(role)) for role in ("relay", "worker", "api", "broker", "primary")),
        (4, lambda: nemesis.interfere(rogue)),
        (2, lambda: nemesis.lose_answers(mail_server)),
        (2, lambda: nemesis.slow_down(mail_server)),
        *((0.5, lambda service=service: nemesis.send_away(service)) for service in processes.SERVICES),
        (2, nemesis.stall_secondaries),
    ]  # type: ignore[misc]
    if can_cut():
        kinds += [(2, lambda: nemesis.cut_off("broker")), (2, lambda: nemesis.cut_off("primary"))]
    if clock is not None:
        kinds.append((1.5, lambda: nemesis.jump(clock, OFF)))
    kinds += [(1, lambda disk=disk: nemesis.fill_disk(disk)) for disk in disks]  # type: ignore[misc]
    [chosen] = nemesis.rng.choices([fault for _, fault in kinds], [weight for weight, _ in kinds])
    return chosen


@click.command()
@click.option("--seed", default=None, type=int, help="Repeats a schedule and a workload; drawn and printed otherwise.")
@click.option("--minutes", default=5.0, show_default=True, help="How long there are faults.")
@click.option("--brokers", default=3, show_default=True, type=click.IntRange(1, 9))
@click.option("--mongo-members", default=3, show_default=True, type=click.IntRange(1, 7))
@click.option("--scale", multiple=True, metavar="SERVICE.PROCESS=N", help="As in uso up; 2 relays and 3 workers each.")
@click.option("--writers", default=8, show_default=True, help="Clients at work at the same time.")
@click.option("--pause", default=0.15, show_default=True, help="Seconds between two calls of one writer, on average.")
@click.option("--large-event", default=500, show_default=True, help="People registered for the large events; 0: none.")
@click.option("--announcements", default=0, show_default=True, help="People who get announcements; 0: none.")
@click.option("--calls", default=50_000, show_default=True, help="No more calls than these.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="Keep data and logs here.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the result there.")
def main(
    seed: int | None,
    minutes: float,
    brokers: int,
    mongo_members: int,
    scale: tuple[str, ...],
    writers: int,
    pause: float,
    large_event: int,
    announcements: int,
    calls: int,
    run_dir: Path | None,
    file: Path | None,
) -> None:
    """Let faults loose on the whole system under load, and check every promise. Exits with 0 when all hold."""
    seed = random.randrange(1_000_000) if seed is None else seed
    directory = run_dir or Path(tempfile.mkdtemp(prefix="uso-faults-"))
    wanted = SCALE | {name: int(number) for name, _, number in (pair.partition("=") for pair in scale)}
    console.print(f"Seed {seed}; data and logs are in {directory}.")
    with contextlib.ExitStack() as resources:
        names = (
            [f"kafka-{brokers}", f"mongodb-{mongo_members}"] if is_root() and min(brokers, mongo_members) > 2 else []
        )
        small = [small_disk(directory / "data" / name, megabytes=DISK_MEGABYTES) for name in names]
        disks = [resources.enter_context(disk) for disk in small]
        clock = directory / "clock" if faketime_library() else None
        mail_server = DifficultMailServer(lambda: stack.info["mail"]["smtp"], busy=True)
        resources.callback(mail_server.close)
        stack = Stack(
            directory,
            brokers=brokers,
            mongo_members=mongo_members,
            scale=wanted,
            environment={"SMTP_URL": mail_server.url, "GATHER_CHANGES_SECONDS": GATHER_CHANGES_SECONDS},
            service_command=_with_clock(clock) if clock else processes.service_command,
            report=lambda step: console.print(f"· {step}"),
        )
        with stack:
            hasten_compaction(stack.info)

            def faults(nemesis: Nemesis) -> None:
                until = time.monotonic() + 60 * minutes
                while time.monotonic() < until:
                    time.sleep(nemesis.rng.uniform(2, 10))
                    nemesis.end_what_is_over(most=1)
                    choose(nemesis, mail_server=mail_server, clock=clock, disks=disks)()
                    console.print(nemesis.story[-1] if nemesis.story else "", highlight=False)

            result = run_trial(
                stack,
                seed=seed,
                faults=faults,
                writers=writers,
                pause=pause,
                large_event=large_event,
                announcements=announcements,
                most_calls=calls,
                drain_seconds=DRAIN_SECONDS,
            )
    show(result, console)
    if file is not None:
        file.write_text(json.dumps(as_json(result), indent=1))
    if result.holds and run_dir is None:
        shutil.rmtree(directory)
    raise SystemExit(0 if result.holds else 1)


def _with_clock(clock: Path) -> Callable[[str, str], list[str]]:
    """Runs services so that a file says how far the clock of some processes is off from their start on."""
    clock.parent.mkdir(parents=True, exist_ok=True)
    clock.write_text(RIGHT)
    fake = f"export LD_PRELOAD={faketime_library()} FAKETIME=$(cat {clock}) FAKETIME_DONT_FAKE_MONOTONIC=1"
    off = f'test $(cat {clock}) = {RIGHT} || case "$PROCESS_NAME" in {"|".join(OFF)}) {fake};; esac'

    def command(service: str, role: str) -> list[str]:
        run = " ".join(processes.service_command(service, role))
        return ["sh", "-c", f"{off}; exec {run}"]

    return command


if __name__ == "__main__":
    main()
