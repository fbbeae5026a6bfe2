"""Texts in one form: composed (NFC), without the invisible characters that make equal texts differ.

Control characters are refused, since they break logs, mails and spreadsheets; so are bidirectional overrides, which
show a name as another (Unicode TR36, 3; CVE-2021-42574).
"""

import re
import unicodedata

# Zero-width characters and the soft hyphen: no script needs them in a name, and searches do not see them.
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b\u200e\u200f\u2060-\u2064\u061c\ufeff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERRIDES = re.compile("[\u202d\u202e]")
_BREAKS = re.compile("[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufff9-\uffff]")
_PLANE_ENDS = frozenset(chr(plane * 0x10000 + end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF))
# Letters and symbols that are drawn as nothing.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def one_line(text: str) -> str:
    """`text` composed and trimmed, each kind of space as a space; empty when nothing visible is left.

    Raises ValueError with a sentence for line breaks, control characters and bidirectional controls.
    """
    text = unicodedata.normalize("NFC", text.strip())
    if text.isascii() and text.isprintable():
        return text
    if _BREAKS.search(text):
        raise ValueError("Must be one line.")
    _refuse(text, _BIDI)
    text = _INVISIBLE.sub("", text)
    text = "".join(" " if unicodedata.category(character) == "Zs" else character for character in text)
    text = _trim(text)
    return text if any(map(_is_visible, text)) else ""


def several_lines(text: str) -> str:
    """`text` composed, its lines ended by a line feed.

    Raises ValueError with a sentence for control characters and bidirectional overrides.
    """
    text = re.sub("\r\n?|[\x85\u2028\u2029]", "\n", unicodedata.normalize("NFC", text))
    _refuse(text, _OVERRIDES)
    return text


def _refuse(text: str, bidirectional: re.Pattern[str]) -> None:
    if _CONTROL.search(text) or not _PLANE_ENDS.isdisjoint(text):
        raise ValueError("Must be without control characters.")
    if bidirectional.search(text):
        raise ValueError("Must be without characters that turn the direction of the text.")


def _trim(text: str) -> str:
    """The text without spaces and joiners at its ends, where they have nothing to join."""
    return text.strip(" \u200c\u200d\ufe0e\ufe0f") if text else text


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK
