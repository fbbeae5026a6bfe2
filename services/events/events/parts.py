"""The shapes of an event's parts: audience, materials, speakers, agenda, held seats."""

from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from services.events.events.domain import ROLES
from services.events.questions.schemas import KEY
from shared.schemas import ByLanguage, Id, Instant, Line, Strict, one_of


def within_the_calendar(moment: datetime) -> None:
    """An instant in a year that every calendar program can show, in every time zone."""
    if not 1970 <= moment.year <= 2199:
        raise ValidationError("Between the years 1970 and 2199.")


def web_address(**options: Any) -> fields.Url:
    """An http or https address."""
    return fields.Url(
        schemes={"http", "https"}, require_tld=False, relative=False, validate=validate.Length(max=2000), **options
    )


class Audience(Strict):
    """The people who may register: everyone, or the organisations of a season, in `roles` only (all when empty)."""

    open_to = one_of("public", "season", required=True)
    season_id = Id()
    roles = fields.List(one_of(*ROLES), load_default=list, validate=validate.Length(max=len(ROLES)))

    @validates_schema
    def season_is_named(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("open_to") == "season" and not data.get("season_id"):
            raise ValidationError({"season_id": ["Say which season's organisations may come."]})


class Material(Strict):
    """Something to read or watch: from the start, after the event, or only for those who attended."""

    title = ByLanguage(required=True)
    url = web_address(required=True)
    visible = one_of("before", "after", "attended", load_default="before", dump_default="before")


class Speaker(Strict):
    """A contact of the network, who has a seat without asking, or a guest by name."""

    contact_id = Id()
    name = Line(max_length=120)
    title = ByLanguage()

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("contact_id" in data) == ("name" in data):
            raise ValidationError({"name": ["Give either contact_id or name."]})


class HeldSeats(Strict):
    """Seats in the room that are kept until a moment: for an organisation, a role, or a group that staff name.

    Staff give a seat of a named group by `held_key` when they register somebody.
    """

    key = fields.String(required=True, validate=KEY)
    seats = fields.Integer(strict=True, required=True, validate=validate.Range(min=1, max=1_000_000))
    organisation_id = Id()
    role = one_of(*ROLES)
    name = Line(max_length=120)
    released_at = Instant(
        required=True,
        validate=within_the_calendar,
        metadata={"description": "from then on the seats that are left are for everybody"},
    )

    @validates_schema
    def one_of_the_three(self, data: dict[str, Any], **_: Any) -> None:
        if len(data.keys() & {"organisation_id", "role", "name"}) != 1:
            raise ValidationError({"name": ["Give one of organisation_id, role and name."]})


class AgendaItem(Strict):
    starts_at = Instant(required=True, validate=within_the_calendar)
    ends_at = Instant(validate=within_the_calendar)
    title = ByLanguage(required=True)
    speakers = fields.List(fields.Nested(Speaker), load_default=list, validate=validate.Length(max=20))

    @validates_schema
    def times_are_in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            raise ValidationError({"ends_at": ["Must be after starts_at."]})


class AgendaItemTold(AgendaItem):
    """As messages tell it: without the names of guests."""

    speakers = fields.List(fields.Nested(Speaker(exclude=["name"])))
