"""A text as a mail has it, and as it is kept with the delivery: without the tokens of the recipient's links."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.notifications.mail import quoted_printable
from services.notifications.templates.rendering import Rendered

WITHOUT_LINK = "…"
_TOKEN = re.compile(r"/public/[a-z]+/([^/?#]+)")


@dataclass(frozen=True, kw_only=True)
class WrittenText:
    """A text for one recipient: its parts as the mail has them, and what is kept of it, without the links' tokens."""

    subject: str
    text_part: bytes
    html_part: bytes
    kept_subject: str
    kept_text: str
    version: int


def written_plainly(rendered: Rendered, links: Sequence[str | None], *, version: int = 1) -> WrittenText:
    """The text as `render` has made it."""
    return WrittenText(
        subject=rendered.subject,
        text_part=quoted_printable(rendered.text),
        html_part=quoted_printable(rendered.html),
        kept_subject=without_tokens(rendered.subject, links),
        kept_text=without_tokens(rendered.text, links),
        version=version,
    )


def token_in(link: str) -> str:
    """The signed token in a recipient's own link: `…/public/<purpose>/<token>`, perhaps with more after it."""
    found = _TOKEN.search(link)
    return found[1] if found else ""


def without_tokens(text: str, links: Sequence[str | None]) -> str:
    """The text with a mark in the place of each link's token: who reads it must not act as the recipient."""
    for link in links:
        token = token_in(link) if link else ""
        if token:
            text = text.replace(token, WITHOUT_LINK)
            if token.lower() in text.lower():  # the text has changed its letters
                text = re.sub(re.escape(token), WITHOUT_LINK, text, flags=re.IGNORECASE)
    return text
