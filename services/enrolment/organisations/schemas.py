"""The shapes of an organisation at HTTP and in messages."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema
from stdnum.exceptions import ValidationError as WrongNumber
from stdnum.fi import ytunnus

from services.enrolment.tags import tags_field
from shared.schemas import ByLanguage, Day, Id, Line, Resource, SearchQuery, Strict, one_of

DOMAIN = r"^(?=.{4,253}$)([\w-]+\.)+[\w-]{2,63}$"
KINDS = ("municipality", "wellbeing_county", "joint_authority", "other")


class BusinessId(fields.String):
    """A Finnish business id (Y-tunnus), kept as `1234567-8`; its check digit is verified."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return str(ytunnus.format(ytunnus.validate(text)))
        except WrongNumber as error:
            raise ValidationError("Not a business id: seven digits, a hyphen and the right check digit.") from error


class OrganisationInput(Strict):
    """The fields of an organisation that staff give."""

    kind = one_of(*KINDS, required=True)
    name = ByLanguage(required=True)
    municipality_code = Line(validate=validate.Regexp(r"^[0-9]{3}$", error="Three digits, such as 091."))
    business_id = BusinessId()
    external_id = Line(metadata={"description": "its id in another system of the network"})
    region = ByLanguage()
    wellbeing_county = ByLanguage()
    languages = fields.List(
        fields.String(validate=validate.OneOf(("fi", "sv"))),
        validate=validate.Length(min=1, max=2),
    )
    population = fields.Integer(strict=True, validate=validate.Range(min=0, max=2**31))
    email_domains = fields.List(
        Line(max_length=253, validate=validate.Regexp(DOMAIN, error="A domain such as kangasala.fi, without @.")),
        load_default=list,
        dump_default=list,
        validate=validate.Length(max=50),
        metadata={"description": "the domains of its people's e-mail addresses"},
    )
    ends_on = Day(metadata={"description": "its last day: it was dissolved, or became part of another"})
    tags = tags_field()

    @validates_schema
    def municipality_has_a_code(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("kind") == "municipality" and not data.get("municipality_code"):
            raise ValidationError({"municipality_code": ["A municipality has a code of three digits."]})
        languages = data.get("languages") or []
        if len(set(languages)) != len(languages):
            raise ValidationError({"languages": ["Name each language once, the majority's first."]})


class Organisation(OrganisationInput, Resource):
    """An organisation as everyone sees it."""

    successor_ids = fields.List(
        Id(), load_default=list, dump_default=list, metadata={"description": "who goes on with what it did"}
    )


class OrganisationQuery(SearchQuery):
    kind = one_of(*KINDS)
    municipality_code = fields.String()
    region = fields.String(metadata={"description": "its name in any language"})
    wellbeing_county = fields.String(metadata={"description": "its name in any language"})
    language = one_of("fi", "sv")
    population_min = fields.Integer()
    population_max = fields.Integer()
    season_id = Id(metadata={"description": "those that have an enrolment in the season"})
    tag = fields.String()
