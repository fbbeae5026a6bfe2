"""Reading the e-mails that the catcher wrote."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from icalendar import Calendar

from deploy.local.demo.checks import WentWrong


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a calendar entry says of the event."""

    method: str
    starts_at: datetime
    dtstart: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class Mail:
    """An e-mail; `written_at` is when the catcher had written it, in seconds since 1970."""

    message_id: str
    sender: str
    to: str
    address: str
    subject: str
    text: str
    language: str
    entry: Entry | None
    written_at: float


class Mailbox:
    """The e-mails that come after it was opened; None instead of a directory: an outside server has them."""

    def __init__(self, directory: str | None) -> None:
        self.directory = Path(directory) if directory else None
        self._read: set[str] = {file.name for file in self._files()}
        self._mails: list[Mail] = []

    @property
    def mails(self) -> list[Mail]:
        """Those that are there by now."""
        for file in self._files():
            if file.name not in self._read:
                self._mails.append(read_mail(file))
                self._read.add(file.name)
        return list(self._mails)

    def _files(self) -> list[Path]:
        return sorted(self.directory.glob("*.eml")) if self.directory else []


def read_mail(file: Path) -> Mail:
    """The parts of an `.eml` file that the story looks at."""
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise WentWrong(f"{file.name}: not an e-mail")
    body: Any = message.get_body(("plain",))
    return Mail(
        message_id=str(message["Message-ID"] or "").strip("<> "),
        sender=str(message["From"]),
        to=str(message["To"]),
        address=parseaddr(str(message["To"]))[1].lower(),
        subject=str(message["Subject"]),
        text=body.get_content() if body is not None else "",
        language=str(message["Content-Language"] or ""),
        entry=_entry(message),
        written_at=file.stat().st_mtime,
    )


def _entry(message: EmailMessage) -> Entry | None:
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            content = part.get_payload(decode=True)
            calendar = Calendar.from_ical(content if isinstance(content, bytes) else b"")
            event: Any = calendar.walk("VEVENT")[0]
            start = event["DTSTART"]
            zone = start.params.get("TZID")
            return Entry(
                method=str(calendar.get("METHOD", "")),
                starts_at=start.dt,
                dtstart=f"{f';TZID={zone}' if zone else ''}:{start.to_ical().decode()}",
                summary=str(event["SUMMARY"]),
            )
    return None
