"""The shapes of an erasure at HTTP and in messages."""

from marshmallow import Schema, fields

from services.enrolment.erasures.domain import LIFECYCLE, SERVICES
from shared.schemas import Id, Instant, Line, PageQuery, Resource, Strict, one_of


class ErasureInput(Strict):
    """The reason of an erasure. The text must not name the person."""

    reason = Line(max_length=1000, metadata={"description": "such as `the person's request`; without their name"})


class OfService(Schema):
    """Whether a service has erased the person, and when."""

    state = one_of(*LIFECYCLE.states, required=True)
    at = Instant(required=True, allow_none=True)


class Services(Schema):
    """Each service by its name."""

    enrolment = fields.Nested(OfService, required=True)
    events = fields.Nested(OfService, required=True)
    notifications = fields.Nested(OfService, required=True)


class Erasure(Resource):
    """The erasure of a person. It is completed when no service holds anything of them."""

    contact_ids = fields.List(Id(), required=True, metadata={"description": "the person's, merged ones included"})
    state = one_of(*LIFECYCLE.states, required=True)
    services = fields.Nested(Services, required=True)


class ErasureQuery(PageQuery):
    state = one_of(*LIFECYCLE.states)
    contact_id = Id()


assert set(Services._declared_fields) == set(SERVICES)
