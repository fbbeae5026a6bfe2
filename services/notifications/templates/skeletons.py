"""A text rendered once for many recipients: a skeleton whose holes are filled for each of them.

What comes out is what `render` makes of the same values, byte for byte; a value for which that is not certain (a name
that begins with a star, say) takes that way itself.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it.common.utils import escapeHtml

from services.notifications.mail import quoted_printable
from services.notifications.templates.holes import LINKS, NAMES, PERSONAL
from services.notifications.templates.markdown import one_line
from services.notifications.templates.rendering import CompiledTemplate, render
from services.notifications.templates.written import WrittenText, without_tokens, written_plainly

# So many (text, language, event) are under way at the same time at the most; one more begins anew.
MOST_SKELETONS = 64
# With the longest names put in, a mail stays below what `render` lets through.
MOST_CHARACTERS = 40_000
LONGEST_NAME = 300
# Letters and digits at both ends, as the values have: Markdown sees no difference.
_HOLE = re.compile(r"qz(\d)hole(?:\.example/)?x")
_LINK = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9/._-]*[A-Za-z0-9]")

_PERSONAL_GROUPS = frozenset(path.partition(".")[0] for path in PERSONAL)

Pieces = Sequence[str | int]
"""Text, and in between the numbers of holes."""


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    subject: Pieces
    text: Pieces
    text_lines: Sequence[bytes | Pieces]
    html_lines: Sequence[bytes | Pieces]


class Skeletons:
    """Writes texts, with one skeleton for all recipients that differ by their own values alone. For several threads."""

    def __init__(self) -> None:
        self._made: dict[Any, Skeleton | None] = {}
        self._lock = threading.Lock()

    def write(self, text: CompiledTemplate, context: Mapping[str, Any]) -> WrittenText:
        """The text for the recipient whose values are in `context`. Raises what `render` raises."""
        values = {name: _value(context, name) for name in PERSONAL}
        if text.holes.fixed and all(_fits(name, value) for name, value in values.items()):
            skeleton = self._skeleton(text, context, values)
            if skeleton is not None:
                return _filled(skeleton, values, version=text.version)
        return written_plainly(render(text, context), [values[name] for name in LINKS], version=text.version)

    def _skeleton(
        self, text: CompiledTemplate, context: Mapping[str, Any], values: Mapping[str, str | None]
    ) -> Skeleton | None:
        """None when it would be too long to be sure of."""
        there = tuple(bool(value) for value in values.values())
        common = {name: value for name, value in context.items() if name not in _PERSONAL_GROUPS}
        key = (text, there, (context.get("registration") or {}).get("position"), repr(common))
        with self._lock:
            if key in self._made:
                return self._made[key]
        made = _skeleton_of(text, context, values)
        with self._lock:
            if len(self._made) >= MOST_SKELETONS:
                self._made.clear()
            self._made[key] = made
        return made


def _value(context: Mapping[str, Any], name: str) -> str | None:
    group, _, own = name.rpartition(".")
    value = ((context.get(group) or {}) if group else context).get(own)
    if value is None:
        return None
    return one_line(str(value)) if name in NAMES else str(value)


def _fits(name: str, value: str | None) -> bool:
    """Whether the value means the same to Markdown as a hole does."""
    if not value:
        return value is None or name not in ("contact.given_name", "contact.family_name")
    if name in LINKS:
        return _LINK.fullmatch(value) is not None
    return value[0].isalpha() and value[-1].isalnum() and value.isprintable() and len(value) <= LONGEST_NAME


def _hole(name: str) -> str:
    number = PERSONAL.index(name)
    return f"https://qz{number}hole.example/x" if name in LINKS else f"qz{number}holex"


def _skeleton_of(
    text: CompiledTemplate, context: Mapping[str, Any], values: Mapping[str, str | None]
) -> Skeleton | None:
    marked = {name: dict(value) if isinstance(value, dict) else value for name, value in context.items()}
    for name, value in values.items():
        group, _, own = name.rpartition(".")
        into = marked.setdefault(group, {}) if group else marked
        into[own] = _hole(name) if value else None
    rendered = render(text, marked)
    if len(rendered.html) > MOST_CHARACTERS or "\r" in rendered.html or _HOLE.search(repr(context)):
        return None
    return Skeleton(
        subject=_pieces(rendered.subject),
        text=_pieces(rendered.text),
        text_lines=_lines(rendered.text),
        html_lines=_lines(rendered.html),
    )


def _pieces(text: str) -> Pieces:
    split = re.split(r"((?:https://)?qz\dhole(?:\.example/)?x)", text)
    return [_number(part) if _HOLE.search(part) and place % 2 else part for place, part in enumerate(split)]


def _number(hole: str) -> int:
    found = _HOLE.search(hole)
    assert found is not None
    return int(found[1])


def _lines(text: str) -> Sequence[bytes | Pieces]:
    """Lines without a hole as the mail has them, many at once; the others in pieces."""
    found: list[bytes | Pieces] = []
    plain: list[str] = []
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if _HOLE.search(line):
            found += [quoted_printable("".join(plain)), _pieces(line)]
            plain = []
        else:
            plain.append(line)
    return [*found, quoted_printable("".join(plain))]


def _filled(skeleton: Skeleton, values: Mapping[str, str | None], *, version: int) -> WrittenText:
    as_text = [values[name] or "" for name in PERSONAL]
    as_html = [escapeHtml(value) for value in as_text]
    kept = [
        without_tokens(value, [value]) if name in LINKS else value
        for name, value in zip(PERSONAL, as_text, strict=True)
    ]
    return WrittenText(
        subject=_fill(skeleton.subject, as_text),
        text_part=_fill_lines(skeleton.text_lines, as_text),
        html_part=_fill_lines(skeleton.html_lines, as_html),
        kept_subject=_fill(skeleton.subject, kept),
        kept_text=_fill(skeleton.text, kept),
        version=version,
    )


def _fill(pieces: Pieces, values: Sequence[str]) -> str:
    return "".join(piece if isinstance(piece, str) else values[piece] for piece in pieces)


def _fill_lines(lines: Sequence[bytes | Pieces], values: Sequence[str]) -> bytes:
    return b"".join(line if isinstance(line, bytes) else quoted_printable(_fill(line, values)) for line in lines)
