"""The reasons why a text cannot be saved (422 at HTTP) or cannot be rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from shared.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class UnknownPlaceholder:
    """A placeholder that this template's key does not have. `line` counts from 1 within `field`."""

    field: str
    placeholder: str
    line: int
    known: tuple[str, ...]

    def __str__(self) -> str:
        near = get_close_matches(self.placeholder, self.known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        there_are = ", ".join(self.known)
        return f"Line {self.line}: there is no placeholder {self.placeholder} here.{hint} There are: {there_are}."


class UnusableTemplate(Invalid):
    """A text that could never be rendered; `errors` says why, for `subject` and `body`."""


class UnknownPlaceholders(UnusableTemplate):
    """The text uses placeholders that its key does not have: `unknown`."""

    def __init__(self, unknown: Sequence[UnknownPlaceholder]) -> None:
        self.unknown = list(unknown)
        fields = dict.fromkeys(placeholder.field for placeholder in unknown)
        super().__init__(
            {field: [str(placeholder) for placeholder in unknown if placeholder.field == field] for field in fields}
        )


class BadSyntax(UnusableTemplate):
    """The text is malformed or too long, or uses a forbidden part of Jinja: see `line` of `field`."""

    def __init__(self, field: str, line: int, why: str) -> None:
        self.field = field
        self.line = line
        super().__init__({field: [f"Line {line}: {why}"]})


class CannotRender(Exception):
    """The text does not become a mail with these values: one is missing, or the result is too long or empty."""

    def __init__(self, why: str, *, field: str = "body") -> None:
        super().__init__(why)
        self.field = field
