"""The `uso` command."""

import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.panel import Panel

from deploy.local import scaling, tokens
from deploy.local.errors import StackError
from deploy.local.processes import SERVICES
from deploy.local.stack import Stack
from ops.command_line import doctor_alone, ops

console = Console(stderr=True)


secure_option = click.option("--secure", is_flag=True, help="Lock Kafka and MongoDB: TLS, passwords, least rights.")


class _Stop(BaseException):
    """SIGINT or SIGTERM came."""


@click.group()
def main() -> None:
    """Run the CRM on this machine, with real Kafka, real MongoDB and real mail."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


@main.command()
@click.option("--run-dir", type=click.Path(path_type=Path), required=True, help="Where data and logs are kept.")
@click.option("--brokers", default=1, show_default=True, type=click.IntRange(1, 9), help="Kafka brokers.")
@click.option("--mongo-members", default=1, show_default=True, type=click.IntRange(1, 7), help="MongoDB members.")
@click.option("--scale", multiple=True, metavar="SERVICE.PROCESS=N", help="Such as events.worker=3; repeatable.")
@click.option("--seed-demo", is_flag=True, help="Fill it with the demo's data.")
@secure_option
def up(run_dir: Path, brokers: int, mongo_members: int, scale: tuple[str, ...], seed_demo: bool, secure: bool) -> None:
    """Start everything, keep it running, stop it on SIGINT or SIGTERM."""
    options: dict[str, Any] = {"brokers": brokers, "mongo_members": mongo_members, "scale": _parse(scale)}
    options["secure"] = secure
    if seed_demo:
        options["prepare"] = _seed
    try:
        with _running(run_dir, **options) as stack:
            _show(stack)
            stack.wait()
    except _Stop:
        console.print("Stopped.")
    except StackError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.option("--run-dir", type=click.Path(path_type=Path), help="Keep data and logs here.")
@secure_option
def demo(run_dir: Path | None, secure: bool) -> None:
    """Tell one season's story on a stack of its own, and say whether all of it came out right."""
    directory = run_dir or Path(tempfile.mkdtemp(prefix="uso-demo-"))
    status = 1
    try:
        with _running(directory, secure=secure) as stack:
            from deploy.local import demo as story

            status = story.run(stack.info)
    except _Stop:
        status = 130
    except StackError as error:
        raise click.ClickException(str(error)) from error
    finally:
        if status == 0 and run_dir is None:
            shutil.rmtree(directory)
        elif status:
            console.print(f"Logs are in {directory / 'logs'}.")
    sys.exit(status)


@main.command()
@click.option("--run-dir", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--role", type=click.Choice(tokens.ROLES), required=True)
@click.option("--sub", help="Whose token it is; demo-ROLE unless given.")
def token(run_dir: Path, role: str, sub: str | None) -> None:
    """Print a token for a stack."""
    if not (run_dir / "signing-key.pem").exists():
        raise click.ClickException(f"{run_dir} is not the directory of a stack: start one there with uso up.")
    click.echo(tokens.make_token(run_dir, role, sub))


@main.command()
@click.option("--run-dir", type=click.Path(path_type=Path, exists=True), required=True, help="Of a stack that runs.")
@click.argument("scale", nargs=-1, required=True, metavar="SERVICE.PROCESS=N…")
def scale(run_dir: Path, scale: tuple[str, ...]) -> None:
    """Run more or fewer processes in a stack, such as events.worker=3, while it works."""
    try:
        scaling.ask(run_dir, _parse(scale))
    except StackError as error:
        raise click.ClickException(str(error)) from error


main.add_command(ops)
main.add_command(doctor_alone)


class _running:  # noqa: N801 - used like a function
    """A Stack whose start shows what it is doing."""

    def __init__(self, run_dir: Path, **options: Any) -> None:
        self._status = console.status("Setting up …")
        self._stack = Stack(run_dir, report=self._report, **options)

    def _report(self, step: str) -> None:
        console.print(f"[dim]· {step}[/dim]")
        self._status.update(step)

    def __enter__(self) -> Stack:
        try:
            with self._status:
                self._stack.start()
        except BaseException:
            self.__exit__()
            raise
        return self._stack

    def __exit__(self, *_: object) -> None:
        _ignore_signals()
        with console.status("Stopping …"):
            self._stack.stop()


def _seed(info: dict[str, Any]) -> None:
    from deploy.local import demo

    console.print("[dim]· telling the demo's story[/dim]")
    demo.seed(info)


def _parse(scale: tuple[str, ...]) -> dict[str, int]:
    numbers = {}
    for pair in scale:
        name, _, number = pair.partition("=")
        if not number.isdigit():
            raise click.UsageError(f"--scale {pair}: write it as events.worker=3.")
        numbers[name] = int(number)
    return numbers


def _show(stack: Stack) -> None:
    info = stack.info
    lines = [f"{'for people':14} {info['services']['events']['url']}/public/events"]
    lines += [f"{name:14} {info['services'][name]['url']}/docs" for name in SERVICES]
    lines += [
        f"{'Kafka':14} {info['kafka']['bootstrap_servers']}",
        f"{'MongoDB':14} {info['mongodb']['uri'].rpartition('@')[2].partition('/')[0]}",
        f"{'mail':14} {info['mail']['directory'] or info['mail']['smtp']}",
        f"{'all of it':14} {stack.directory / 'stack.json'}, with a token for each role",
    ]
    console.print(Panel("\n".join(lines), title="The CRM is running; Ctrl-C stops it", expand=False))
    url = info["services"]["enrolment"]["url"]
    click.echo("Try, as the coordinator:")
    click.echo(f"curl -H 'Authorization: Bearer {info['tokens']['coordinator']}' '{url}/v1/organisations?q=tampere'")


def _stop(*_: object) -> None:
    _ignore_signals()
    raise _Stop


def _ignore_signals() -> None:
    """From here on everything is being stopped: a second Ctrl-C does not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
