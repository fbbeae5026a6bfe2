"""`uso ops rebuild`, `replay`, `check` and `republish`: jobs for a worker, shown until they end."""

import time
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ops.client import Api, CallFailed
from ops.command_line import tables
from ops.command_line.group import Operator, given, ops

POLL_SECONDS = 0.3
PLURALS = {
    "rebuild": "rebuilds",
    "replay": "replays",
    "check": "checks",
    "redrive": "redrives",
    "republish": "republishes",
}
Json = dict[str, Any]


@ops.command()
@click.argument("projection")
@click.option("--accept-loss", is_flag=True, help="Also when the topic holds far fewer keys than the projection.")
@click.option("--reason")
@click.pass_obj
def rebuild(operator: Operator, projection: str, accept_loss: bool, reason: str | None) -> None:
    """Read a projection anew from its topic while the service goes on."""
    _keep_projection(operator, projection)
    why = given(reason=reason, accept_loss=accept_loss or None)
    run_jobs(operator, "rebuild", lambda api: api.post(f"/v1/ops/projections/{projection}/rebuild", why))
    operator.end()


@ops.command()
@click.argument("topic")
@click.option("--from", "since", required=True, help="Such as 2026-01-31T12:00:00Z.")
@click.option("--reason")
@click.pass_obj
def replay(operator: Operator, topic: str, since: str, reason: str | None) -> None:
    """Hand a topic's messages since some instant to its subscribers again."""
    operator.keep(
        lambda api: any(row["topic"] == topic and row["subscribed"] for row in api.get("/v1/ops/topics")["items"]),
        f"a subscription to {topic}",
    )
    body = {"topic": topic, "from": since} | given(reason=reason)
    run_jobs(operator, "replay", lambda api: api.post("/v1/ops/replay", body))
    operator.end()


@ops.command()
@click.argument("aggregate")
@click.option("--reason")
@click.pass_obj
def republish(operator: Operator, aggregate: str, reason: str | None) -> None:
    """Send the present state of all of a kind (AGGREGATE, such as contact), and the tombstones of the erased, again."""
    operator.keep(
        lambda api: any(owned["name"] == aggregate for owned in api.get("/v1/ops/aggregates")["items"]),
        f"an aggregate {aggregate} that it publishes",
    )
    body = given(aggregate=aggregate, reason=reason)
    run_jobs(operator, "republish", lambda api: api.post("/v1/ops/republish", body))
    operator.end()


@ops.command()
@click.argument("projection", required=False)
@click.option("--own", is_flag=True, help="After a restore: compare what the service itself publishes.")
@click.pass_obj
def check(operator: Operator, projection: str | None, own: bool) -> None:
    """Compare the projections with their topics. Ends with 1 when there is a difference."""
    if projection:
        _keep_projection(operator, projection)
    body = given(projection=projection, own=own or None)
    jobs = run_jobs(operator, "check", lambda api: api.post("/v1/ops/check", body))
    operator.expect((job["result"] or {}).get("differs") == 0 for job in jobs.values())
    operator.end()


def _keep_projection(operator: Operator, name: str) -> None:
    operator.keep(
        lambda api: any(projection["name"] == name for projection in api.get("/v1/ops/projections")["items"]),
        f"a projection {name}",
    )


def run_jobs(operator: Operator, kind: str, begin: Callable[[Api], Json]) -> dict[str, Json]:
    """Enqueues a job at each service and shows the progress until all have ended."""
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
                    jobs[name] = operator.apis[name].get(f"/v1/ops/{PLURALS[kind]}/{jobs[name]['id']}")
                except CallFailed as error:
                    raise click.ClickException(f"{name}: {error}") from error
                progress.update(lines[name], state=tables.progress(jobs[name]))
    operator.show(jobs, tables.jobs)
    operator.expect(job["state"] == "completed" for job in jobs.values())
    return jobs
