"""Content negotiation: HTML or JSON, and the language of a page."""

from typing import Any

from flask import request, url_for

from shared.schemas import LANGUAGES


def wants_html() -> bool:
    """Whether the caller prefers HTML: browsers do; programs accept anything or JSON, and get JSON."""
    accept = request.accept_mimetypes
    return accept["text/html"] > accept["application/json"]


def chosen_language() -> str | None:
    """The language that the reader chose by `?language=`; None without a choice, or for a language that we lack."""
    chosen = request.args.get("language", "")
    return chosen if chosen in LANGUAGES else None


def reader_language(usual: str | None = None) -> str:
    """The language of the page: the reader's choice, else `usual`, else the browser's language, else Finnish."""
    return chosen_language() or usual or request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def address_of(endpoint: str, **values: Any) -> str:
    """The address of a view on this host; the reader's choice of language goes along."""
    return url_for(endpoint, **({"language": chosen_language()} | values))


def this_page_in(language: str) -> str:
    """The address of this page in another language."""
    return request.path + "?" + "&".join([f"language={language}", *_other_parameters()])


def _other_parameters() -> list[str]:
    pairs = request.query_string.decode("ascii", "replace").split("&")
    return [pair for pair in pairs if pair and not pair.startswith("language=")]
