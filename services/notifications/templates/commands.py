"""What staff do with templates."""

from typing import Any

from services.notifications.templates.rendering import compile_template
from services.notifications.templates.store import TEMPLATES, current_template, packaged
from shared.cause import Cause
from shared.errors import Stale
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import IF_MATCH_ANY, UnitOfWork


def save_template(
    db: Database, cause: Cause, key: str, language: str, fields: dict[str, Any], *, if_match: int
) -> Document:
    """The next version of a text. Raises Invalid for one that could not be rendered, Stale, or NotFound."""
    name = current_template(db, key, language)["_id"]
    compile_template(key, fields["subject"], fields["body"])

    def work(uow: UnitOfWork) -> Document:
        before = uow.find_one(TEMPLATES.collection, {"_id": name})
        if before is None:  # the first change: what came with the software becomes version 1
            before = uow.insert(TEMPLATES, packaged()[name], "template.created")
        if if_match not in (IF_MATCH_ANY, before["version"]):
            raise Stale(f"You hold version {if_match}, but it is at version {before['version']} now. Get it again.")
        return uow.save(TEMPLATES, before, fields, "template.updated")

    return db.transact(work, cause=cause)
