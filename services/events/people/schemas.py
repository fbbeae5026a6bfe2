"""The shape of a person who is no contact."""

from services.events.people.names import PersonName, no_address_or_markup
from shared.email_address import EmailAddress
from shared.schemas import LANGUAGES, Line, Strict, one_of


class Person(Strict):
    """A person who registers and is no contact."""

    given_name = PersonName(required=True)
    family_name = PersonName(required=True)
    email = EmailAddress(required=True)
    organisation = Line(max_length=100, validate=no_address_or_markup)
    language = one_of(*LANGUAGES, load_default="fi")
