"""/v1/templates"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Concatenate

from flask import request

from services.notifications.templates import commands
from services.notifications.templates.context import example_context
from services.notifications.templates.previews import context_of_a_recipient
from services.notifications.templates.rendering import Rendered, compile_template
from services.notifications.templates.schemas import Preview, PreviewInput, Template, TemplateInput
from services.notifications.templates.store import TEMPLATES, current_template, identifier, packaged, template_versions
from services.notifications.templates.trial import preview
from shared.errors import PreconditionRequired
from shared.http.calls import database, idempotency_key, precondition, request_cause
from shared.http.resource_routes import HistoryEntry
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.mongo.journal import JOURNAL
from shared.mongo.paging import Page, page, wrong_cursor
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import PageQuery

routes = Routes("templates", __name__, url_prefix="/v1", description="The texts of the e-mails")


def _run(command: Callable[Concatenate[UnitOfWork, ...], Document], name: str, *args: Any) -> Document:
    """As `run`, for a resource whose id is made of two parts of the path."""
    held = precondition()
    return database().transact(
        lambda uow: command(uow, name, *args),
        cause=request_cause(),
        key=idempotency_key(),
        if_match=held and replace(held, of=name),
    )


@routes.get("/templates")
@routes.query(PageQuery)
@routes.lists(Template)
def list_templates(query: dict[str, Any]) -> Page:
    """List all texts in force"""
    saved = {row["_id"]: row for row in database()[TEMPLATES.collection].find()}
    after = query["cursor"] or ""
    if after and after not in packaged():
        raise wrong_cursor()
    rest = [saved.get(name, template) for name, template in packaged().items() if name > after]
    items = rest[: query["limit"]]
    return Page(items=items, next_cursor=items[-1]["_id"] if len(rest) > len(items) else None)


@routes.get("/templates/<key>/<language>")
@routes.answers(Template)
def get_template(key: str, language: str) -> Document:
    """Show a text"""
    return current_template(database(), key, language)


@routes.put("/templates/<key>/<language>")
@routes.takes(TemplateInput)
@routes.answers(Template)
def save_template(body: dict[str, Any], key: str, language: str) -> Document:
    """Change a text (needs If-Match)

    A placeholder that does not exist, and a text of which no mail could come for some recipient, are refused.
    """
    name = current_template(database(), key, language)["_id"]
    return _run(commands.save_template, name, body)


@routes.get("/templates/<key>/<language>/versions")
@routes.query(PageQuery)
@routes.lists(Template)
def list_versions(query: dict[str, Any], key: str, language: str) -> Page:
    """List all versions of a text, newest first"""
    name = current_template(database(), key, language)["_id"]
    return template_versions(database(), name, limit=query["limit"], cursor=query["cursor"])


@routes.post("/templates/<key>/<language>/versions/<number>/restore")
@routes.answers(Template)
def restore_version(key: str, language: str, number: str) -> Document:
    """Make an old version of a text the newest one (needs If-Match)"""
    if "If-Match" not in request.headers:
        raise PreconditionRequired('Send If-Match with the ETag of the version in force, such as If-Match: "3".')
    name = current_template(database(), key, language)["_id"]
    return _run(commands.restore_version, name, number)


@routes.post("/templates/<key>/preview")
@routes.takes(PreviewInput)
@routes.response(200, Preview)
def preview_template(body: dict[str, Any], key: str) -> Rendered:
    """Render a text with example facts, or as a real contact would get it"""
    language = body["language"]
    template = {**current_template(database(), key, language), **body}
    compiled = compile_template(key, template["subject"], template["body"])
    context = example_context(key, language)
    if body.keys() & {"contact_id", "event_id"}:
        context |= context_of_a_recipient(
            database(), language, contact_id=body.get("contact_id"), event_id=body.get("event_id")
        )
    return preview(compiled, context)


@routes.get("/templates/<key>/<language>/history")
@routes.query(PageQuery)
@routes.lists(HistoryEntry)
def template_history(query: dict[str, Any], key: str, language: str) -> Page:
    """Show who changed the text, when and how"""
    current_template(database(), key, language)
    mine = {"of": identifier(key, language), "kind": TEMPLATES.name}
    return page(database(), JOURNAL, mine, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])
