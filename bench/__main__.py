"""`python -m bench [--only NAME]… [--quick]`: measures the paths and writes down what came out."""

import gc
import signal
import sys
import tempfile
import time
from pathlib import Path

import click

from bench import machine, report, scenarios
from bench.bench_stack import BenchStack
from bench.rows import Row
from deploy.local.stack import Stack
from shared.telemetry.logs import configure_logs


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice(list(scenarios.SCENARIOS)), help="Measure this path; may be repeated."
)
@click.option("--quick", is_flag=True, help="Small and once: shows that it works, not how fast it is.")
def main(only: tuple[str, ...], quick: bool) -> None:
    """Measures each path beside a baseline, in turn, on real Kafka and MongoDB.

    A whole run writes bench/results.json, the plot and the table in docs/speed.md; a part of one only prints.
    """
    configure_logs(service="bench", process="bench", level="ERROR")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="uso-bench-") as directory,
        Stack(Path(directory), keep=False, services=(), report=report.progress) as stack,
    ):
        gc.collect()
        gc.freeze()  # as a service's processes do: for the baselines that run in this process too
        bench = BenchStack(stack=stack, directory=Path(directory), quick=quick, report=report.progress)
        rows = _measure(bench, only or tuple(scenarios.SCENARIOS))
    seconds = time.monotonic() - began
    report.show(rows, machine.describe(), seconds)
    if not only and not quick:
        report.keep(rows, machine.describe(), seconds)


def _measure(bench: BenchStack, names: tuple[str, ...]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        report.progress(f"{name} …")
        rows += scenarios.SCENARIOS[name](bench)
    return rows


if __name__ == "__main__":
    main()
