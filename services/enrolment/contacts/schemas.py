"""The shapes of a contact at HTTP and in messages."""

import re
from collections.abc import Mapping
from typing import Any

import phonenumbers
from marshmallow import Schema, ValidationError, fields

from services.enrolment.importing import ImportResult
from services.enrolment.positions.schemas import ROLES, Position
from services.enrolment.tags import tags_field
from shared.email_address import EmailAddress
from shared.messaging.changes import Change
from shared.schemas import LANGUAGES, Id, Line, Resource, SearchQuery, Strict, cleaned, one_of
from shared.text import one_line

COUNTRY = "FI"
# The General Data Protection Regulation, article 6(1).
LEGAL_BASES = ("public_task", "consent", "contract", "legal_obligation", "legitimate_interest", "vital_interest")


class PhoneNumber(fields.String):
    """A phone number, kept as E.164 has it (`+358401234567`), an extension behind it (`;ext=12`, RFC 3966).

    A number without a country code is taken for a Finnish number. Letters in place of digits are refused, and so is
    a second number behind a slash.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = cleaned(one_line, str(super()._deserialize(value, attr, data, **kwargs)))
        text = re.sub(r"^(\d{5,15})[.,]0+$", r"\1", text)  # a spreadsheet's number, written with its decimals
        if re.search(r"\d[eE]\+?\d", text):
            raise ValidationError("The number was shortened by a spreadsheet: format the column as text.")
        if re.search(r"\d\s*[/\\]\s*\d", text):
            raise ValidationError("One number only, without a second one behind a slash.")
        try:
            number = phonenumbers.parse(text, COUNTRY)
        except phonenumbers.NumberParseException as error:
            raise ValidationError("Not a phone number: write it as +358 40 123 4567.") from error
        if _LETTERS.search(_EXTENSION.sub("", _PREFIX.sub("", text))):
            raise ValidationError("Digits only: write it as +358 40 123 4567.")
        if not phonenumbers.is_possible_number(number):
            raise ValidationError("Not a possible phone number: a digit too many or too few, perhaps.")
        extension = f";ext={number.extension}" if number.extension else ""
        number.extension = None
        return f"{phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}{extension}"


_PREFIX = re.compile(r"^\s*(puh|p|gsm|tel|tfn|mob|mobil|phone)\s*[.:]?\s*", re.IGNORECASE)
_EXTENSION = re.compile(r"(;\s*ext=|ext\.?|extension|x|alanro|ankn\.?)\s*\d+\s*$", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]")


class ContactInput(Strict):
    """The fields of a contact that staff give."""

    given_name = Line(required=True)
    family_name = Line(required=True)
    email = EmailAddress(required=True)
    phone = PhoneNumber()
    title = Line()
    organisation_id = Id(required=True)
    role = one_of(*ROLES, required=True)
    language = one_of(*LANGUAGES, load_default="fi")
    legal_basis = one_of(*LEGAL_BASES, metadata={"description": "why the network may keep them (GDPR, article 6(1))"})
    tags = tags_field()
    source = Line(metadata={"description": "where their data came from, such as `the municipality's pages`"})


class Contact(ContactInput, Resource):
    """A contact as staff see it, and as the contacts topic tells it."""

    positions = fields.List(
        fields.Nested(Position),
        load_default=list,
        dump_default=list,
        metadata={"description": "past, present and future ones"},
    )
    merged_into = fields.String(allow_none=True, metadata={"description": "the contact that it was merged into"})


class Merge(Change):
    """A contact became another one: `into`."""

    into = fields.String(required=True)


class Unmerge(Change):
    """A contact is one of its own again. `from` is the contact that it had been merged into."""

    from_ = fields.String(data_key="from", required=True)


class SimilarContact(Schema):
    """A contact of the same organisation who is probably the same person."""

    code = one_of("similar_contact", required=True)
    contact_id = fields.String(required=True)
    score = fields.Float(required=True, metadata={"description": "0 to 1"})
    reasons = fields.List(fields.String(), required=True)


class AddedContact(Contact):
    """A contact that was just added, and those who may be the same person."""

    warnings = fields.List(fields.Nested(SimilarContact), required=True)


class ContactQuery(SearchQuery):
    organisation_id = Id()
    season_id = Id(metadata={"description": "those whom an enrolment of the season names"})
    tag = fields.String()
    legal_basis = one_of(*LEGAL_BASES)
    role = one_of(*ROLES)
    language = one_of(*LANGUAGES)


class ImportWarnings(Schema):
    """Contacts that a row's new one is probably the same person as."""

    line = fields.Integer(required=True)
    warnings = fields.List(fields.Nested(SimilarContact), required=True)


class ContactImportResult(ImportResult):
    """What an import of contacts did, or would do."""

    warnings = fields.List(fields.Nested(ImportWarnings), required=True)
