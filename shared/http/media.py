"""Media types and sizes: which bodies a view takes, how large they may be, and which answers it can give."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from werkzeug.exceptions import ClientDisconnected, NotAcceptable, RequestEntityTooLarge, UnsupportedMediaType

from shared.errors import Problem

JSON_BODIES = ("application/json", "application/merge-patch+json")
FORM = "application/x-www-form-urlencoded"
# Tables of 10,000 rows are far smaller; a larger body would be held in memory by each of the threads at once.
LARGE_BODY_BYTES = 16_000_000


View = TypeVar("View", bound=Callable[..., Any])


def takes_media(*types: str) -> Callable[[Any], Any]:
    """Marks a view that takes other bodies than JSON, up to 16 MB."""

    def mark(view: Any) -> Any:
        view.media_types = types
        return view

    return mark


def takes_any_media(view: Any) -> Any:
    """Marks a view that takes a body of any type, or of none."""
    view.any_media = True
    return view


def gives_media(*types: str) -> Callable[[Any], Any]:
    """Marks a view that can answer with other media types than JSON."""

    def mark(view: Any) -> Any:
        view.answer_types = types
        return view

    return mark


def shows_more_than_its_version(view: View) -> View:
    """Marks a view whose answer changes while the version of its resource does not: it never answers 304."""
    view.shows_more_than_its_version = True  # type: ignore[attr-defined]
    return view


def takes_form() -> bool:
    """Whether the view that the request has reached takes HTML forms besides JSON (`view.takes_forms`)."""
    return bool(getattr(current_view(), "takes_forms", False))


def current_view() -> Any:
    """The view function that the request has reached; None when no route fits."""
    return None if request.endpoint is None else current_app.view_functions.get(request.endpoint)


def add_negotiation(app: Flask, *, max_body_bytes: int) -> None:
    """Refuses bodies that the view does not take (413, 415), and Accept headers that it cannot serve (406)."""

    @app.before_request
    def negotiate() -> None:
        view = current_view()
        if view is None:
            return
        other = getattr(view, "media_types", None)
        if request.method in ("POST", "PUT", "PATCH") and _has_body():
            allowed = other or ((*JSON_BODIES, FORM) if takes_form() else JSON_BODIES)
            if request.mimetype not in allowed and not getattr(view, "any_media", False):
                raise UnsupportedMediaType(f"Send the body as {' or '.join(allowed)}.")
            if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
                raise UnsupportedMediaType("Send the body without a Content-Encoding.")
            _read_body(LARGE_BODY_BYTES if other else max_body_bytes)
        given = (*getattr(view, "answer_types", ()), "application/json", "application/problem+json")
        accept = request.accept_mimetypes
        if request.path.startswith("/v1") and accept and not accept.best_match(given):
            raise NotAcceptable(f"This can be had as {', '.join(given)}.")


def _has_body() -> bool:
    return bool(request.content_length or request.mimetype or "Transfer-Encoding" in request.headers)


def _read_body(limit: int) -> None:
    """Reads the whole body: a view never sees a part of one. Raises RequestEntityTooLarge (413) over `limit`."""
    # werkzeug cuts a chunked body at its maximum without an error: reading one byte more shows the excess.
    request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=True)
    except ClientDisconnected as error:
        raise Problem("The body is malformed, or ended before its end.") from error
    if len(body) > limit:
        raise RequestEntityTooLarge
