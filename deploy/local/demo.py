"""The demo: one season told by an ordinary client."""

from typing import Any


def seed(stack: dict[str, Any]) -> None:
    """Tells the story without the report."""
    run(stack)


def run(stack: dict[str, Any]) -> int:
    """Tells the story and shows it; 0 when everything came out right."""
    return 1
