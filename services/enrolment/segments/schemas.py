"""The shapes of a segment: a saved question over contacts."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from services.enrolment.enrolments.domain import LIFECYCLE
from services.enrolment.positions.schemas import ROLES
from shared.schemas import LANGUAGES, Id, Line, PageQuery, Resource, Strict, one_of

ORGANISATION_KINDS = ("municipality", "wellbeing_county", "joint_authority", "other")


def _any_of(inner: fields.Field[Any]) -> fields.List[Any]:
    return fields.List(inner, load_default=list, dump_default=list, validate=validate.Length(max=1000))


class SegmentInput(Strict):
    """Who is meant: contacts that fit all that is given; of a list any of its values. Nothing given: all contacts."""

    name = Line(required=True)
    organisation_ids = _any_of(Id())
    kinds = _any_of(one_of(*ORGANISATION_KINDS))
    regions = _any_of(Line())
    wellbeing_counties = _any_of(Line())
    roles = _any_of(one_of(*ROLES))
    languages = _any_of(one_of(*LANGUAGES))
    tags = _any_of(Line())
    season_id = Id(metadata={"description": "those whom an enrolment of the season names"})
    enrolment_states = _any_of(one_of(*LIFECYCLE.states))

    @validates_schema
    def states_belong_to_a_season(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("enrolment_states") and not data.get("season_id"):
            raise ValidationError({"enrolment_states": ["Give season_id as well."]})


class Segment(SegmentInput, Resource):
    """A segment as staff see it."""


class SegmentQuery(PageQuery):
    name = fields.String()
