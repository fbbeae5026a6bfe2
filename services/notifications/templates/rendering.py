"""A text and its personalisation → subject, plain text and HTML. Pure.

Texts are Markdown with Jinja placeholders. A value is text, whatever it holds: each is escaped for
Markdown where it is put in, and HTML in Markdown is off, so a name can never become markup.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from string import Template as Layout
from typing import Any

from jinja2 import StrictUndefined, Template, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it.common.utils import escapeHtml

from services.notifications.templates.checking import check
from services.notifications.templates.context import CONTEXT, Placeholder
from services.notifications.templates.errors import BadSyntax, CannotRender, UnknownPlaceholders
from services.notifications.templates.holes import Holes, find_holes
from services.notifications.templates.markdown import escape_line, escape_paragraphs, one_line, to_html_and_text
from services.notifications.templates.reasons import why_you_got_it

MAX_SOURCE = 20_000
MAX_OUTPUT = 100_000


@dataclass(frozen=True, kw_only=True)
class CompiledTemplate:
    """A checked text. Several threads may render it, any number of times."""

    key: str
    subject: Template
    body: Template
    holes: Holes
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """The parts of a mail: the subject on one line, the plain text, and a whole HTML document."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class _Marked:
    """A value that brings its own Markdown; `plain` is what a subject shows. No str: only `_in_body` unpacks it."""

    markdown: str
    plain: str

    def __bool__(self) -> bool:
        return bool(self.plain)

    def __str__(self) -> str:
        return self.plain


def compile_template(key: str, subject: str, body: str) -> CompiledTemplate:
    """The text, checked: it parses, and every placeholder is one that `key` has.

    Raises UnknownPlaceholders, BadSyntax (both are Invalid), or KeyError for an unknown key.
    """
    known = CONTEXT[key]
    sources = {"subject": subject, "body": body}
    for field, source in sources.items():
        if len(source) > MAX_SOURCE:
            raise BadSyntax(field, 1, f"longer than {MAX_SOURCE} characters.")
    unknown = [
        placeholder for field, source in sources.items() for placeholder in check(_for_body(), field, source, known)
    ]
    if unknown:
        raise UnknownPlaceholders(unknown)
    try:
        return CompiledTemplate(
            key=key,
            subject=_for_subject().from_string(subject),
            body=_for_body().from_string(body),
            holes=find_holes(_for_body(), subject, body),
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # Python's own limits of nesting
        raise BadSyntax("body", 1, "too deeply nested.") from error


def render(template: CompiledTemplate, context: Mapping[str, Any]) -> Rendered:
    """The mail's subject, text and HTML. `context` is as CONTEXT lists it, nested by the dots.

    Values that the key does not have are ignored; optional values may be missing, None or empty. Raises
    CannotRender when a required value is missing, or when the result is empty or far too long.
    """
    values = _known_values(CONTEXT[template.key], context)
    if "language" not in values:
        raise CannotRender("The context has no language.")
    subject = one_line(_run(template.subject, values, "subject"))
    body, text = to_html_and_text(_run(template.body, values, "body"))
    for field, written in (("subject", subject), ("body", text)):
        if not any(_shows_something(character) for character in written):
            raise CannotRender("It comes out empty.", field=field)
    if len(body) > 2 * MAX_OUTPUT:
        raise CannotRender("The mail is too long.")
    foot = why_you_got_it(template.key, values["language"])
    html = _layout().substitute(
        language=escape(values["language"]),
        subject=escapeHtml(subject),
        preheader=escapeHtml(_preheader(text)),
        body=body,
        foot=escapeHtml(foot),
    )
    return Rendered(subject=subject, text=f"{text}\n\n———\n{foot}\n", html=html)


def _preheader(text: str) -> str:
    """What mail programs show beside the subject: the paragraph after the greeting.

    It is not shortened: mail programs do that, and a skeleton must not depend on the length of a name.
    """
    paragraphs = text.split("\n\n")
    return " ".join(paragraphs[min(1, len(paragraphs) - 1)].split())


def _known_values(known: tuple[Placeholder, ...] | Any, context: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the known placeholders only, ready to be put in."""
    values: dict[str, Any] = {}
    for placeholder in known:
        group, _, name = placeholder.name.rpartition(".")
        given = (context.get(group) or {}) if group else context
        into = values.setdefault(group, {}) if group else values
        if given.get(name) is not None:
            into[name] = _value(placeholder, given[name])
        elif placeholder.optional:
            into[name] = None
    return values


def _value(placeholder: Placeholder, value: Any) -> Any:
    if placeholder.form == "markdown":
        return _Marked(str(value), str(value))
    if placeholder.form == "paragraphs":
        return _Marked(escape_paragraphs(str(value)), str(value))
    return value


def run_only(template: CompiledTemplate, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and Markdown of a mail, with the recipient's values. Raises CannotRender."""
    values = _known_values(CONTEXT[template.key], context)
    return _run(template.subject, values, "subject"), _run(template.body, values, "body")


def _run(template: Template, values: dict[str, Any], field: str) -> str:
    parts: list[str] = []
    length = 0
    try:
        for part in template.generate(values):
            length += len(part)
            if length > MAX_OUTPUT:
                raise CannotRender("The mail is too long.", field=field)
            parts.append(part)
    except UndefinedError as error:
        raise CannotRender(f"A value is missing: {error.message}", field=field) from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise CannotRender("A filter or comparison does not fit its value.", field=field) from error
    return "".join(parts)


def _shows_something(character: str) -> bool:
    """Whether a reader sees the character: it is no space, control or format character."""
    return unicodedata.category(character)[0] not in "ZC"


def _in_body(value: Any) -> str:
    if isinstance(value, _Marked):
        return value.markdown
    return "" if value is None else escape_line(str(value))


def _in_subject(value: Any) -> str:
    return "" if value is None else str(value)


@cache
def _for_body() -> ImmutableSandboxedEnvironment:
    return _environment(_in_body)


@cache
def _for_subject() -> ImmutableSandboxedEnvironment:
    return _environment(_in_subject)


def _environment(finalize: Any) -> ImmutableSandboxedEnvironment:
    # Jinja's own escaping is for HTML; here values go into Markdown, and `finalize` escapes them for it.
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        optimized=False,  # the optimizer would compute constants of any size when a text is compiled
    )


@cache
def _layout() -> Layout:
    return Layout(resources.files("services.notifications.templates").joinpath("layout.html").read_text("utf-8"))
