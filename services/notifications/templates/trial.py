"""Whether a text makes a mail whatever is known when it is sent: all of it tried when it is saved. Pure."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from services.notifications.templates.context import CONTEXT, context_without
from services.notifications.templates.errors import CannotRender, UnusableTemplate
from services.notifications.templates.rendering import CompiledTemplate, Rendered, render, run_only


def check_every_case(template: CompiledTemplate, language: str) -> None:
    """Renders the text with everything, and with each combination of what may be missing.

    Raises UnusableTemplate, which names the field and what was missing, where no mail comes of it.
    """
    known: set[tuple[str, str]] = set()
    for missing in _cases(template.key):
        context = context_without(template.key, language, missing)
        try:
            written = run_only(template, context)
            if written not in known:  # most of what may be missing changes nothing in most texts
                known.add(written)
                render(template, context)
        except CannotRender as error:
            without = f" Without {', '.join(missing)}:" if missing else ""
            raise UnusableTemplate({error.field: [f"{without} {error}".strip()]}) from error


def preview(template: CompiledTemplate, context: dict[str, Any]) -> Rendered:
    """The mail with these values. Raises UnusableTemplate where none comes of it."""
    try:
        return render(template, context)
    except CannotRender as error:
        raise UnusableTemplate({error.field: [str(error)]}) from error


def _cases(key: str) -> Iterator[tuple[str, ...]]:
    """What may be missing: nothing, all, and each combination in between. There are at most eight such values."""
    optional = [placeholder.name for placeholder in CONTEXT[key] if placeholder.optional]
    for count in range(len(optional) + 1):
        yield from combinations(optional, count)
