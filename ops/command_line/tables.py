"""The operator's tables."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.json import JSON
from rich.table import Table

Answers = Mapping[str, Any]
# With another number of partitions a key would be on two of them: neither compaction nor a tombstone reaches both.
MORE_PARTITIONS = (
    "partitions cannot be added in place: set KAFKA_PARTITIONS or KAFKA_PARTITIONS_BUSY to what is there, "
    "and for more of them copy key by key into a new topic (docs/operations.md)"
)


def lag(answers: Answers) -> Table:
    table = _table("service", "topic", "partition", "lag", "position", "end", "moved at")
    for service, rows in answers.items():
        for row in rows:
            position = row["position"] if row["position"] is not None else "-"
            moved_at = row["moved_at"] or "-"
            if row["partition"] is None:
                table.add_row(service, row["topic"], "no such topic", style="red")
            else:
                numbers = (row["partition"], row["lag"], position, row["end"], moved_at)
                table.add_row(service, row["topic"], *map(str, numbers), style="yellow" if row["lag"] else None)
    return table


def outbox(answers: Answers) -> Table:
    table = _table("service", "waiting", "oldest", "relay that leads", "as of", "blocked by")
    for service, answer in answers.items():
        leader = answer["leader"] or "none"
        blocked = ", ".join(f"{row['id']} ({row['topic']}, {row['bytes']:,} bytes)" for row in answer["blocking"])
        style = None if answer["relay_leads"] and not blocked else "red"
        table.add_row(
            service,
            str(answer["depth"]),
            f"{answer['oldest_seconds']:.1f} s",
            leader,
            answer["as_of"],
            blocked,
            style=style,
        )
    return table


def topics(answers: Answers) -> Table:
    table = _table("service", "topic", "role", "partitions", "replicas", "what is wrong")
    for service, rows in answers.items():
        for row in rows:
            role = " and ".join(name for name in ("owned", "subscribed") if row[name])
            wrong = [
                f"{name} is {setting['found']}, not {setting['wanted']}" for name, setting in row["differs"].items()
            ]
            if "partitions" in row["differs"]:
                wrong.append(MORE_PARTITIONS)
            wrong = wrong if row["exists"] else ["it does not exist"]
            counts = (str(row["partitions"]), str(row["replication"]))
            table.add_row(service, row["topic"], role, *counts, ", ".join(wrong), style="red" if wrong else None)
    return table


def dead_letters(answers: Answers) -> Table:
    table = _table("service", "id", "topic", "message", "error", "tries", "at")
    for service, rows in answers.items():
        for row in rows:
            message = row["message"]["type"] if row["message"] else "unreadable"
            cells = (row["id"], row["topic"], message, row["error"], str(row["tries"]), row["at"])
            table.add_row(service, *cells)
    return table


def findings(answers: Answers) -> Table | str:
    table = _table("where", "what is wrong", "what to do")
    for where, found in answers.items():
        for finding in found:
            style = "red" if finding["severity"] == "wrong" else "yellow"
            table.add_row(where, finding["what"], finding["remedy"], style=style)
    return table if table.row_count else "Nothing is wrong."


def whole(answers: Answers) -> JSON:
    return JSON(json.dumps(answers, ensure_ascii=False))


def jobs(answers: Answers) -> Group:
    table = _table("service", "what", "state", "read", "per second", "skipped", "result")
    differences = _table("service", "copy", "key", "how", "fields")
    for service, job in answers.items():
        result = job["result"] or {}
        told = ", ".join(f"{name}: {value}" for name, value in result.items() if not isinstance(value, dict | list))
        cells = (f"{job['kind']} {job['of']}", job["state"], job["read"], job["per_second"] or "-", job["skipped"])
        style = None if job["state"] == "completed" else "red"
        table.add_row(service, *map(str, cells), told or job["error"] or "", style=style)
        for name, projection in result.get("projections", {}).items():
            for difference in projection["differences"]:
                fields = ", ".join(difference["fields"])
                differences.add_row(service, name, difference["key"], difference["what"], fields, style="red")
    return Group(table, *([differences] if differences.row_count else []))


def progress(job: Mapping[str, Any]) -> str:
    """The progress of a job in a few words."""
    speed = f", {job['per_second']:,}/s" if job["per_second"] else ""
    return f"{job['phase'] or job['state']}, {job['read']:,} messages{speed}"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
