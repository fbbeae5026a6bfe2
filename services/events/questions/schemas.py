"""The shape of an event's own questions."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from services.events.questions.domain import KINDS
from shared.schemas import ByLanguage, Strict, one_of

KEY = validate.Regexp(r"[a-z][a-z0-9_]{0,39}\Z", error="A key is lower-case letters, digits and _, such as diet.")
# A form with more questions is not filled in; each may have as many options as a person reads through.
MOST_QUESTIONS, MOST_OPTIONS = 20, 30


class Option(Strict):
    key = fields.String(required=True, validate=KEY)
    label = ByLanguage(required=True)


class Question(Strict):
    """A question that the event's form asks. Answers to a sensitive one are sealed, and gone a week after the event."""

    key = fields.String(required=True, validate=KEY)
    kind = one_of(*KINDS, required=True)
    label = ByLanguage(required=True, max_length=500)
    options = fields.List(fields.Nested(Option), load_default=list, validate=validate.Length(max=MOST_OPTIONS))
    required = fields.Boolean(load_default=False)
    sensitive = fields.Boolean(load_default=False, metadata={"description": "a diet, say, or what somebody needs"})

    @validates_schema
    def a_choice_has_options(self, data: dict[str, Any], **_: Any) -> None:
        keys = [option["key"] for option in data["options"]]
        if (data["kind"] in ("choice", "choices")) != bool(keys):
            raise ValidationError({"options": ["A choice needs options, and nothing else has them."]})
        if len(set(keys)) < len(keys):
            raise ValidationError({"options": ["Each option needs a key of its own."]})


def questions_field() -> fields.List[Any]:
    """The questions of a form, each with a key of its own."""
    return fields.List(fields.Nested(Question), load_default=list, dump_default=list, validate=_keys_differ)


def answers_field() -> fields.Dict:
    """Answers by the keys of their questions; each is checked by its question."""
    return fields.Dict(
        keys=fields.String(validate=validate.Length(max=40)),
        values=fields.Raw(allow_none=True),
        validate=validate.Length(max=MOST_QUESTIONS),
        metadata={"description": "by the question's key; null takes an answer back"},
    )


def _keys_differ(questions: list[dict[str, Any]]) -> None:
    if len(questions) > MOST_QUESTIONS:
        raise ValidationError(f"{MOST_QUESTIONS} questions at most.")
    keys = [question["key"] for question in questions]
    if len(set(keys)) < len(keys):
        raise ValidationError("Each question needs a key of its own.")
