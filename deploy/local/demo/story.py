"""The story: its chapters in order, each told as it is done."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape

from deploy.local.demo.checks import WentWrong
from deploy.local.demo.mail_checks import check_mails, wait_for_deliveries
from deploy.local.demo.mails import Mailbox
from deploy.local.demo.messages import read_messages
from deploy.local.demo.next_season import look_back, merge_a_double, renew_members
from deploy.local.demo.season import enrol, import_contacts, import_municipalities, open_season, run_season
from deploy.local.demo.story_state import StoryState
from deploy.local.demo.webinar_and_workshops import give_up_a_seat, hold_workshops, publish_webinar, register_all
from ops.client import CallFailed, Staff

Chapter = Callable[[StoryState], str]

CHAPTERS: tuple[tuple[str, Chapter], ...] = (
    ("Importing the municipalities", import_municipalities),
    ("Opening season 7", open_season),
    ("Importing contacts", import_contacts),
    ("Enrolling municipalities", enrol),
    ("Running the season", run_season),
    ("Publishing the webinar", publish_webinar),
    ("Registering, all at once", register_all),
    ("Giving up a seat", give_up_a_seat),
    ("Asking for workshops", hold_workshops),
    ("Waiting for the e-mails", wait_for_deliveries),
    ("Reading the e-mails", check_mails),
    ("Reading the topics", read_messages),
    ("Merging a double", merge_a_double),
    ("Looking back at the season", look_back),
    ("Renewing the members", renew_members),
)


def is_done(stack: dict[str, Any]) -> bool:
    """Whether season 7 is there already."""
    seasons = Staff(stack, "viewer").enrolment.every("/v1/seasons")
    return any(season["number"] == 7 for season in seasons)


def run_story(stack: dict[str, Any], console: Console) -> StoryState:
    """Tells the story on a stack that has not heard it. Raises WentWrong when anything is not as it should be."""
    if is_done(stack):
        raise WentWrong("season 7 is there already: the story needs a stack without it (a new --run-dir)")
    story = StoryState(
        stack=stack,
        coordinator=Staff(stack, "coordinator"),
        manager=Staff(stack, "manager"),
        mailbox=Mailbox(stack["mail"]["directory"]),
    )
    for title, chapter in CHAPTERS:
        started = time.monotonic()
        with console.status(f"{title} …"):
            try:
                outcome = chapter(story)
            except (WentWrong, CallFailed) as wrong:
                raise WentWrong(f"{title}: {wrong}") from wrong
        console.print(
            f"[green]✓[/green] {escape(outcome)} [dim]({time.monotonic() - started:.1f} s)[/dim]", highlight=False
        )
    return story
