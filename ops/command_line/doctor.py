"""`uso doctor`: the problems of a running system, and what to do about them."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ops.client import Api, CallFailed
from ops.command_line import tables
from ops.command_line.group import Operator, ops
from ops.command_line.processes import examine

# A slow answer and the rounding of both clocks make a few seconds: only more is a difference of clocks.
CLOCK_SECONDS = 2.0
# Several connections to Kafka one after another, on a machine that may be in trouble.
CHECKUP_SECONDS = 60.0
Findings = list[dict[str, Any]]


@ops.command()
@click.option("--admin", "admins", multiple=True, metavar="URL", help="A process's admin port; repeatable.")
@click.pass_context
def doctor(context: click.Context, admins: tuple[str, ...]) -> None:
    """Examine services, topics, databases, certificates and clocks. Ends with 1 when something is wrong.

    With --run-dir it looks at each process as well; elsewhere at those that --admin names.
    """
    operator: Operator = context.obj
    parent = context.parent.params if context.parent else {}
    found: dict[str, Findings] = {service: list(_service(api)) for service, api in operator.apis.items()}
    processes = _admin_urls(parent.get("run_dir"), set(operator.apis)) | {url: url for url in admins}
    found["processes"] = [finding for name, url in processes.items() for finding in examine(name, url)]
    operator.show(found, tables.findings)
    operator.expect(finding["severity"] != "wrong" for findings in found.values() for finding in findings)
    operator.end()


@click.command("doctor", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def doctor_alone(arguments: tuple[str, ...]) -> None:
    """Examine a running system: its problems, and what to do about them."""
    ops.main(["doctor", *arguments], prog_name="uso")


def _service(api: Api) -> Iterator[dict[str, Any]]:
    """The service's own findings, and the difference between its clock and this machine's."""
    patient = Api(api.url, api.token, timeout_seconds=CHECKUP_SECONDS)
    before = time.time()
    try:
        checkup = patient.get("/v1/ops/doctor")
    except CallFailed as error:
        remedy = "Look whether its api runs, and whether the token is an operator's."
        yield {"severity": "wrong", "check": "service", "what": str(error), "remedy": remedy}
        return
    now = datetime.fromisoformat(checkup["now"]).timestamp()
    apart = max(before - now, now - time.time())
    if apart > CLOCK_SECONDS:
        what = f"Its clock and this machine's are {apart:.0f} s apart."
        yield {"severity": "wrong", "check": "clock", "what": what, "remedy": "Set both by NTP."}
    for check in checkup["checks"]:
        for finding in check["findings"]:
            yield {"check": check["name"], **finding}


def _admin_urls(run_dir: Path | None, services: set[str]) -> dict[str, str]:
    if run_dir is None:
        return {}
    info = json.loads((run_dir / "stack.json").read_text())["services"]
    return {
        process["name"]: process["admin_url"]
        for service, described in info.items()
        if service in services
        for process in described["processes"]
    }
