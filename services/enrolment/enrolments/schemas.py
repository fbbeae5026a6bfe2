"""The shapes of an enrolment at HTTP and in messages."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.enrolment.enrolments.domain import LIFECYCLE, REASON_CODES, STATUSES
from shared.schemas import Day, Id, Instant, Line, LongText, PageQuery, Resource, Strict, TransitionInput, one_of


class EnrolmentInput(Strict):
    """The fields of an enrolment that staff give."""

    season_id = Id(required=True)
    organisation_id = Id(required=True)
    contact_ids = fields.List(Id(), load_default=list, validate=validate.Length(max=100))
    coordinator = Line(metadata={"description": "the `sub` of the member of staff who takes care of it"})
    themes = fields.List(fields.String(), load_default=list, validate=validate.Length(max=50))
    source = Line(metadata={"description": "how they came to hear of the season"})
    responsible_contact_id = Id(metadata={"description": "the person on the organisation's side who is responsible"})
    next_contact_on = Day(metadata={"description": "when staff mean to be in touch again"})

    @validates_schema
    def each_is_named_once(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("contact_ids", "themes"):
            if len(set(data.get(name, []))) != len(data.get(name, [])):
                raise ValidationError({name: ["Name each of them once."]})


class EnrolmentTransition(TransitionInput):
    """A step to another state; declining and withdrawing need a reason, and may say of what kind it is."""

    to = one_of(*LIFECYCLE.states, required=True)
    reason_code = one_of(*REASON_CODES)


class SituationAnalysisInput(Strict):
    """The situation analysis (tilanneanalyysi) as a whole: PUT replaces it."""

    status = one_of(*STATUSES, required=True)
    summary = LongText()
    focus_areas = fields.List(Line(), load_default=list, validate=validate.Length(max=50))
    document_url = fields.Url(
        schemes={"http", "https"}, require_tld=False, relative=False, validate=validate.Length(max=2000)
    )
    delivered_on = Day()

    @validates_schema
    def delivered_when_it_is(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("delivered_on") and data.get("status") not in (None, "delivered"):
            raise ValidationError({"delivered_on": ["Only an analysis that is delivered has a day of delivery."]})


class Analysis(Schema):
    """A situation analysis as its enrolment shows it."""

    status = one_of(*STATUSES, required=True)
    summary = fields.String(allow_none=True)
    focus_areas = fields.List(fields.String())
    document_url = fields.String(allow_none=True)
    delivered_on = fields.String(allow_none=True)


class SituationAnalysis(Analysis):
    """The situation analysis by itself; `version` is the enrolment's."""

    enrolment_id = fields.String(required=True)
    version = fields.Integer(required=True)


class Enrolment(EnrolmentInput, Resource):
    """An enrolment as staff and other services see it."""

    state = one_of(*LIFECYCLE.states, required=True)
    state_reason = fields.String(allow_none=True, metadata={"description": "why it is in this state"})
    reason_code = one_of(*REASON_CODES, allow_none=True, metadata={"description": "the kind of that reason"})
    state_since = Instant(allow_none=True, metadata={"description": "since when it is in this state"})
    previous_enrolment_id = fields.String(
        allow_none=True,
        metadata={"description": "its enrolment of the season before, if it was renewed"},
    )
    situation_analysis = fields.Nested(Analysis, required=True)


class EnrolmentQuery(PageQuery):
    season_id = Id()
    organisation_id = Id()
    state = one_of(*LIFECYCLE.states)
    coordinator = fields.String()
    theme = fields.String()
    next_contact_before = Day(metadata={"description": "to be in touch with before that day"})
    contact_id = Id()
    reason_code = one_of(*REASON_CODES)
