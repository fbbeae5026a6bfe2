"""`uso ops lag`, `outbox` and `topics`: what is behind and what is wrong."""

import click

from ops.command_line import tables
from ops.command_line.group import Operator, ops

# A relay that has died is replaced within twenty seconds: a message that waits for a minute is late.
LATE_SECONDS = 60.0


@ops.command()
@click.option("--limit", default=1000, show_default=True, help="More messages behind than this is wrong.")
@click.pass_obj
def lag(operator: Operator, limit: int) -> None:
    """How far each topic has been handled."""
    answers = operator.ask_all(lambda api: api.get("/v1/ops/lag")["items"])
    operator.show(answers, tables.lag)
    rows = [row for items in answers.values() for row in items]
    operator.expect(row["lag"] is not None and row["lag"] <= limit for row in rows)
    operator.end()


@ops.group(invoke_without_command=True)
@click.pass_context
def outbox(context: click.Context) -> None:
    """The messages that wait for the relays. Ends with 1 without a leader or at a late message."""
    if context.invoked_subcommand is not None:
        return
    operator: Operator = context.obj
    answers = operator.ask_all(lambda api: api.get("/v1/ops/outbox"))
    operator.show(answers, tables.outbox)
    operator.expect(
        row["relay_leads"] and row["oldest_seconds"] < LATE_SECONDS and not row["blocking"] for row in answers.values()
    )
    operator.end()


@outbox.command("skip")
@click.argument("identifier", metavar="ID")
@click.option("--reason", required=True)
@click.pass_obj
def skip_row(operator: Operator, identifier: str, reason: str) -> None:
    """Let a relay past a row that Kafka will never take. The row stays in the history."""
    operator.keep(
        lambda api: any(row["id"] == identifier for row in api.get("/v1/ops/outbox")["blocking"]),
        f"a relay that the row {identifier} blocks",
    )
    path = f"/v1/ops/outbox/{identifier}/skip"
    operator.show(operator.ask_all(lambda api: api.post(path, {"reason": reason})), tables.whole)
    operator.end()


@ops.command()
@click.pass_obj
def topics(operator: Operator) -> None:
    """The topics that should exist, and how the existing ones differ."""
    answers = operator.ask_all(lambda api: api.get("/v1/ops/topics")["items"])
    operator.show(answers, tables.topics)
    operator.expect(row["exists"] and not row["differs"] for items in answers.values() for row in items)
    operator.end()
