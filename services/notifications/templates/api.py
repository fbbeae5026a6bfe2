"""/v1/templates"""

from typing import Any

from services.notifications.templates import commands
from services.notifications.templates.context import example_context
from services.notifications.templates.rendering import compile_template, render
from services.notifications.templates.schemas import Preview, PreviewInput, Template, TemplateInput
from services.notifications.templates.store import TEMPLATES, current_template, packaged
from shared.http.calls import if_match, request_cause, required_match
from shared.http.resource_routes import HistoryEntry
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL
from shared.mongo.paging import Page, page, wrong_cursor
from shared.schemas import PageQuery


def routes(db: Database) -> Routes:
    """The templates' part of the service's HTTP interface."""
    blueprint = Routes("templates", __name__, url_prefix="/v1", description="The texts of the e-mails")

    @blueprint.route("/templates", methods=["GET"])
    @blueprint.query(PageQuery)
    @blueprint.lists(Template)
    def list_templates(query: dict[str, Any]) -> Page:
        """List all texts in force"""
        saved = {row["_id"]: row for row in db[TEMPLATES.collection].find()}
        after = query["cursor"] or ""
        if after and after not in packaged():
            raise wrong_cursor()
        rest = [saved.get(name, template) for name, template in packaged().items() if name > after]
        items = rest[: query["limit"]]
        return Page(items=items, next_cursor=items[-1]["_id"] if len(rest) > len(items) else None)

    @blueprint.route("/templates/<key>/<language>", methods=["GET"])
    @blueprint.answers(Template)
    def get_template(key: str, language: str) -> Document:
        """Show a text"""
        return current_template(db, key, language)

    @blueprint.route("/templates/<key>/<language>", methods=["PUT"])
    @blueprint.takes(TemplateInput)
    @blueprint.answers(Template)
    def save_template(body: dict[str, Any], key: str, language: str) -> Document:
        """Change a text (needs If-Match); a placeholder that does not exist is refused"""
        return commands.save_template(db, request_cause(), key, language, body, if_match=required_match(if_match()))

    @blueprint.route("/templates/<key>/preview", methods=["POST"])
    @blueprint.takes(PreviewInput)
    @blueprint.response(200, Preview)
    def preview_template(body: dict[str, Any], key: str) -> Any:
        """Render a text with example facts"""
        template = {**current_template(db, key, body["language"]), **body}
        compiled = compile_template(key, template["subject"], template["body"])
        return render(compiled, example_context(key, body["language"]))

    @blueprint.route("/templates/<key>/<language>/history", methods=["GET"])
    @blueprint.query(PageQuery)
    @blueprint.lists(HistoryEntry)
    def template_history(query: dict[str, Any], key: str, language: str) -> Page:
        """Who changed the text, when and how"""
        name = current_template(db, key, language)["_id"]
        return page(db, JOURNAL, {"of": name}, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])

    return blueprint
