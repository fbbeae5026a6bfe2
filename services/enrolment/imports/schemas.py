"""The shapes of an import that was done, and of its undoing."""

from marshmallow import Schema, fields

from services.enrolment.imports.domain import LIFECYCLE
from shared.schemas import Instant, PageQuery, Resource, one_of

NOUNS = ("organisations", "contacts")


class Import(Resource):
    """A table that was imported: by whom, from which file, and what came of it."""

    of = one_of(*NOUNS, required=True)
    state = one_of(*LIFECYCLE.states, required=True)
    file = fields.String(allow_none=True, metadata={"description": "its name, where the caller gave it"})
    by = fields.String(required=True)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    rejected = fields.Integer(required=True)


class ImportListQuery(PageQuery):
    of = one_of(*NOUNS)
    state = one_of(*LIFECYCLE.states)


class Kept(Schema):
    """What an undoing leaves as it is, and why."""

    line = fields.Integer(required=True)
    id = fields.String(required=True)
    why = fields.String(required=True)
    by = fields.String(allow_none=True, metadata={"description": "who changed it since"})
    at = Instant(allow_none=True)


class Undone(Schema):
    """What was taken back: `deleted` had been created by the import, `restored` were updated by it."""

    id = fields.String(required=True)
    deleted = fields.Integer(required=True)
    restored = fields.Integer(required=True)
    kept = fields.List(fields.Nested(Kept), required=True)
