"""The blueprint that gives a service its pages: layout, stylesheet, words, and problems as pages."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Response, current_app, request
from flask.blueprints import BlueprintSetupState
from marshmallow import fields

from shared.http.auth import open_to_all
from shared.http.media import current_view, gives_media
from shared.http.routes import Routes
from shared.pages.negotiation import wants_html
from shared.pages.rendering import render, template_names
from shared.pages.words import Words

HERE = Path(__file__).parent
STYLE = (HERE / "static" / "style.css").read_bytes()
# The stylesheet's address changes with it, so browsers may keep it for a year.
STYLE_VERSION = sha256(STYLE).hexdigest()[:12]
PROBLEM = "application/problem+json"


def pages_blueprint(*word_folders: Path) -> Routes:
    """The blueprint of a service whose pages have these words besides those of the layout."""
    words = Words(HERE / "words", *word_folders)
    routes = Routes(
        "pages", __name__, url_prefix="/public", description="What the pages need", template_folder="templates"
    )
    routes.record_once(lambda state: _set_up(state, words))
    described = routes.response(200, fields.String(), content_type="text/css")(show_style)
    routes.get("/assets/style.css")(described)
    routes.app_context_processor(template_names)
    routes.app_context_processor(lambda: {"style_version": STYLE_VERSION})
    routes.after_app_request(as_page)
    return routes


def _set_up(state: BlueprintSetupState, words: Words) -> None:
    app: Any = state.app
    app.extensions["pages"] = words
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


@open_to_all
@gives_media("text/css")
def show_style() -> Response:
    """The stylesheet of the pages"""
    response = Response(STYLE, content_type="text/css; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def as_page(response: Response) -> Response:
    """A problem as a page for a caller who asked for HTML: the form that they sent with its errors, or a sentence."""
    if not request.path.startswith("/public"):
        return response
    response.vary.update(("Accept", "Accept-Language"))
    if response.mimetype != PROBLEM or not wants_html():
        return response
    problem: dict[str, Any] = response.get_json()
    form_again = getattr(current_view(), "form_again", None)
    if form_again is not None and request.method == "POST" and problem["status"] in (409, 422):
        made: Response = form_again(problem, **(request.view_args or {}))
    else:
        known = f"problem.{problem['status']}.title"
        found = current_app.extensions["pages"].find("en", known)
        made = render("pages/problem.html", problem=problem, key=problem["status"] if found else "other")
    made.status_code = response.status_code
    for name in ("Retry-After", "Allow"):
        if name in response.headers:
            made.headers[name] = response.headers[name]
    made.vary.update(("Accept", "Accept-Language"))
    return made


def errors_in(problem: dict[str, Any]) -> dict[str, str]:
    """The errors of a form: path of the field → sentence. An error of no field has the path ''."""
    errors: dict[str, list[str]] = problem.get("errors") or {"": [problem.get("detail", "")]}
    return {path: sentences[0] for path, sentences in errors.items()}
