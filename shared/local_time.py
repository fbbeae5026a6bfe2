"""Times and amounts as people read them in Finland, in each of the three languages. Pure.

Finnish: day and hour with full stops and `klo` (Kielikello 3/1998, "Ajan ilmaiseminen"). Swedish as
written in Finland: full stops and `kl.`. English: the British order, 24-hour clock.
"""

from datetime import date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_timezone_location
from babel.numbers import format_decimal

HOME_ZONE = "Europe/Helsinki"
LOCALES = {"fi": "fi_FI", "sv": "sv_FI", "en": "en_GB"}
DAY = {"fi": "ccc d.M.y", "sv": "cccccc d.M.y", "en": "EEE d MMM y"}
TIME = {"fi": "klo {}", "sv": "kl. {}", "en": "{}"}
BETWEEN_DAY_AND_TIME = {"fi": " ", "sv": " ", "en": ", "}
CLOCK = {"fi": "{}.{:02}", "sv": "{}.{:02}", "en": "{:02}:{:02}"}
IN_ZONE = {"fi": "aikavyöhyke: {}", "sv": "tidszon: {}", "en": "time zone: {}"}
WORKSHOP_DAYS = {
    "fi": {"one": "{} päivä", "other": "{} päivää"},
    "sv": {"one": "{} dag", "other": "{} dagar"},
    "en": {"one": "{} day", "other": "{} days"},
}


@lru_cache(maxsize=1024)  # a crowd's mails all say the same time
def when(starts_at: datetime, ends_at: datetime, timezone: str, language: str) -> str:
    """The time of an event on the clocks of its own zone: `to 1.12.2022 klo 14.00–15.00`.

    Over several days: `to 1.12.2022 klo 14.00 – pe 2.12.2022 klo 12.00`. A zone other than
    Europe/Helsinki is named at the end. Raises ValueError for naive datetimes, KeyError for a language
    other than fi, sv and en, ZoneInfoNotFoundError for an unknown zone.
    """
    if starts_at.tzinfo is None or ends_at.tzinfo is None:
        raise ValueError("The times of an event need a time zone.")
    zone = ZoneInfo(timezone)
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    text = _moment(start, language)
    if end.date() != start.date():
        text = f"{text} – {_moment(end, language)}"
    elif end != start:
        text = f"{text}–{clock(end, language)}"
    return text if timezone == HOME_ZONE else f"{text} ({IN_ZONE[language].format(_zone_name(timezone, language))})"


def moment(at: datetime, timezone: str, language: str) -> str:
    """A point in time on the clocks of a zone: `to 1.12.2022 klo 14.00`. Raises as `when`."""
    text = _moment(at.astimezone(ZoneInfo(timezone)), language)
    return text if timezone == HOME_ZONE else f"{text} ({IN_ZONE[language].format(_zone_name(timezone, language))})"


def day(iso_date: str, language: str) -> str:
    """A date with its weekday: `to 1.12.2022`. Raises ValueError for anything but YYYY-MM-DD."""
    return _day(date.fromisoformat(iso_date), language)


@lru_cache(maxsize=256)  # there are not many numbers of days
def workshop_days(half_days: int, language: str) -> str:
    """Half days as days: 3 → `1,5 päivää`. Plurals and decimal marks as CLDR has them."""
    number = half_days / 2 if half_days % 2 else half_days // 2
    locale = _locale(language)
    return WORKSHOP_DAYS[language][locale.plural_form(number)].format(format_decimal(number, locale=locale))


def _moment(local: datetime, language: str) -> str:
    time = TIME[language].format(clock(local, language))
    return f"{_day(local.date(), language)}{BETWEEN_DAY_AND_TIME[language]}{time}"


def clock(local: datetime, language: str) -> str:
    """The time of day: `14.05`, in English `14:05`."""
    return CLOCK[language].format(local.hour, local.minute)


def _day(local: date, language: str) -> str:
    return format_date(local, DAY[language], locale=_locale(language))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(LOCALES[language])


@cache
def _zone_name(timezone: str, language: str) -> str:
    """The zone's city in this language where CLDR knows one, or else the zone's own name."""
    if "/" not in timezone:
        return timezone
    return get_timezone_location(timezone, locale=_locale(language), return_city=True) or timezone
