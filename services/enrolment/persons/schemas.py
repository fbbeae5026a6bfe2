"""The shapes of what is held on a person."""

from marshmallow import Schema, fields

from services.enrolment.contacts.schemas import Contact
from services.enrolment.enrolments.schemas import Enrolment
from services.enrolment.notes.schemas import Note
from services.enrolment.tasks.schemas import Task
from shared.http.resource_routes import HistoryEntry
from shared.schemas import Instant, PageQuery


class InactiveQuery(PageQuery):
    since = Instant(required=True)


class Held(Schema):
    """A registration or a delivery as enrolment knows of it."""

    id = fields.String(attribute="_id")
    event_id = fields.String(allow_none=True)
    organisation_id = fields.String(allow_none=True)
    enrolment_id = fields.String(allow_none=True)
    role = fields.String(allow_none=True)
    state = fields.String(allow_none=True)
    template = fields.String(allow_none=True)
    feedback = fields.Dict(allow_none=True)
    created_at = fields.String(allow_none=True)
    sent_at = fields.String(allow_none=True)


class Elsewhere(Schema):
    """A service that holds more, and where it answers for that."""

    service = fields.String(required=True)
    path = fields.String(required=True)
    holds = fields.String(required=True)


class Export(Schema):
    """What enrolment holds on a person; `contacts` are theirs, merged ones included. `elsewhere` leads to the rest."""

    at = Instant(required=True)
    elsewhere = fields.List(
        fields.Nested(Elsewhere), required=True, metadata={"description": "with them the answer is whole"}
    )
    contacts = fields.List(fields.Nested(Contact), required=True)
    history = fields.List(fields.Nested(HistoryEntry), required=True)
    enrolments = fields.List(fields.Nested(Enrolment), required=True)
    notes = fields.List(fields.Nested(Note), required=True)
    tasks = fields.List(fields.Nested(Task), required=True)
    registrations = fields.List(fields.Nested(Held), required=True)
    deliveries = fields.List(fields.Nested(Held), required=True)
