"""The demo: season 7's story, told by an ordinary client of a running stack."""

import time
from typing import Any

from rich.console import Console
from rich.markup import escape

from deploy.local.demo.checks import WentWrong
from deploy.local.demo.report import show
from deploy.local.demo.story import is_done, run_story
from deploy.local.errors import StackError
from ops.client import CallFailed


def run(stack: dict[str, Any]) -> int:
    """Tells the story and shows what came of it; 0 when all of it was as it should be, else 1 and the reason."""
    console = Console()
    started = time.monotonic()
    try:
        story = run_story(stack, console)
        show(story, console)
    except (WentWrong, CallFailed) as wrong:
        console.print(f"[bold red]✗ {escape(str(wrong))}[/bold red]", highlight=False)
        return 1
    seconds = time.monotonic() - started
    console.print(
        f"\n[bold green]All of it came out right[/bold green]: {story.checks.held} expectations, {seconds:.1f} s."
    )
    return 0


def seed(stack: dict[str, Any]) -> None:
    """Tells the story without the summary, unless season 7 is there already. Raises StackError with the reason."""
    console = Console(stderr=True)
    try:
        if is_done(stack):
            console.print("Season 7 is there already: the data stays as it is.")
        else:
            run_story(stack, console)
    except (WentWrong, CallFailed) as wrong:
        raise StackError(f"The demo's story went wrong: {wrong}") from wrong
