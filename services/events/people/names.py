"""Names that strangers write in the public form, and that our mails show to unconfirmed addresses.

Mail programs turn plain web addresses into links, and some read Markdown or HTML. A name without either cannot carry
an advertisement in the network's name (pretix refuses the same, `base/forms/questions.py`).
"""

import re
import unicodedata
from typing import Any

from marshmallow import ValidationError

from shared.schemas import Line

# Longer than all but a few names of people (the longest half of a Finnish name on record has 25 letters).
MOST_CHARACTERS = 60

_MARKUP = frozenset("<>{}[]\\|~$€£%§@*_`#^")
# A mail program takes two letters on each side of a full stop for a domain; it leaves `H.C.` alone.
_ADDRESS = re.compile(r"://|:\\|\bwww\b|\w{2,}[.。]\w{2,}|\w[.。](?:com|net|org|info|biz|[a-z]{2})\b", re.IGNORECASE)


def no_address_or_markup(text: str) -> None:
    """Raises ValidationError for a text with a web address or with the characters of Markdown and HTML."""
    plain = unicodedata.normalize("NFKC", text)
    if _ADDRESS.search(plain):
        raise ValidationError("Must hold no web address; put a space after a full stop.")
    found = sorted(_MARKUP & set(plain))
    if found:
        raise ValidationError(f"Must be without {' '.join(found)}.")


class PersonName(Line):
    """One part of a person's name: 60 characters at most, without web addresses and markup."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_CHARACTERS, validate=no_address_or_markup, **kwargs)
