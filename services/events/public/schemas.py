"""The shapes that people without a token see and give."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from services.events.events.domain import KINDS
from services.events.events.parts import Material
from services.events.people.schemas import Person
from services.events.questions.schemas import Question, answers_field
from services.events.registrations.actions import ACTIONS
from services.events.registrations.domain import LIFECYCLE, MODES
from services.events.registrations.schemas import listed_field, mode_field
from shared.schemas import LANGUAGES, ByLanguage, Instant, SearchQuery, Strict, one_of


class PublicSpeaker(Schema):
    name = fields.String(allow_none=True)
    title = ByLanguage(allow_none=True)


class PublicAgendaItem(Schema):
    starts_at = Instant(required=True)
    ends_at = Instant(allow_none=True)
    title = ByLanguage(required=True)
    speakers = fields.List(fields.Nested(PublicSpeaker))


class PublicEvent(Schema):
    """An event that is open to the public. The meeting's address is for the registered only."""

    id = fields.String(attribute="_id", required=True)
    kind = one_of(*KINDS, required=True)
    title = ByLanguage(required=True)
    description = ByLanguage(allow_none=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    timezone = fields.String(required=True)
    venue = ByLanguage(allow_none=True)
    state = fields.String(required=True)
    capacity = fields.Integer(allow_none=True)
    online_capacity = fields.Integer(allow_none=True, metadata={"description": "seats online, at a hybrid event"})
    waitlist = fields.Boolean(required=True)
    registration_opens_at = Instant(allow_none=True)
    registration_closes_at = Instant(allow_none=True)
    materials = fields.List(fields.Nested(Material))
    agenda = fields.List(fields.Nested(PublicAgendaItem))
    series_id = fields.String(allow_none=True, metadata={"description": "the same for all events of a series"})
    feedback_questions = fields.List(fields.Nested(Question))
    feedback_anonymous = fields.Boolean(dump_default=False)
    participant_list = fields.Boolean(
        dump_default=False, metadata={"description": "people with a seat see who else comes, of those who agreed"}
    )
    questions = fields.List(fields.Nested(Question), metadata={"description": "that the form asks"})


class PublicRegistrationInput(Strict):
    person = fields.Nested(Person, required=True)
    mode = mode_field()
    listed = listed_field()
    whole_series = fields.Boolean(
        load_default=False, metadata={"description": "registers for all coming events of the series, 8 at most"}
    )
    answers = answers_field()


class GivenScore(Schema):
    score = fields.Integer(required=True)


class PublicRegistration(Schema):
    """One's own registration: where it stands, and the meeting's address once there is a seat."""

    state = one_of(*LIFECYCLE.states, required=True)
    actions = fields.List(
        one_of(*ACTIONS), required=True, metadata={"description": "the things that this link can do at this moment"}
    )
    language = one_of(*LANGUAGES, required=True, metadata={"description": "of the mails about it"})
    mode = one_of(*MODES, allow_none=True, required=True, metadata={"description": "at a hybrid event"})
    listed = fields.Boolean(required=True, metadata={"description": "other participants see this person's name"})
    answers = fields.Dict(required=True, metadata={"description": "to the questions that are not sensitive"})
    position = fields.Integer(allow_none=True, required=True)
    held_until = Instant(
        allow_none=True, required=True, metadata={"description": "an offered seat waits for your answer until then"}
    )
    feedback = fields.Nested(GivenScore, allow_none=True, required=True)
    token = fields.String(required=True, metadata={"description": "for /public/registrations/{token}; keep it secret"})
    event = fields.Nested(PublicEvent, required=True)
    online_url = fields.String(allow_none=True, required=True)


class PublicStep(Strict):
    """Either a step, or the fields that change."""

    to = one_of("confirmed", "cancelled")
    language = one_of(*LANGUAGES)
    listed = listed_field()
    answers = answers_field()

    @validates_schema
    def a_step_or_a_change(self, data: dict[str, Any], **_: Any) -> None:
        if ("to" in data) == bool(data.keys() - {"to"}):
            raise ValidationError({"to": ["Give either to, or fields to change."]})


class PublicTransfer(Strict):
    person = fields.Nested(Person, required=True, metadata={"description": "the colleague who comes instead"})


class Participant(Schema):
    """Somebody with a seat who agreed to be seen by the others."""

    name = fields.String(required=True)
    organisation = fields.String(allow_none=True)


class Accepted(Schema):
    """The answer of the public form, the same for every address."""

    detail = fields.String(required=True)


class PublicEventQuery(SearchQuery):
    """The filters of the list of public events. The list shows events that have not ended."""
