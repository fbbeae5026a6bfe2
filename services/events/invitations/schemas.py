"""The shapes of an invitation at HTTP and in messages."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.events.events.domain import ROLES
from services.events.invitations.domain import LIFECYCLE
from services.events.people.schemas import Person
from services.events.public.schemas import PublicEvent
from services.events.questions.schemas import KEY, answers_field
from services.events.registrations.schemas import listed_field, mode_field
from shared.schemas import LANGUAGES, Id, Instant, Line, PageQuery, Resource, Strict, one_of

# One transaction: more would come near the time that MongoDB gives it. Staff with more contacts call again.
MOST_AT_ONCE = 500


class InvitationsInput(Strict):
    """The contacts to invite, or the segment that they belong to; who was invited before is left alone."""

    contact_ids = fields.List(Id(), validate=validate.Length(min=1, max=MOST_AT_ONCE))
    segment = Line(metadata={"description": "the name of a saved segment of enrolment's"})
    held_key = fields.String(
        validate=KEY,
        metadata={"description": "a yes takes a seat that the event holds under this key"},
    )

    @validates_schema
    def names_them_in_one_way(self, data: dict[str, Any], **_: Any) -> None:
        if ("contact_ids" in data) == ("segment" in data):
            raise ValidationError({"contact_ids": ["Give contact_ids or segment, one of the two."]})


class Invitation(Resource):
    """An invitation as messages tell it. The reason for a no stays inside the service."""

    event_id = fields.String(required=True)
    contact_id = fields.String(required=True)
    organisation_id = fields.String(allow_none=True)
    role = one_of(*ROLES, allow_none=True)
    language = one_of(*LANGUAGES)
    state = one_of(*LIFECYCLE.states, required=True)
    held_key = fields.String(allow_none=True, metadata={"description": "the held seats that the invitation is for"})
    answered_at = Instant(allow_none=True)
    reminded_at = Instant(allow_none=True)
    registration_id = fields.String(
        allow_none=True, metadata={"description": "of the invited person, or of the colleague who comes instead"}
    )


class InvitationShown(Invitation):
    """An invitation as staff see it: with the reason for a no."""

    reason = fields.String(allow_none=True)


class Invited(Schema):
    """`invited` are the new invitations, `invited_before` the contacts who had one; `left` are for the next call."""

    invited = fields.List(fields.Nested(InvitationShown), required=True)
    invited_before = fields.List(fields.String(), required=True)
    left = fields.Integer(
        required=True,
        metadata={"description": f"members of the segment without an invitation: a call invites {MOST_AT_ONCE}"},
    )


class InvitationQuery(PageQuery):
    state = one_of(*LIFECYCLE.states)
    organisation_id = Id()


class Reminded(Schema):
    reminded = fields.Integer(required=True)


class AnswersOfOrganisation(Schema):
    """How many people of an organisation were asked, and what they answered."""

    organisation_id = fields.String(allow_none=True, required=True)
    name = fields.Dict(allow_none=True)
    asked = fields.Integer(required=True)
    by_state = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class InvitationSummary(Schema):
    """The invitations of an event, in all and by organisation."""

    asked = fields.Integer(required=True)
    by_state = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    by_organisation = fields.List(fields.Nested(AnswersOfOrganisation), required=True)


class AnswerInput(Strict):
    """Yes, no (with a reason, who likes), or a colleague who comes instead."""

    answer = one_of("accepted", "declined", required=True)
    reason = Line(max_length=500)
    mode = mode_field()
    listed = listed_field()
    answers = answers_field()
    colleague = fields.Nested(Person, metadata={"description": "comes instead; with `answer: declined`"})

    @validates_schema
    def a_colleague_comes_instead(self, data: dict[str, Any], **_: Any) -> None:
        if data["answer"] == "accepted" and ("colleague" in data or "reason" in data):
            raise ValidationError({"answer": ["A reason or a colleague goes with declined."]})
        if data["answer"] == "declined" and "colleague" not in data and data.keys() & {"mode", "listed", "answers"}:
            raise ValidationError({"answer": ["A seat and answers go with accepted, or with a colleague."]})


class OwnInvitation(Schema):
    """One's own invitation, by the link in the mail."""

    state = one_of(*LIFECYCLE.states, required=True)
    answers = fields.List(
        fields.String(), required=True, metadata={"description": "the states that an answer can bring"}
    )
    language = one_of(*LANGUAGES, required=True)
    event = fields.Nested(PublicEvent, required=True)
    registration_token = fields.String(
        allow_none=True, required=True, metadata={"description": "for /public/registrations/{token}, after a yes"}
    )
