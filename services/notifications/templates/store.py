"""The templates: changed texts stand in the database, the others in the package."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from services.notifications.templates.defaults import default_templates
from services.notifications.templates.rendering import CompiledTemplate, compile_template
from services.notifications.templates.schemas import Template
from shared.errors import Invalid, NotFound
from shared.instants import parse_instant
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL, state_in
from shared.mongo.paging import Page, page
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

TEMPLATES: Aggregate[Document] = Aggregate(
    name="template",
    collection="templates",
    source="/uso/notifications",
    schema=Template,
    conflict_messages={"_id_": "Somebody else has just changed this template. Get it again."},
)
PACKAGED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def identifier(key: str, language: str) -> str:
    """The id of a template: `event_changed.sv`."""
    return f"{key}.{language}"


@cache
def packaged() -> dict[str, Document]:
    """The packaged templates, by id."""
    return {
        identifier(key, language): {
            "_id": identifier(key, language),
            "version": 1,
            "created_at": PACKAGED_AT,
            "updated_at": PACKAGED_AT,
            "key": key,
            "language": language,
            "subject": subject,
            "body": body,
        }
        for (key, language), (subject, body) in sorted(default_templates().items())
    }


def current_template(db: Database, key: str, language: str) -> Document:
    """The text in force. Raises NotFound for an unknown key or language."""
    name = identifier(key, language)
    found = db[TEMPLATES.collection].find_one({"_id": name}) or packaged().get(name)
    if found is None:
        raise NotFound("template", name)
    return found


def template_versions(db: Database, name: str, *, limit: int, cursor: str | None) -> Page:
    """All versions of a text, newest first; only the packaged text when it was never changed."""
    query = {"of": name, "kind": TEMPLATES.name}
    found = page(db, JOURNAL, query, limit=limit, cursor=cursor, sort=[("_id", -1)])
    states = [state for row in found.items if (state := state_in(row)) is not None]
    items = [{**state, "_id": name, **_instants(state)} for state in states]
    return Page(items=items or ([] if cursor else [packaged()[name]]), next_cursor=found.next_cursor)


def _instants(state: Mapping[str, Any]) -> Document:
    return {field: parse_instant(state[field]) for field in ("created_at", "updated_at")}


class TemplateCache:
    """The compiled templates in force: each version is compiled once. Several threads may use it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._compiled: dict[tuple[str, int], CompiledTemplate] = {}
        self._lock = threading.Lock()

    def get_many(self, names: set[str]) -> dict[str, CompiledTemplate]:
        """Compiled templates by id, as of now, in one query."""
        versions = dict.fromkeys(names & packaged().keys(), 1)
        saved = self.db[TEMPLATES.collection].find({"_id": {"$in": sorted(names)}}, {"version": 1})
        versions |= {row["_id"]: row["version"] for row in saved}
        return {name: self._compile(name, version) for name, version in versions.items()}

    def packaged(self, key: str, language: str) -> CompiledTemplate:
        """The packaged text."""
        return self._compile(identifier(key, language), 1)

    def _compile(self, name: str, version: int) -> CompiledTemplate:
        with self._lock:
            found = self._compiled.get((name, version))
        if found is not None:
            return found
        compiled = self._compile_saved(name, version) if version > 1 else None
        if compiled is None:
            template = packaged()[name]
            compiled = compile_template(template["key"], template["subject"], template["body"])
        with self._lock:
            self._compiled[name, version] = compiled
        return compiled

    def _compile_saved(self, name: str, version: int) -> CompiledTemplate | None:
        """None for a text that was good when it was saved and is not any more: then ours is used."""
        template = self.db[TEMPLATES.collection].find_one({"_id": name})
        if template is None:
            return None
        try:
            compiled = compile_template(template["key"], template["subject"], template["body"])
            return replace(compiled, version=version)
        except Invalid:
            log.error("a saved text can no longer be used", template=name)  # noqa: TRY400 - it says why when saved
            return None
