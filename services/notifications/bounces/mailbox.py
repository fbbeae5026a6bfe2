"""A folder that the mail server puts bounces into, as a Maildir: each is read once and goes."""

import contextlib
import time
from pathlib import Path

from services.notifications.bounces.commands import take_report
from services.notifications.bounces.reports import read_report
from services.notifications.sending.envelopes import delivery_in
from shared.cause import own_initiative
from shared.errors import Problem
from shared.mongo.database import Database
from shared.secrets import Secrets
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

PORTION = 100
# What a report needs; the mail that it returns may be long.
READ_BYTES = 1_000_000
# A worker that died while it read one leaves it in `cur`: another takes it up after this time.
LEFT_SECONDS = 600.0


def read_mailbox(db: Database, secrets: Secrets, folder: Path) -> bool:
    """Reads what has come; tells whether there may be more. What is no report of ours goes unread."""
    _take_up_what_was_left(folder)
    found = sorted(path for path in (folder / "new").iterdir() if path.is_file())[:PORTION]
    for path in found:
        mine = folder / "cur" / path.name
        with contextlib.suppress(FileNotFoundError):  # another worker was quicker
            path.rename(mine)
            mine.touch()
            _read(db, secrets, mine)
            mine.unlink()
    return len(found) == PORTION


def _read(db: Database, secrets: Secrets, path: Path) -> None:
    with path.open("rb") as file:
        content = file.read(READ_BYTES)
    # Anybody can write to the address: only what was sent to a signed one is believed.
    named = delivery_in(secrets, content.decode("utf-8", "replace"))
    report = read_report(content)
    if named is None or report is None:
        return
    try:
        db.transact(lambda uow: take_report(uow, report, named=named), cause=own_initiative("bounces"))
    except Problem as problem:
        if problem.status == 503:
            raise
        log.warning("a report could not be taken", delivery_id=named, error=problem.title)


def _take_up_what_was_left(folder: Path) -> None:
    for name in ("new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path in (folder / "cur").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFT_SECONDS:
                path.rename(folder / "new" / path.name)
