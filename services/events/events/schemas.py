"""The shapes of an event at HTTP and in messages."""

from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from marshmallow import Schema, ValidationError, fields, pre_dump, validate, validates_schema

from services.events.events.domain import KINDS, LIFECYCLE
from services.events.events.parts import (
    AgendaItem,
    AgendaItemTold,
    Audience,
    HeldSeats,
    Material,
    web_address,
    within_the_calendar,
)
from services.events.events.texts import missing_texts
from services.events.questions.schemas import questions_field
from shared.schemas import (
    LANGUAGES,
    MAX_TEXT,
    ByLanguage,
    Duration,
    Id,
    Instant,
    Line,
    Resource,
    SearchQuery,
    Strict,
    one_of,
)

TIMEZONES = frozenset(available_timezones()) - {"Factory", "localtime", "posixrules"}
DEFAULT_REMINDERS = ("P7D", "PT2H")
MOST_HOLDS = 50  # each is looked at for each person who registers
MOST_COPIES = 52  # a year of weeks
LONGEST_BEFORE_THE_START = timedelta(days=366)


def known_timezone(name: str) -> None:
    if name not in TIMEZONES:
        raise ValidationError("Not an IANA time zone such as Europe/Helsinki.")


def whole_or_half(days: float) -> None:
    if days <= 0 or days > 100 or (days * 2) % 1:
        raise ValidationError("More than 0 and at most 100, in steps of half a day (0.5).")


class EventInput(Strict):
    """The fields of an event that staff give.

    Without `audience` a workshop is for the organisations of its enrolment's season; other events are public.
    """

    kind = one_of(*KINDS, required=True)
    title = ByLanguage(required=True)
    description = ByLanguage(max_length=MAX_TEXT, multiline=True)
    starts_at = Instant(required=True, validate=within_the_calendar)
    ends_at = Instant(required=True, validate=within_the_calendar)
    timezone = fields.String(
        load_default="Europe/Helsinki", validate=known_timezone, metadata={"description": "a name of IANA's"}
    )
    venue = ByLanguage(max_length=1000)
    online_url = web_address()
    capacity = fields.Integer(strict=True, validate=validate.Range(min=1, max=1_000_000))
    online_capacity = fields.Integer(
        strict=True,
        validate=validate.Range(min=1, max=1_000_000),
        metadata={"description": "makes the event hybrid: seats online besides the `capacity` in the room"},
    )
    held_seats = fields.List(
        fields.Nested(HeldSeats), load_default=list, dump_default=list, validate=validate.Length(max=MOST_HOLDS)
    )
    waitlist = fields.Boolean(load_default=True)
    waitlist_order = one_of(
        "arrival",
        "organisations",
        load_default="arrival",
        dump_default="arrival",
        metadata={"description": "`organisations`: the next seat goes to the organisation with the fewest seats"},
    )
    max_per_organisation = fields.Integer(strict=True, validate=validate.Range(min=1, max=1_000_000))
    registration_opens_at = Instant(validate=within_the_calendar)
    registration_closes_at = Instant(
        validate=within_the_calendar, metadata={"description": "the start when null; never later than the end"}
    )
    cancel_until = Duration(
        load_default="PT0S",
        dump_default="PT0S",
        at_most=LONGEST_BEFORE_THE_START,
        metadata={"description": "so long before the start people may cancel by their link"},
    )
    confirm_address = fields.Boolean(
        load_default=False,
        dump_default=False,
        metadata={"description": "a seat taken by the public form is held until the link in the mail is confirmed"},
    )
    offer_expires_after = Duration(
        at_most=LONGEST_BEFORE_THE_START,
        metadata={"description": "how long somebody in line may think about a free seat; promoted at once when null"},
    )
    promote_until = Duration(
        load_default="PT0S",
        dump_default="PT0S",
        at_most=LONGEST_BEFORE_THE_START,
        metadata={"description": "so long before the start a free seat goes to somebody in line"},
    )
    audience = fields.Nested(Audience)
    reminders = fields.List(
        Duration(at_most=LONGEST_BEFORE_THE_START, longer_than_nothing=True),
        load_default=lambda: list(DEFAULT_REMINDERS),
        validate=validate.Length(max=10),
    )
    materials = fields.List(fields.Nested(Material), load_default=list, validate=validate.Length(max=100))
    agenda = fields.List(
        fields.Nested(AgendaItem), load_default=list, dump_default=list, validate=validate.Length(max=100)
    )
    questions = questions_field()
    feedback_questions = questions_field()
    coordinator = Line(
        metadata={"description": "the `sub` of the member of staff who takes care of it: answers to its mails go there"}
    )
    feedback_anonymous = fields.Boolean(
        load_default=False,
        dump_default=False,
        metadata={"description": "feedback is kept apart from the person who gave it, who can give it once"},
    )
    certificate_minutes = fields.Integer(
        strict=True,
        validate=validate.Range(min=1, max=100_000),
        metadata={"description": "a certificate needs so many minutes of attendance, where minutes are known"},
    )
    participant_list = fields.Boolean(
        load_default=False,
        dump_default=False,
        metadata={"description": "people with a seat see the names of those with a seat who agreed to it"},
    )
    enrolment_id = Id()
    days = fields.Float(validate=whole_or_half, metadata={"multipleOf": 0.5})

    @validates_schema
    def times_are_in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["ends_at"] <= data["starts_at"]:
            raise ValidationError({"ends_at": ["Must be after starts_at."]})
        opens, closes = data.get("registration_opens_at"), data.get("registration_closes_at")
        if opens and closes and closes <= opens:
            raise ValidationError({"registration_closes_at": ["Must be after registration_opens_at."]})

    @validates_schema
    def workshop_has_an_enrolment_and_days(self, data: dict[str, Any], **_: Any) -> None:
        workshop = data["kind"] == "workshop"
        wrong = {name: data.get(name) for name in ("enrolment_id", "days") if (data.get(name) is None) == workshop}
        sentence = "A workshop needs it." if workshop else "Only a workshop has it."
        if wrong:
            raise ValidationError({name: [sentence] for name in wrong})

    @validates_schema
    def held_seats_fit(self, data: dict[str, Any], **_: Any) -> None:
        holds = data.get("held_seats") or []
        if len({hold["key"] for hold in holds}) < len(holds):
            raise ValidationError({"held_seats": ["Each hold needs a key of its own."]})
        if holds and sum(hold["seats"] for hold in holds) > (data.get("capacity") or 0):
            raise ValidationError({"held_seats": ["There are more held seats than the capacity."]})

    @validates_schema
    def reminders_differ(self, data: dict[str, Any], **_: Any) -> None:
        if len(set(data["reminders"])) != len(data["reminders"]):
            raise ValidationError({"reminders": ["Name each of them once."]})


class CalendarMark(Schema):
    """The UID and SEQUENCE by which a calendar program recognises the event and orders its changes (RFC 5545)."""

    uid = fields.String(required=True)
    sequence = fields.Integer(required=True)


class Event(EventInput, Resource):
    """An event as messages tell it."""

    held_seats = fields.List(fields.Nested(HeldSeats(exclude=["name"])), dump_default=list)

    agenda = fields.List(fields.Nested(AgendaItemTold), dump_default=list)

    season_id = fields.String(allow_none=True, metadata={"description": "of the audience, or of the enrolment"})
    organisation_id = fields.String(allow_none=True, metadata={"description": "a workshop's: that of the enrolment"})
    series_id = fields.String(allow_none=True, metadata={"description": "the same for all events of a series"})
    state = one_of(*LIFECYCLE.states, required=True)
    refusal_reason = fields.String(allow_none=True, metadata={"description": "why enrolment gave no days"})
    calendar = fields.Nested(CalendarMark, required=True)


class Warning(Schema):
    """A text that lacks a language which other texts of the event have."""

    field = fields.String(required=True)
    language = fields.String(required=True)


class MailsOfPreview(Schema):
    template = fields.String(required=True)
    language = one_of(*LANGUAGES, required=True)
    count = fields.Integer(required=True)


class PersonOfPreview(Schema):
    registration_id = fields.String(required=True)
    contact_id = fields.String(allow_none=True)
    language = one_of(*LANGUAGES, required=True)
    template = fields.String(required=True)


class Preview(Schema):
    """The mails that the change would cause: counts of all, and the first 200 people."""

    mails = fields.List(fields.Nested(MailsOfPreview), required=True)
    people = fields.List(fields.Nested(PersonOfPreview), required=True)


class PreviewQuery(Strict):
    preview = fields.Boolean(
        load_default=False, metadata={"description": "changes nothing, and says who would be told what"}
    )


class EventShown(Event):
    """An event as staff see it: with the names of guests who speak, and what is still missing."""

    agenda = fields.List(fields.Nested(AgendaItem), dump_default=list)
    held_seats = fields.List(fields.Nested(HeldSeats), dump_default=list)
    warnings = fields.List(fields.Nested(Warning), dump_only=True)
    preview = fields.Nested(
        Preview, dump_only=True, allow_none=True, metadata={"description": "with `?preview=true` only"}
    )

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """What is missing now is not shown of an event as it was."""
        super().on_bind_field(field_name, field_obj)
        field_obj.required = field_name not in ("warnings", "preview")

    @pre_dump
    def with_warnings(self, event: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**event, "warnings": missing_texts(event)}


class CopiesInput(Strict):
    starts_at = fields.List(
        Instant(validate=within_the_calendar), required=True, validate=validate.Length(min=1, max=MOST_COPIES)
    )
    series = fields.Boolean(load_default=False, metadata={"description": "the event and its copies become a series"})


class Copies(Schema):
    events = fields.List(fields.Nested(EventShown), required=True)


class EventQuery(SearchQuery):
    kind = one_of(*KINDS)
    state = one_of(*LIFECYCLE.states)
    season_id = Id()
    series_id = Id()
    starts_from = Instant(data_key="from", metadata={"description": "starts then or later"})
    starts_before = Instant(data_key="to", metadata={"description": "starts before then"})
