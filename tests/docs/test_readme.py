"""What the README shows is so: the mail, the files that a request passes, the commands and the folders."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.local.demo.webinar_and_workshops import DESCRIPTION, TITLE
from tests.events import builders as of_events
from tests.events.conftest import Events
from tests.notifications import builders as of_notifications
from tests.notifications.conftest import Notifications

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
FOLDERS = {"deploy", "requirements", "docs", "examples", "bench", "tests", "shared", "services", "ops", "contracts"}


def test_the_mail_in_the_readme_is_the_mail_that_is_sent(notifications: Notifications) -> None:
    contact = of_notifications.contact(given_name="Ann-Christin", family_name="Sjöblom", language="sv")
    event = of_notifications.event(
        title=TITLE, description=DESCRIPTION, starts_at="2026-12-17T12:00:00Z", ends_at="2026-12-17T13:00:00Z"
    )
    notifications.hears(
        of_notifications.known(of_notifications.CONTACTS, contact),
        of_notifications.known(of_notifications.EVENTS, event),
    )
    registration = of_notifications.registration(event, contact)
    notifications.hears(of_notifications.came(of_notifications.REGISTRATIONS, "registration.created", registration))
    [mail] = notifications.sends()
    body = mail.get_body(("plain",))
    assert body is not None
    sent = [f"Subject: {mail['Subject']}", *body.get_content().splitlines()]
    shown = block_after("hands it to the mail server:")
    assert [line for line in shown if line not in ("", "…") and line not in sent] == []
    assert "- Tid: to 17.12.2026 kl. 14.00–15.00" in shown


def test_the_files_on_a_registrations_way_to_the_journal_are_those_that_the_readme_names(events: Events) -> None:
    organisation = of_events.organisation()
    contact = of_events.contact(organisation)
    events.hears(
        [*of_events.known(of_events.ORGANISATIONS, organisation), *of_events.known(of_events.CONTACTS, contact)]
    )
    event = events.published(of_events.webinar(capacity=1))
    named = set(re.findall(r"\]\((services/events/[a-z_/]+\.py)\)", README))
    assert passed(lambda: events.registered(event, contact=contact), "services/events") == named


def test_every_command_and_folder_in_the_readme_is_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z]+)", README)) <= set(targets)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    there = {name.partition("/")[0] for name in listed.splitlines() if "/" in name and not name.startswith(".")}
    assert there == FOLDERS
    assert {line.partition("/")[0] for line in block_after("## Where things are")} == FOLDERS


def block_after(words: str) -> list[str]:
    """The lines of the first code block behind these words."""
    return README.partition(words)[2].split("```")[1].strip().splitlines()


def passed(action: Callable[[], Any], folder: str) -> set[str]:
    """The files in `folder` of which `action` calls a function, in whatever thread."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(f"{ROOT}/{folder}/"):
            files.add(path.removeprefix(f"{ROOT}/"))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return files
