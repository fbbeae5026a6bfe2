"""The rows as a table, as results.json, and as a plot."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.plot import plot
from bench.rows import Row, rounded

RESULTS = Path("bench/results.json")
PAGE = Path("docs/speed.md")
PLOT = Path("docs/speed.svg")
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEADS = ("path", "what", "ours", "baseline", "compared with", "ratio", "target", "")

console = Console(width=None if sys.stdout.isatty() else 200)


def progress(text: str) -> None:
    """What is being done, for whoever waits."""
    console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/dim] {text}")


def show(rows: Sequence[Row], machine: str, seconds: float) -> None:
    """The table on the terminal."""
    table = Table(*HEADS, title=f"{machine} ({seconds / 60:.1f} min)", title_justify="left")
    for row in rows:
        table.add_row(*cells(row.as_json()))
    console.print(table)


def keep(rows: Sequence[Row], machine: str, seconds: float) -> None:
    """Writes results.json, the plot, and the table of the page from it."""
    results: dict[str, Any] = {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "machine": machine,
        "seconds": round(seconds),
        "rows": [row.as_json() for row in rows],
    }
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    plot(results["rows"], PLOT)
    write_table(results)


def write_table(results: dict[str, Any]) -> None:
    """Puts the results' table into the page, between its marks."""
    lines = [f"Measured {results['measured_at'][:10]} on {results['machine']}.", ""]
    lines += [f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}"]
    lines += [f"| {' | '.join(cells(row))} |" for row in results["rows"]]
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")


def cells(row: dict[str, Any]) -> list[str]:
    """One line of the table."""
    return [
        row["path"],
        row["what"],
        f"{_number(row['median'])} {row['unit']}",
        _number(row.get("baseline_median")),
        row.get("against", ""),
        _number(row.get("ratio")),
        row.get("target", ""),
        {True: "met", False: "missed", None: ""}[row.get("met")],
    ]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{rounded(float(value)):.3g}"
