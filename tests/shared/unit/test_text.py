"""Texts as people mean them, and durations in one spelling."""

from datetime import UTC, datetime, timedelta

import pytest
from marshmallow import Schema, ValidationError

from shared.instants import instant_text
from shared.schemas import ByLanguage, Duration, Line, LongText
from shared.text import one_line, several_lines


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Aino  ", "Aino"),
        ("A\u0308iti", "Äiti"),
        ("Aino\u200b", "Aino"),
        ("Pohjois\u00adSavo", "PohjoisSavo"),
        ("\ufeffAino", "Aino"),
        ("Aino\u00a0Virtanen", "Aino Virtanen"),
        ("O\u2019Brien-Öhman", "O\u2019Brien-Öhman"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200b\u200d\ufeff", ""),
        ("\u3164", ""),
        ("\u2800 \u00a0", ""),
        ("\u0301", ""),
        ("", ""),
    ],
)
def test_a_line_is_composed_and_without_what_nobody_sees(given: str, kept: str) -> None:
    assert one_line(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "a\nb",
        "a\rb",
        "a\u2028b",
        "a\u2029b",
        "a\x85b",
        "a\x00b",
        "a\x1bb",
        "a\tb",
        "a\x7fb",
        "a\ufffeb",
        "a\U0001fffeb",
        "a\u202eb",
        "a\u2066b",
        "a\x9bb",
    ],
    ids=ascii,
)
def test_a_line_with_breaks_controls_or_turned_directions_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="Must be"):
        one_line(given)


def test_a_long_text_keeps_its_lines() -> None:
    assert several_lines("a\r\nb\rc\u2028d\n\te") == "a\nb\nc\nd\n\te"
    for wrong in ("a\x00", "a\x1b[31m", "a\u202eb", "a\ufffe"):
        with pytest.raises(ValueError, match="Must be"):
            several_lines(wrong)


class Thing(Schema):
    name = ByLanguage()
    description = ByLanguage(max_length=1000, multiline=True)
    line = Line()
    text = LongText()
    before = Duration()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": {"fi": " "}},
        {"name": {"fi": "a\nb"}},
        {"name": {"fi": "\u200b"}},
        {"name": {"fi": "a\x07"}},
        {"name": {}},
        {"name": {"de": "a"}},
        {"description": {"fi": " \n"}},
        {"line": "\u200b"},
        {"line": "a\u202eb"},
        {"text": "\x07"},
    ],
    ids=ascii,
)
def test_what_cannot_be_read_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Thing().load(wrong)  # type: ignore[arg-type]


def test_composed_and_decomposed_are_one_text() -> None:
    loaded = Thing().load({"name": {"fi": "A\u0308hta\u0308ri "}, "description": {"fi": "a\r\nb"}})
    assert loaded == {"name": {"fi": "Ähtäri"}, "description": {"fi": "a\nb"}}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("P1D", "P1D"),
        ("PT24H", "P1D"),
        ("PT1440M", "P1D"),
        ("P7D", "P7D"),
        ("P1W", "P7D"),
        ("PT90M", "PT1H30M"),
        ("PT2H", "PT2H"),
        ("P1DT36H", "P2DT12H"),
        ("PT0S", "PT0S"),
        ("P0D", "PT0S"),
    ],
)
def test_a_duration_has_one_spelling(given: str, kept: str) -> None:
    assert Thing().load({"before": given}) == {"before": kept}


@pytest.mark.parametrize(
    "wrong",
    ["P7D\n", " P7D", "P", "PT", "7D", "-P1D", "+P1D", "P-1D", "P1", "P1D2", "PT1", "P1H", "P9999999999D", "p1d"],
)
def test_what_is_no_duration_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Thing().load({"before": wrong})


def test_a_phone_that_is_no_line_is_refused_and_no_failure() -> None:
    from services.enrolment.contacts.schemas import PhoneNumber

    for wrong in ("+358 40\n123 4567", "+35840\x001234567", "\u202e+358401234567"):
        with pytest.raises(ValidationError):
            PhoneNumber().deserialize(wrong)


def test_an_instant_of_an_early_year_has_four_digits_for_it() -> None:
    assert instant_text(datetime(13, 3, 5, 14, 7, 57, 867031, tzinfo=UTC)) == "0013-03-05T14:07:57.867Z"


@pytest.mark.parametrize("text", ["P7D", "PT168H", "P1W", "PT0S"])
def test_a_duration_up_to_its_limit_is_taken(text: str) -> None:
    assert Duration(at_most=timedelta(days=7)).deserialize(text)


@pytest.mark.parametrize("text", ["P8D", "PT168H1S", "P1M", "P2Y6542M479D", "P999999999Y"])
def test_a_duration_past_its_limit_is_refused_months_and_years_too(text: str) -> None:
    with pytest.raises(ValidationError, match="At most P7D"):
        Duration(at_most=timedelta(days=7)).deserialize(text)


@pytest.mark.parametrize("text", ["P0.5Y", "P0.1M"])
def test_a_part_of_a_month_is_no_duration(text: str) -> None:
    with pytest.raises(ValidationError, match="Not a duration"):
        Duration().deserialize(text)


def test_a_duration_may_have_to_last() -> None:
    with pytest.raises(ValidationError, match="Longer than nothing"):
        Duration(longer_than_nothing=True).deserialize("PT0H")
