"""The group `uso ops`: its options, and how its commands reach the services. Ends with 1 when something is wrong."""

import json
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from ops.client import Api, CallFailed

SERVICES = ("enrolment", "events", "notifications")


class Operator:
    """The services that a command calls, and the form in which it shows their answers."""

    def __init__(self, apis: Mapping[str, Api], *, as_json: bool) -> None:
        self.apis = apis
        self.as_json = as_json
        self.wrong = False

    def keep(self, has: Callable[[Api], bool], what: str) -> None:
        """Keeps only the services that have the thing (`what`). Raises ClickException when none has it."""
        found = self.ask_all(has)
        self.apis = {name: api for name, api in self.apis.items() if found.get(name)}
        if not self.apis:
            raise click.ClickException(f"No service has {what}.")

    def ask_all(self, call: Callable[[Api], Any]) -> dict[str, Any]:
        """Each service's answer. A service without an answer is named on stderr, and the command ends with 1."""
        answers = {}
        for service, api in self.apis.items():
            try:
                answers[service] = call(api)
            except CallFailed as error:
                self.wrong = True
                click.echo(f"{service}: {error}", err=True)
        return answers

    def show(self, answers: Mapping[str, Any], table: Callable[[Mapping[str, Any]], Any]) -> None:
        if self.as_json:
            click.echo(json.dumps(answers, ensure_ascii=False, indent=1))
        else:
            Console().print(table(answers))

    def expect(self, fine: Iterable[bool]) -> None:
        """The command ends with 1 unless all of these are true."""
        self.wrong = self.wrong or not all(fine)

    def end(self) -> NoReturn:
        sys.exit(1 if self.wrong else 0)


class _Anywhere(click.Group):
    """Takes the options that all its commands have before a command's name or behind it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first, rest = [], []
        words = iter(args)
        for word in words:
            name, equals, _ = word.partition("=")
            if name not in ("--run-dir", "--service", "--token", "--json"):
                rest.append(word)
                continue
            first.append(word)
            if name != "--json" and not equals:
                first.extend(islice(words, 1))
        return super().parse_args(ctx, [*first, *rest])


@click.group(cls=_Anywhere)
@click.option("--run-dir", envvar="USO_RUN_DIR", type=click.Path(path_type=Path), help="Of a stack that `uso up` runs.")
@click.option("--service", "services", multiple=True, type=click.Choice(SERVICES), help="All unless given; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
@click.option("--token", envvar="USO_TOKEN", help="An operator's; from USO_TOKEN, or the stack's own.")
@click.option("--enrolment-url", envvar="USO_ENROLMENT_URL", hidden=True)
@click.option("--events-url", envvar="USO_EVENTS_URL", hidden=True)
@click.option("--notifications-url", envvar="USO_NOTIFICATIONS_URL", hidden=True)
@click.pass_context
def ops(
    context: click.Context,
    /,
    run_dir: Path | None,
    services: tuple[str, ...],
    as_json: bool,
    token: str | None,
    **addresses: str | None,
) -> None:
    """See what is behind and what went wrong, and put it right.

    Reaches the stack of --run-dir, or the services at USO_ENROLMENT_URL, USO_EVENTS_URL and
    USO_NOTIFICATIONS_URL with the token USO_TOKEN.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    urls = {name: url for name in SERVICES if (url := addresses[f"{name}_url"])}
    if run_dir is not None:
        urls, token = _of_stack(run_dir, token)
    chosen = {name: url for name, url in urls.items() if not services or name in services}
    if not chosen or not token:
        raise click.UsageError("Give --run-dir, or the services' addresses and USO_TOKEN in the environment.")
    context.obj = Operator({name: Api(url, token) for name, url in chosen.items()}, as_json=as_json)


def _of_stack(run_dir: Path, token: str | None) -> tuple[dict[str, str], str]:
    file = run_dir / "stack.json"
    if not file.exists():
        raise click.ClickException(f"No stack runs in {run_dir}: there is no stack.json.")
    info = json.loads(file.read_text())
    return {name: service["url"] for name, service in info["services"].items()}, token or info["tokens"]["operator"]


def given(**fields: str | bool | None) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
