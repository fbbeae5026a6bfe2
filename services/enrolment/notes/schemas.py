"""The shapes of a note at HTTP."""

from marshmallow import fields, validate

from services.enrolment.about import About
from shared.schemas import Id, LongText, PageQuery, Resource, Strict


class NoteInput(Strict):
    """A note of staff about an organisation, a contact, an enrolment or an event."""

    about = fields.Nested(About, required=True)
    text = LongText(required=True, validate=validate.Length(min=1))


class Note(NoteInput, Resource):
    """A note as staff see it."""

    by = fields.String(required=True, metadata={"description": "the `sub` of its author"})


class NoteQuery(PageQuery):
    about = Id(metadata={"description": "the id of the thing that it is about"})
