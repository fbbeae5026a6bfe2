"""Pages from templates, with the headers that keep them safe."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from flask import Response, current_app, g, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from shared.local_time import LOCALES, clock, moment, when
from shared.pages.negotiation import address_of, reader_language, this_page_in
from shared.pages.words import Words
from shared.schemas import LANGUAGES

# No script, no frame, nothing from other hosts: a text that somebody wrote can do nothing in a reader's browser.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# For pages with a script of our own, which calls this server and shows the camera.
POLICY_WITH_SCRIPTS = CONTENT_SECURITY_POLICY + "; script-src 'self'; connect-src 'self'; media-src 'self' blob:"
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",  # a page's address may hold the token of a registration
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def render(
    template: str, *, status: int = 200, usual_language: str | None = None, scripts: bool = False, **values: Any
) -> Response:
    """The page in the reader's language. `usual_language` is that of their registration, say.

    `scripts`: the page has a script of ours, from a file.
    """
    g.page_language = reader_language(usual_language)
    response = Response(render_template(template, **values), status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = g.page_language
    response.headers.update(HEADERS)
    if scripts:
        response.headers["Content-Security-Policy"] = POLICY_WITH_SCRIPTS
        response.headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
    return response


def see(endpoint: str, **values: Any) -> AnyResponse:
    """Redirects to another page by GET (303): a reader who reloads it sends no form twice."""
    return redirect(address_of(endpoint, **values), code=303)


def template_names() -> dict[str, Any]:
    """The names that every template can use."""
    language = g.get("page_language") or reader_language()
    words: Words = current_app.extensions["pages"]

    def t(key: str, /, **values: Any) -> str:
        return words.get(language, key, **values)

    return {
        "t": t,
        "language": language,
        "languages": LANGUAGES,
        "sentence": lambda english: words.sentence(language, english),
        "text": lambda texts: _text(texts, language),
        "plain": lambda texts: _find(texts, language)[1],
        "when": lambda event: when(event["starts_at"], event["ends_at"], event["timezone"], language),
        "moment": lambda at, timezone: moment(at, timezone, language),
        "clock": lambda at, timezone: clock(at.astimezone(ZoneInfo(timezone)), language),
        "month": lambda local: Locale.parse(LOCALES[language]).months["stand-alone"]["abbreviated"][local.month],
        "to": address_of,
        "this_page_in": this_page_in,
        "values": request.form,
        "errors": {},
    }


def _find(texts: Mapping[str, str] | None, language: str) -> tuple[str, str]:
    order = (language, *LANGUAGES)
    return next(((name, texts[name]) for name in order if texts.get(name)), (language, "")) if texts else (language, "")


def _text(texts: Mapping[str, str] | None, language: str) -> Markup:
    """A text by language; a text in another language than the page is marked with it (WCAG 3.1.2)."""
    found, text = _find(texts, language)
    return Markup('<span lang="{}">{}</span>').format(found, text) if found != language else Markup("{}").format(text)
