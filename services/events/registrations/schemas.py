"""The shapes of a registration at HTTP and in messages."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.events.events.domain import ROLES
from services.events.people.schemas import Person
from services.events.questions.schemas import KEY, answers_field
from services.events.registrations.domain import LIFECYCLE, MODES
from shared.messaging.changes import Change, Transition
from shared.schemas import LANGUAGES, Id, Instant, Line, LongText, Resource, SearchQuery, Strict, one_of

# One transaction for the whole batch: a delegation is smaller, and a table of people is imported in parts.
MOST_IN_A_BATCH = 100


def mode_field() -> fields.String:
    """The kind of seat at a hybrid event, on site unless said otherwise; other events have one kind."""
    return one_of(*MODES, metadata={"description": "at a hybrid event: where this person takes part"})


def listed_field() -> fields.Boolean:
    """Consent to stand in the list that people with a seat see, at an event with `participant_list`."""
    return fields.Boolean(metadata={"description": "the person agrees that other participants see their name"})


class Override(Strict):
    """Staff let somebody in whatever the limits say."""

    reason = Line(required=True, max_length=1000)


class RegistrantInput(Strict):
    """Either a contact, or (where the event is open to the public) a person."""

    contact_id = Id()
    person = fields.Nested(Person)
    mode = mode_field()
    held_key = fields.String(
        validate=KEY, metadata={"description": "staff give this person a seat that is held under this key"}
    )
    listed = listed_field()
    answers = answers_field()

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("contact_id" in data) == ("person" in data):
            raise ValidationError({"contact_id": ["Give either contact_id or person."]})


class RegistrationInput(RegistrantInput):
    """Either a contact, or (where the event is open to the public) a person; `override` ignores limits and dates."""

    override = fields.Nested(Override)


class RegistrationFields(Strict):
    """What can be changed of a registration."""

    language = one_of(*LANGUAGES, required=True, metadata={"description": "of the mails about it"})
    listed = listed_field()
    answers = answers_field()


class BatchInput(Strict):
    """Several people, of whom each has a mail of their own."""

    registrations = fields.List(
        fields.Nested(RegistrantInput), required=True, validate=validate.Length(min=1, max=MOST_IN_A_BATCH)
    )
    mode = one_of("all_or_none", "as_many_as_fit", load_default="all_or_none")


class TransferInput(Strict):
    contact_id = Id(required=True)


class FeedbackInput(Strict):
    score = fields.Integer(strict=True, required=True, validate=validate.Range(min=1, max=5))
    comment = LongText()
    answers = answers_field()


class Feedback(Schema):
    score = fields.Integer(required=True)
    comment = fields.String(allow_none=True)


class FeedbackShown(Feedback):
    """With the answers to the event's own questions, which only staff see."""

    answers = fields.Dict()


class FeedbackGiven(Change):
    """A score was given, or replaced."""

    score = fields.Integer(required=True)


class RegistrationTransition(Transition):
    """A registration changed its state; `expired` when time ran out and no person did it."""

    expired = fields.Boolean(metadata={"description": "true: the time to answer or to confirm the address was over"})
    transferred_to = fields.String(metadata={"description": "the registration of the colleague who has the place now"})


class RegistrationCreated(Change):
    """Somebody registered; `because` tells why there is a place in line and no seat."""

    because = one_of("event_full", "organisation_full", metadata={"description": "why there is no seat (yet)"})


class Promotion(Transition):
    """A seat for somebody in line: by which order, and past how many who stay in line."""

    because = one_of("arrival", "fewest_seats", "staff", metadata={"description": "by which order, or by staff's word"})
    passed_over = fields.Integer(
        metadata={"description": "people before them in line who stay there: their organisation has its seats"}
    )


class Registration(Resource):
    """A registration in messages. The person is a `contact_id`, or encrypted."""

    event_id = fields.String(required=True)
    contact_id = fields.String(allow_none=True)
    organisation_id = fields.String(allow_none=True)
    role = one_of(*ROLES, allow_none=True)
    language = one_of(*LANGUAGES)
    state = one_of(*LIFECYCLE.states, required=True)
    queue_number = fields.Integer(required=True, metadata={"description": "the order of arrival; never changes"})
    position = fields.Integer(
        allow_none=True, metadata={"description": "the place in line; in a message: when it was written"}
    )
    mode = one_of(*MODES, allow_none=True, metadata={"description": "the kind of seat, at a hybrid event"})
    held_key = fields.String(
        allow_none=True, metadata={"description": "the hold that the seat is of; in line the hold that staff named"}
    )
    person_sealed = fields.String(allow_none=True, metadata={"description": "a person who is no contact, encrypted"})
    feedback = fields.Nested(Feedback, allow_none=True, metadata={"description": "in messages without the comment"})
    awaits = one_of(
        "address",
        "answer",
        allow_none=True,
        metadata={"description": "what an offered seat waits (or waited) for: that the address is confirmed, or a yes"},
    )
    held_until = Instant(allow_none=True, metadata={"description": "until when an offered seat is held"})
    refused_because = one_of(
        "full",
        "organisation_full",
        "not_invited",
        allow_none=True,
        metadata={"description": "why somebody got neither a seat nor a place in line by the public form"},
    )
    mail_not_before = Instant(
        allow_none=True,
        metadata={"description": "no e-mail about this change before then: an unconfirmed address gets two an hour"},
    )
    calendar_sequence = fields.Integer(
        allow_none=True,
        metadata={
            "description": "grows with each change of the person's place at the event; the SEQUENCE of their calendar "
            "entry is this or the event's, whichever is greater"
        },
    )

    attended_at = Instant(allow_none=True, metadata={"description": "the first scan at the door"})
    minutes = fields.Integer(allow_none=True, metadata={"description": "how long they were there, where it is known"})
    transferred_from = fields.String(
        allow_none=True, metadata={"description": "the registration of the person whose place it was"}
    )


class RegistrationShown(Registration):
    """A registration as staff see it: with its present position, and with the person who is no contact."""

    person = fields.Dict(allow_none=True, metadata={"description": "what a person who is no contact gave"})
    answers = fields.Dict(allow_none=True, metadata={"description": "to the questions that are not sensitive"})
    listed = fields.Boolean(dump_default=False)
    feedback = fields.Nested(FeedbackShown, allow_none=True)


class RefusedOfBatch(Schema):
    index = fields.Integer(required=True)
    reason = fields.String(required=True)


class Batch(Schema):
    """Those who were registered, and by their place in the batch those who were not."""

    registered = fields.List(fields.Nested(RegistrationShown), required=True)
    refused = fields.List(fields.Nested(RefusedOfBatch), required=True)


class RefusedOfSeries(Schema):
    event_id = fields.String(required=True)
    reason = fields.String(required=True)


class OfSeries(Schema):
    """The registrations of a person for the events of a series, and the events that refused them."""

    registered = fields.List(fields.Nested(RegistrationShown), required=True)
    refused = fields.List(fields.Nested(RefusedOfSeries), required=True)


class RegistrationQuery(SearchQuery):
    state = one_of(*LIFECYCLE.states)
    organisation_id = Id()


class Scores(Schema):
    count = fields.Integer(required=True)
    distribution = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "for each score from 1 to 5 how many gave it"},
    )
    mean = fields.Float(required=True, allow_none=True)


class OfOrganisation(Schema):
    organisation_id = fields.String(required=True)
    name = fields.Dict(allow_none=True)
    count = fields.Integer(required=True)


class FeedbackToQuestion(Schema):
    key = fields.String(required=True)
    answers = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class Summary(Schema):
    """Counts of an event's registrations. The counts by role and organisation are of people who have or had a seat."""

    event_id = fields.String(required=True)
    by_state = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    by_mode = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    by_role = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    by_organisation = fields.List(fields.Nested(OfOrganisation), required=True)
    scores = fields.Nested(Scores, required=True)
    feedback = fields.List(
        fields.Nested(FeedbackToQuestion),
        required=True,
        metadata={"description": "for each feedback question of choices how often each answer was given"},
    )
