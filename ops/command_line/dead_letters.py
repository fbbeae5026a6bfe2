"""`uso ops dead-letters`: list, show, redrive and discard them."""

from collections.abc import Callable
from typing import Any, NoReturn

import click

from ops.client import Api
from ops.command_line import tables
from ops.command_line.group import Operator, given, ops
from ops.command_line.jobs import run_jobs


@ops.group("dead-letters")
def dead_letters() -> None:
    """Messages that could not be handled."""


@dead_letters.command("list")
@click.option("--state", default="dead", show_default=True, type=click.Choice(["dead", "redriven", "discarded"]))
@click.option("--topic")
@click.option("--error")
@click.pass_obj
def list_dead_letters(operator: Operator, state: str, topic: str | None, error: str | None) -> None:
    """List them. Ends with 1 when some are dead."""
    query = given(state=state, topic=topic, error=error)
    answers = operator.ask_all(lambda api: api.every("/v1/ops/dead-letters", **query))
    operator.show(answers, tables.dead_letters)
    operator.expect(letter["state"] != "dead" for items in answers.values() for letter in items)
    operator.end()


@dead_letters.command("show")
@click.argument("identifier", metavar="ID")
@click.pass_obj
def show_dead_letter(operator: Operator, identifier: str) -> None:
    """Show a dead letter's origin, its error and its shape."""
    _on_dead_letter(operator, identifier, lambda api, path: api.get(path))


@dead_letters.command("discard")
@click.argument("identifier", metavar="ID")
@click.option("--reason", required=True)
@click.pass_obj
def discard_dead_letter(operator: Operator, identifier: str, reason: str) -> None:
    """Set a dead letter aside for good, and delete its content."""
    _on_dead_letter(operator, identifier, lambda api, path: api.post(f"{path}/discard", {"reason": reason}))


@dead_letters.command("redrive")
@click.argument("identifier", metavar="[ID]", required=False)
@click.option("--topic")
@click.option("--error")
@click.option("--reason")
@click.pass_obj
def redrive_dead_letters(
    operator: Operator, identifier: str | None, topic: str | None, error: str | None, reason: str | None
) -> None:
    """Apply a dead letter again, or all that fit."""
    if identifier:
        _on_dead_letter(operator, identifier, lambda api, path: api.post(f"{path}/redrive", given(reason=reason)))
    body = given(topic=topic, error=error, reason=reason)
    jobs = run_jobs(operator, "redrive", lambda api: api.post("/v1/ops/dead-letters/redrive", body))
    operator.expect(not (job["result"] or {}).get("dead") for job in jobs.values())
    operator.end()


def _on_dead_letter(operator: Operator, identifier: str, act: Callable[[Api, str], dict[str, Any]]) -> NoReturn:
    """Calls `act` at the service that has the dead letter, shows the answer, and ends."""
    path = f"/v1/ops/dead-letters/{identifier}"
    operator.keep(lambda api: api.call("GET", path, fine=(200, 404)).status == 200, f"a dead letter {identifier}")
    answers = operator.ask_all(lambda api: act(api, path))
    operator.show(answers, tables.whole)
    operator.expect(letter["state"] != "dead" for letter in answers.values())
    operator.end()
