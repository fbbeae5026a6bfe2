"""The shapes of an announcement at HTTP and in messages."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.notifications.announcements.domain import LIFECYCLE
from services.notifications.templates.errors import CannotRender
from services.notifications.templates.markdown import to_html_and_text
from shared.email_address import EmailAddress
from shared.schemas import LANGUAGES, ByLanguage, Id, Instant, Line, PageQuery, Resource, Strict, one_of

MAX_SUBJECT = 200
MAX_BODY = 20_000
ROLES = ("officeholder", "elected", "developer", "other")
ENROLMENT_STATES = ("inquiry", "negotiating", "enrolled", "active", "completed", "withdrawn", "declined")
REGISTRATION_STATES = ("confirmed", "waitlisted", "offered", "attended", "absent", "cancelled")


class Segment(Strict):
    """Who gets it: the contacts, or the people registered for an event, who fit all that is given.

    `name` is that of a saved segment of enrolment's, as it is when the announcement is sent.
    """

    name = Line(metadata={"description": "a saved segment's; alone"})
    season_id = Id(allow_none=True)
    enrolment_states = fields.List(fields.String(validate=validate.Length(max=40)))
    roles = fields.List(one_of(*ROLES))
    wellbeing_counties = fields.List(Line(max_length=200), metadata={"description": "names, in any language"})
    organisation_ids = fields.List(Id(), validate=validate.Length(max=1000))
    event_id = Id(allow_none=True)
    registration_states = fields.List(one_of(*REGISTRATION_STATES), metadata={"description": "confirmed without it"})

    @validates_schema
    def states_belong_to_something(self, data: dict[str, Any], **_: Any) -> None:
        for field, of in (("enrolment_states", "season_id"), ("registration_states", "event_id")):
            if data.get(field) and not data.get(of):
                raise ValidationError({field: [f"Give {of} as well."]})
        if data.get("name") and any(value for field, value in data.items() if field != "name"):
            raise ValidationError({"name": ["A saved segment stands alone: save its conditions with it."]})


class AnnouncementInput(Strict):
    """A text for many. Each language has both a subject and a body (Markdown)."""

    subject = ByLanguage(required=True, max_length=MAX_SUBJECT)
    body = ByLanguage(required=True, max_length=MAX_BODY, multiline=True)
    reply_to = EmailAddress(allow_none=True, load_default=None)
    segment = fields.Nested(Segment, required=True)
    send_at = Instant(allow_none=True, load_default=None, metadata={"description": "at once when scheduled, if null"})

    @validates_schema
    def languages_are_whole(self, data: dict[str, Any], **_: Any) -> None:
        subject, body = data.get("subject") or {}, data.get("body") or {}
        if subject and body and subject.keys() != body.keys():
            missing = sorted(subject.keys() ^ body.keys())
            raise ValidationError(
                {"body": [f"Subject and body need the same languages; one lacks {', '.join(missing)}."]}
            )

    @validates_schema
    def bodies_say_something(self, data: dict[str, Any], **_: Any) -> None:
        for language, text in (data.get("body") or {}).items():
            try:
                shown = to_html_and_text(text)[1].strip()
            except CannotRender as error:
                raise ValidationError({"body": {language: [str(error)]}}) from error
            if not shown:
                raise ValidationError({"body": {language: ["It comes out empty."]}})


class Announcement(Resource):
    """An announcement without its text: what the topic tells."""

    state = one_of(*LIFECYCLE.states)
    segment = fields.Nested(Segment)
    send_at = Instant(allow_none=True)
    languages = fields.Function(
        lambda document: sorted(document["subject"]), metadata={"type": "array", "items": {"type": "string"}}
    )
    started_at = Instant(allow_none=True)
    finished_at = Instant(allow_none=True)
    recipients = fields.Integer(allow_none=True, metadata={"description": "how many deliveries it made, once sent"})


class AnnouncementWithText(Announcement):
    """An announcement as staff see it."""

    subject = ByLanguage()
    body = ByLanguage(multiline=True)
    reply_to = fields.String(allow_none=True)


class AnnouncementQuery(PageQuery):
    state = one_of(*LIFECYCLE.states)


class Recipient(Schema):
    """A person of the segment, and whether they get it."""

    contact_id = fields.String(allow_none=True)
    registration_id = fields.String(allow_none=True)
    language = fields.String(allow_none=True)
    excluded = fields.String(allow_none=True, metadata={"description": "null, or why they would not get it"})


class RecipientsQuery(PageQuery):
    """A page of the segment, as it stands now."""


class TestInput(Strict):
    """Where to send a test to: an address of your own."""

    email = EmailAddress(required=True)
    language = one_of(*LANGUAGES)


class TestSent(Schema):
    delivery_id = fields.String()


class Progress(Schema):
    """How far sending is. `ends_at` is an estimate from the pace so far."""

    state = one_of(*LIFECYCLE.states)
    candidates = fields.Integer(allow_none=True, metadata={"description": "the most that the segment can have"})
    looked_at = fields.Integer()
    deliveries = fields.Dict(keys=fields.String(), values=fields.Integer(), metadata={"description": "by state"})
    not_sent = fields.Dict(keys=fields.String(), values=fields.Integer(), metadata={"description": "by reason"})
    started_at = Instant(allow_none=True)
    finished_at = Instant(allow_none=True)
    ends_at = Instant(allow_none=True)
