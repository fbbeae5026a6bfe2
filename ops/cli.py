"""`uso ops`: the operator's commands, for all services or those that are named. Ends with 1 when something is wrong."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops import cli_tables
from ops.client import Api, CallFailed

SERVICES = ("enrolment", "events", "notifications")
LATE_SECONDS = 60.0
POLL_SECONDS = 0.3
Json = dict[str, Any]


class Operator:
    """The services as the operator reaches them, and how the answers are shown."""

    def __init__(self, apis: Mapping[str, Api], *, as_json: bool) -> None:
        self.apis = apis
        self.as_json = as_json
        self.wrong = False

    def keep(self, has: Callable[[Api], bool], what: str) -> None:
        """Goes on with just the services that have what a command is about. Raises ClickException when none has."""
        found = self.ask_all(has)
        self.apis = {name: api for name, api in self.apis.items() if found.get(name)}
        if not self.apis:
            raise click.ClickException(f"No service has {what}.")

    def ask_all(self, call: Callable[[Api], Any]) -> dict[str, Any]:
        """What each service answers; a service that does not is told of and is something wrong."""
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
        """Notes that something is wrong unless all of it is fine."""
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
    return {name: one["url"] for name, one in info["services"].items()}, token or info["tokens"]["operator"]


@ops.command()
@click.option("--limit", default=1000, show_default=True, help="More messages behind than this is wrong.")
@click.pass_obj
def lag(operator: Operator, limit: int) -> None:
    """How far each topic has been handled."""
    answers = operator.ask_all(lambda api: api.get("/v1/ops/lag")["items"])
    operator.show(answers, cli_tables.lag)
    rows = [row for items in answers.values() for row in items]
    operator.expect(row["lag"] is not None and row["lag"] <= limit for row in rows)
    operator.end()


@ops.command()
@click.pass_obj
def outbox(operator: Operator) -> None:
    """What waits for the relays. Wrong: no relay leads, or something waits for a minute."""
    answers = operator.ask_all(lambda api: api.get("/v1/ops/outbox"))
    operator.show(answers, cli_tables.outbox)
    operator.expect(one["relay_leads"] and one["oldest_seconds"] < LATE_SECONDS for one in answers.values())
    operator.end()


@ops.command()
@click.pass_obj
def topics(operator: Operator) -> None:
    """Which topics should be there, and which are."""
    answers = operator.ask_all(lambda api: api.get("/v1/ops/topics")["items"])
    operator.show(answers, cli_tables.topics)
    operator.expect(row["exists"] and not row["differs"] for items in answers.values() for row in items)
    operator.end()


@ops.group("dead-letters")
def dead_letters() -> None:
    """What could not be handled."""


@dead_letters.command("list")
@click.option("--state", default="dead", show_default=True, type=click.Choice(["dead", "redriven", "discarded"]))
@click.option("--topic")
@click.option("--error")
@click.pass_obj
def list_letters(operator: Operator, state: str, topic: str | None, error: str | None) -> None:
    """List them. Dead ones are something wrong."""
    query = _given(state=state, topic=topic, error=error)
    answers = operator.ask_all(lambda api: api.every("/v1/ops/dead-letters", **query))
    operator.show(answers, cli_tables.letters)
    operator.expect(letter["state"] != "dead" for items in answers.values() for letter in items)
    operator.end()


@dead_letters.command("show")
@click.argument("identifier", metavar="ID")
@click.pass_obj
def show_dead_letter(operator: Operator, identifier: str) -> None:
    """Where it came from, what went wrong, and its form."""
    _letter(operator, identifier, lambda api, path: api.get(path))


@dead_letters.command("discard")
@click.argument("identifier", metavar="ID")
@click.option("--reason", required=True)
@click.pass_obj
def discard_letter(operator: Operator, identifier: str, reason: str) -> None:
    """Set it aside for good, and forget its content."""
    _letter(operator, identifier, lambda api, path: api.post(f"{path}/discard", {"reason": reason}))


@dead_letters.command("redrive")
@click.argument("identifier", metavar="[ID]", required=False)
@click.option("--topic")
@click.option("--error")
@click.option("--reason")
@click.pass_obj
def redrive_letters(
    operator: Operator, identifier: str | None, topic: str | None, error: str | None, reason: str | None
) -> None:
    """Apply one again, or all that fit."""
    if identifier:
        _letter(operator, identifier, lambda api, path: api.post(f"{path}/redrive", _given(reason=reason)))
    body = _given(topic=topic, error=error, reason=reason)
    jobs = _to_the_end(operator, "redrive", lambda api: api.post("/v1/ops/dead-letters/redrive", body))
    operator.expect(not (job["result"] or {}).get("dead") for job in jobs.values())
    operator.end()


@ops.command()
@click.argument("projection")
@click.option("--reason")
@click.pass_obj
def rebuild(operator: Operator, projection: str, reason: str | None) -> None:
    """Read a copy anew from its topic while the service goes on."""
    _keep_projection(operator, projection)
    why = _given(reason=reason)
    _to_the_end(operator, "rebuild", lambda api: api.post(f"/v1/ops/projections/{projection}/rebuild", why))
    operator.end()


@ops.command()
@click.argument("topic")
@click.option("--from", "since", required=True, help="Such as 2026-01-31T12:00:00Z.")
@click.option("--reason")
@click.pass_obj
def replay(operator: Operator, topic: str, since: str, reason: str | None) -> None:
    """Hand a topic's messages since some instant to its subscribers again."""
    operator.keep(
        lambda api: any(one["topic"] == topic and one["subscribed"] for one in api.get("/v1/ops/topics")["items"]),
        f"a subscription to {topic}",
    )
    body = {"topic": topic, "from": since} | _given(reason=reason)
    _to_the_end(operator, "replay", lambda api: api.post("/v1/ops/replay", body))
    operator.end()


@ops.command()
@click.argument("projection", required=False)
@click.pass_obj
def check(operator: Operator, projection: str | None) -> None:
    """Compare the copies with their topics. A difference is something wrong."""
    if projection:
        _keep_projection(operator, projection)
    body = _given(projection=projection)
    jobs = _to_the_end(operator, "check", lambda api: api.post("/v1/ops/check", body))
    operator.expect((job["result"] or {}).get("differs") == 0 for job in jobs.values())
    operator.end()


def _letter(operator: Operator, identifier: str, act: Callable[[Api, str], Json]) -> NoReturn:
    """Does something with a dead letter of whichever service has it, shows it, and ends."""
    path = f"/v1/ops/dead-letters/{identifier}"
    operator.keep(lambda api: api.call("GET", path, fine=(200, 404)).status == 200, f"a dead letter {identifier}")
    answers = operator.ask_all(lambda api: act(api, path))
    operator.show(answers, cli_tables.letter)
    operator.expect(letter["state"] != "dead" for letter in answers.values())
    operator.end()


def _keep_projection(operator: Operator, name: str) -> None:
    def has(api: Api) -> bool:
        return any(one["name"] == name for one in api.get("/v1/ops/projections")["items"])

    operator.keep(has, f"a projection {name}")


def _given(**fields: str | None) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _to_the_end(operator: Operator, kind: str, begin: Callable[[Api], Json]) -> dict[str, Json]:
    """Asks each service for a job and shows how far they have come until all have ended."""
    jobs = operator.ask_all(begin)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=operator.as_json) as progress:
        lines = {
            name: progress.add_task(f"{name}: {kind} {job['of']}", total=None, state="") for name, job in jobs.items()
        }
        while open_ones := [name for name, job in jobs.items() if job["ended_at"] is None]:
            time.sleep(POLL_SECONDS)
            for name in open_ones:
                try:
                    jobs[name] = operator.apis[name].get(f"/v1/ops/{kind}s/{jobs[name]['id']}")
                except CallFailed as error:
                    raise click.ClickException(f"{name}: {error}") from error
                progress.update(lines[name], state=cli_tables.progress(jobs[name]))
    operator.show(jobs, cli_tables.jobs)
    operator.expect(job["state"] == "completed" for job in jobs.values())
    return jobs
