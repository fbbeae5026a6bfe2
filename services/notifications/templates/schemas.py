"""The shapes of a template at HTTP."""

from marshmallow import Schema, fields, validate

from shared.schemas import LANGUAGES, MAX_TEXT, Id, Resource, Strict, one_of

MAX_SUBJECT = 500


class TemplateInput(Strict):
    """A text: both in Jinja with the placeholders of its key, the body in Markdown."""

    subject = fields.String(required=True, validate=validate.Length(min=1, max=MAX_SUBJECT))
    body = fields.String(required=True, validate=validate.Length(min=1, max=MAX_TEXT))


class Template(Resource):
    """One text in one language. Version 1 is the one that comes with the software."""

    id = fields.String(attribute="_id", required=True)
    key = fields.String(required=True)
    language = one_of(*LANGUAGES, required=True)
    subject = fields.String(required=True)
    body = fields.String(required=True)


class PreviewInput(Strict):
    """A language, and the text to try; what is left out is taken from the saved template, or is an example."""

    language = one_of(*LANGUAGES, required=True)
    contact_id = Id()
    event_id = Id()
    subject = fields.String(validate=validate.Length(min=1, max=MAX_SUBJECT))
    body = fields.String(validate=validate.Length(min=1, max=MAX_TEXT))


class Preview(Schema):
    """What a recipient would read, with example facts."""

    subject = fields.String(required=True)
    text = fields.String(required=True)
    html = fields.String(required=True)
