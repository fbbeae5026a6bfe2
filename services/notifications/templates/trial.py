"""Tries a text with every combination of missing values when it is saved, so that it never fails later. Pure."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from services.notifications.templates.context import CONTEXT, context_without
from services.notifications.templates.errors import CannotRender, UnusableTemplate
from services.notifications.templates.rendering import CompiledTemplate, Rendered, render, run_only


def check_every_case(template: CompiledTemplate, language: str) -> None:
    """Renders the text with all values, and without each combination of optional values.

    Raises UnusableTemplate when a mail cannot be made; it names the field and the missing values.
    """
    known: set[tuple[str, str]] = set()
    for missing in _cases(template.key):
        context = context_without(template.key, language, missing)
        try:
            written = run_only(template, context)
            if written not in known:  # most texts show few of the optional values: equal results are checked once
                known.add(written)
                render(template, context)
        except CannotRender as error:
            without = f" Without {', '.join(missing)}:" if missing else ""
            raise UnusableTemplate({error.field: [f"{without} {error}".strip()]}) from error


def preview(template: CompiledTemplate, context: dict[str, Any]) -> Rendered:
    """The mail with these values. Raises UnusableTemplate when it cannot be made."""
    try:
        return render(template, context)
    except CannotRender as error:
        raise UnusableTemplate({error.field: [str(error)]}) from error


def _cases(key: str) -> Iterator[tuple[str, ...]]:
    """Each combination of the optional values, from none to all. A template has at most eight of them."""
    optional = [placeholder.name for placeholder in CONTEXT[key] if placeholder.optional]
    for count in range(len(optional) + 1):
        yield from combinations(optional, count)
