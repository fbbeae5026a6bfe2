"""The shapes of a contact at HTTP and in messages."""

from collections.abc import Mapping
from typing import Any

import phonenumbers
from marshmallow import ValidationError, fields, validate

from shared.schemas import LANGUAGES, Id, Line, Resource, SearchQuery, Strict, one_of

ROLES = ("officeholder", "elected", "developer", "other")
COUNTRY = "FI"


class PhoneNumber(fields.String):
    """A phone number, kept in the international form of E.164 (`+358401234567`).

    A number without a country code is taken for a Finnish one.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            number = phonenumbers.parse(text, COUNTRY)
        except phonenumbers.NumberParseException as error:
            raise ValidationError("Not a phone number: write it as +358 40 123 4567.") from error
        if not phonenumbers.is_possible_number(number):
            raise ValidationError("Not a possible phone number: a digit too many or too few, perhaps.")
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


class ContactInput(Strict):
    """What staff give of a contact."""

    given_name = Line(required=True)
    family_name = Line(required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))
    phone = PhoneNumber()
    title = Line()
    organisation_id = Id(required=True)
    role = one_of(*ROLES, required=True)
    language = one_of(*LANGUAGES, load_default="fi")


class Contact(ContactInput, Resource):
    """A contact as staff see it, and as the contacts topic tells it."""


class ContactQuery(SearchQuery):
    organisation_id = Id()
    role = one_of(*ROLES)
    language = one_of(*LANGUAGES)
