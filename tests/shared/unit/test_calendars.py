"""Calendar entries: what goes in comes back, on every clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from shared.calendars import calendar, calendar_entry
from shared.vtimezones import vtimezone

ZONES = ("Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Europe/Dublin", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2022, 12, 1, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=300)


def entry(**changes):
    usual = {
        "uid": "one@events.example",
        "sequence": 3,
        "status": "CONFIRMED",
        "summary": "Tilannekuva",
        "description": None,
        "location": None,
        "url": None,
        "starts_at": NOON,
        "ends_at": NOON + timedelta(hours=1),
        "timezone": "Europe/Helsinki",
        "updated_at": datetime(2022, 11, 1, 8, 30, 15, 999, tzinfo=UTC),
    }
    return calendar_entry(**(usual | changes))


def written(*entries, method="PUBLISH", **options) -> bytes:
    return calendar(entries or [entry()], method=method, product_id="-//Test//EN", **options)


def read(content: bytes):
    return Calendar.from_ical(content).walk("VEVENT")[0]


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_comes_back_as_it_went_in(summary, description, location) -> None:
    content = written(entry(summary=summary, description=description, location=location))
    event = read(content)
    found = [str(event.get(name, "")) for name in ("summary", "description", "location")]
    assert found == [summary, description, location]
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@given(
    st.integers(5 * 365 * 24 * 60, 90 * 365 * 24 * 60).map(lambda minute: EPOCH + timedelta(minutes=minute)),
    st.integers(0, 5 * 24 * 60),
    st.sampled_from(ZONES),
)
def test_the_instants_come_back_on_every_clock(starts_at, minutes, zone) -> None:
    ends_at = starts_at + timedelta(minutes=minutes)
    event = read(written(entry(starts_at=starts_at, ends_at=ends_at, timezone=zone)))
    assert event["dtstart"].dt.astimezone(UTC) == starts_at
    assert event["dtend"].dt.astimezone(UTC) == ends_at


@pytest.mark.parametrize("hour", range(6))
@pytest.mark.parametrize("day", [(2023, 3, 26), (2023, 10, 29)])
def test_the_instants_come_back_while_the_clocks_change(day, hour) -> None:
    starts_at = datetime(*day, hour, 30, tzinfo=UTC) - timedelta(hours=2)
    event = read(written(entry(starts_at=starts_at, ends_at=starts_at + timedelta(hours=1))))
    assert event["dtstart"].dt.astimezone(UTC) == starts_at


def test_a_zone_has_one_standard_and_one_daylight_rule_as_outlook_reads_them() -> None:
    text = vtimezone("Europe/Helsinki", 2023, 2031).to_ical().decode()
    assert text.replace("\r\n", "\n") == (
        "BEGIN:VTIMEZONE\nTZID:Europe/Helsinki\n"
        "BEGIN:DAYLIGHT\nDTSTART:20220327T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n"
        "TZNAME:EEST\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:20221030T040000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n"
        "TZNAME:EET\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0200\nEND:STANDARD\n"
        "END:VTIMEZONE\n"
    )
    assert "BYDAY=2SU;BYMONTH=3" in vtimezone("America/New_York", 2023, 2031).to_ical().decode()


def test_a_zone_that_changed_its_rule_lists_every_change() -> None:
    text = vtimezone("America/New_York", 2005, 2008).to_ical().decode()
    assert "RRULE" not in text
    assert "DTSTART:20070311T020000" in text
    assert vtimezone("Asia/Tokyo", 2023, 2031).to_ical().decode().count("BEGIN:STANDARD") == 1


def test_whoever_is_taken_off_the_list_does_not_hear_that_the_event_is_cancelled() -> None:
    assert b"STATUS" not in written(entry(status=None), method="CANCEL")


def test_the_meetings_address_stands_wherever_programs_look_for_it() -> None:
    url = "https://meet.example/kunta"
    online = written(entry(url=url, description="Ohjelma")).replace(b"\r\n ", b"").decode().split("\r\n")
    for line in (
        f"URL:{url}",
        f"LOCATION:{url}",
        f"DESCRIPTION:Ohjelma\\n\\n{url}",
        f"CONFERENCE;FEATURE=VIDEO;VALUE=URI:{url}",
    ):
        assert line in online
    hybrid = written(entry(url=url, location="Sali 1")).replace(b"\r\n ", b"").decode().split("\r\n")
    assert "LOCATION:Sali 1" in hybrid
    assert f"DESCRIPTION:{url}" in hybrid


def test_an_entry_says_when_in_its_own_zone_and_which_version_it_is() -> None:
    lines = written().decode().split("\r\n")
    for line in (
        "DTSTART;TZID=Europe/Helsinki:20221201T140000",
        "DTEND;TZID=Europe/Helsinki:20221201T150000",
        "DTSTAMP:20221101T083015Z",
        "UID:one@events.example",
        "SEQUENCE:3",
        "STATUS:CONFIRMED",
        "METHOD:PUBLISH",
        "VERSION:2.0",
    ):
        assert line in lines


def test_each_zone_in_use_is_described_once() -> None:
    content = written(entry(), entry(timezone="Europe/Stockholm"), entry(), entry(timezone="UTC"))
    zones = [str(zone["tzid"]) for zone in Calendar.from_ical(content).walk("VTIMEZONE")]
    assert zones == ["Europe/Helsinki", "Europe/Stockholm"]


def test_an_invitation_names_who_invites_and_who_comes() -> None:
    event = read(written(entry(organizer="uso@network.example", attendee="åsa@kunta.example"), method="REQUEST"))
    assert event["organizer"] == "mailto:uso@network.example"
    assert event["attendee"] == "mailto:åsa@kunta.example"
    assert event["attendee"].params["PARTSTAT"] == "ACCEPTED"


def test_a_calendar_has_a_name_for_those_who_subscribe() -> None:
    assert b"X-WR-CALNAME:Kausi 7\\, USO\r\n" in written(name="Kausi 7, USO")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x\r\nATTACH:y", "tulossa myöhemmin", "http://[", ""])
def test_what_is_no_web_address_is_left_out(url) -> None:
    content = written(entry(url=url))
    assert b"URL" not in content
    assert b"ATTACH" not in content


def test_nothing_smuggles_in_a_line() -> None:
    content = written(entry(uid="a\r\nATTENDEE:x", summary="b\rATTENDEE:x\x00", location="c\x85d"))
    assert b"\nATTENDEE" not in content
    with pytest.raises(ValueError, match="line breaks"):
        entry(attendee="a@b.example\r\nATTENDEE:x")


@pytest.mark.parametrize("change", [{"status": "DONE"}, {"starts_at": datetime(2022, 1, 1)}])  # noqa: DTZ001
def test_what_makes_no_sense_is_refused(change) -> None:
    with pytest.raises(ValueError):
        entry(**change)
    with pytest.raises(ValueError):
        written(method="REPLY")
