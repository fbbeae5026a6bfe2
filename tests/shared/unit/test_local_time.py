"""Times and amounts as each language writes them."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.local_time import day, when, workshop_days

START = datetime(2022, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fi", "to 1.12.2022 klo 14.00–15.00"),
        ("sv", "to 1.12.2022 kl. 14.00–15.00"),
        ("en", "Thu 1 Dec 2022, 14:00–15:00"),
    ],
)
def test_a_time_is_written_as_the_language_writes_it(language, expected) -> None:
    assert when(START, START + HOUR, "Europe/Helsinki", language) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fi", "to 1.12.2022 klo 14.00 – pe 2.12.2022 klo 9.05"),
        ("sv", "to 1.12.2022 kl. 14.00 – fr 2.12.2022 kl. 9.05"),
        ("en", "Thu 1 Dec 2022, 14:00 – Fri 2 Dec 2022, 09:05"),
    ],
)
def test_several_days_have_both_ends_in_full(language, expected) -> None:
    assert when(START, datetime(2022, 12, 2, 7, 5, tzinfo=UTC), "Europe/Helsinki", language) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fi", "to 1.12.2022 klo 13.00–14.00 (aikavyöhyke: Tukholma)"),
        ("sv", "to 1.12.2022 kl. 13.00–14.00 (tidszon: Stockholm)"),
        ("en", "Thu 1 Dec 2022, 13:00–14:00 (time zone: Stockholm)"),
    ],
)
def test_a_zone_that_is_not_home_is_named(language, expected) -> None:
    assert when(START, START + HOUR, "Europe/Stockholm", language) == expected


def test_summer_time_is_counted() -> None:
    summer = datetime(2023, 6, 15, 12, tzinfo=UTC)
    assert when(summer, summer + HOUR, "Europe/Helsinki", "fi") == "to 15.6.2023 klo 15.00–16.00"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        when(START.replace(tzinfo=None), START, "Europe/Helsinki", "fi")


def test_a_day_has_its_weekday() -> None:
    days = [day("2022-12-01", language) for language in ("fi", "sv", "en")]
    assert days == ["to 1.12.2022", "to 1.12.2022", "Thu 1 Dec 2022"]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fi", ["0 päivää", "0,5 päivää", "1 päivä", "1,5 päivää", "6 päivää"]),
        ("sv", ["0 dagar", "0,5 dagar", "1 dag", "1,5 dagar", "6 dagar"]),
        ("en", ["0 days", "0.5 days", "1 day", "1.5 days", "6 days"]),
    ],
)
def test_half_days_are_counted_as_days(language, expected) -> None:
    assert [workshop_days(count, language) for count in (0, 1, 2, 3, 12)] == expected
