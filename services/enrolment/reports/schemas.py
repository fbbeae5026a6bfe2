"""The shape of a season's report."""

from marshmallow import Schema, fields, validate

from services.enrolment.reports.season_report import ROLES
from shared.schemas import Strict, one_of

ATTENDED = {f"attended_{role}": fields.Integer() for role in ROLES}


class ReportQuery(Strict):
    format = one_of("json", "csv", "xlsx")
    separator = fields.String(validate=validate.OneOf([",", ";"]))


class ReportRow(Schema.from_dict(ATTENDED, name="AttendedByRole")):  # type: ignore[misc]
    """An organisation in the season. Attended counts registrations for events that begin during the season."""

    organisation_id = fields.String()
    enrolment_id = fields.String()
    name = fields.String(allow_none=True)
    kind = fields.String(allow_none=True)
    municipality_code = fields.String(allow_none=True)
    region = fields.String(allow_none=True)
    wellbeing_county = fields.String(allow_none=True)
    state = fields.String()
    coordinator = fields.String(allow_none=True)
    situation_analysis = fields.String()
    situation_analysis_on = fields.String(allow_none=True)
    half_days_granted = fields.Integer()
    half_days_used = fields.Integer()
    half_days_available = fields.Integer()
    attended = fields.Integer()
    feedback_count = fields.Integer()
    feedback_mean = fields.Float(allow_none=True)


class Total(Schema.from_dict(ATTENDED, name="TotalByRole")):  # type: ignore[misc]
    """The sums of some organisations."""

    name = fields.String()
    organisations = fields.Integer()
    half_days_granted = fields.Integer()
    half_days_used = fields.Integer()
    attended = fields.Integer()
    feedback_count = fields.Integer()
    feedback_mean = fields.Float(allow_none=True)


class SeasonReport(Schema):
    """What a season has come to."""

    season_id = fields.String(required=True)
    rows = fields.List(fields.Nested(ReportRow), required=True)
    by_region = fields.List(fields.Nested(Total), required=True)
    by_wellbeing_county = fields.List(fields.Nested(Total), required=True)
    total = fields.Nested(Total, required=True)


COLUMNS = (
    *("name", "kind", "municipality_code", "region", "wellbeing_county", "state", "coordinator"),
    *("situation_analysis", "situation_analysis_on", "half_days_granted", "half_days_used", "half_days_available"),
    *("attended", *ATTENDED, "feedback_count", "feedback_mean", "organisation_id", "enrolment_id"),
)
