"""The replies of a mail server (RFC 5321, 4.2; RFC 3463), without the addresses in them."""

import re
import smtplib
from dataclasses import dataclass
from functools import lru_cache

MAX_TEXT = 300  # enough for staff to read; some servers add a page of advice
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})\b\s*")
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply: its code, its enhanced status code where there is one, and its text without addresses."""

    code: int
    enhanced_code: str | None
    text: str

    @property
    def address_is_bad(self) -> bool:
        """Whether the reply says that there is no such mailbox, now and later (RFC 3463, 3.2)."""
        return self.code >= 500 and self.enhanced_code in ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")

    def to_document(self) -> dict[str, object]:
        return {"code": self.code, "enhanced_code": self.enhanced_code, "text": self.text}


def read_reply(smtp: smtplib.SMTP) -> Reply:
    """The next reply of the connection. Raises OSError when the connection breaks or the reply has no end."""
    code, said = smtp.getreply()
    return parse_reply(code, said)


@lru_cache(maxsize=64)  # of the four replies to a mail three say the same each time
def parse_reply(code: int, said: bytes) -> Reply:
    """The text of a reply of several lines, each of which begins with the same enhanced code."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    found = next((match[1] for line in lines if (match := _ENHANCED.match(line))), None)
    text = " ".join(_ENHANCED.sub("", line) for line in lines)
    plain = "".join(character if character.isprintable() else " " for character in text)
    return Reply(code=code, enhanced_code=found, text=_ADDRESS.sub("<…>", plain)[:MAX_TEXT].strip())
