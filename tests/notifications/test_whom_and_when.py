"""Whom mail may go to on a system for trying things out, and when mail leaves that can wait."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifications.deliveries.store import DELIVERIES
from services.notifications.rules.reminders import remind
from services.notifications.sending.allow_list import AllowList
from services.notifications.sending.quiet_hours import MailHours, wait_for_the_day
from services.notifications.settings import RecipientSettings
from tests.notifications import builders as a
from tests.notifications.conftest import Notifications

DAY = MailHours(opens=7, closes=20)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        ("2022-12-01T07:00+02:00", "2022-12-01T07:00+02:00"),
        ("2022-12-01T19:59+02:00", "2022-12-01T19:59+02:00"),
        ("2022-12-01T20:00+02:00", "2022-12-02T07:00+02:00"),
        ("2022-12-01T06:59+02:00", "2022-12-01T07:00+02:00"),
        ("2022-12-02T21:00+02:00", "2022-12-05T07:00+02:00"),  # Friday evening
        ("2022-12-03T12:00+02:00", "2022-12-05T07:00+02:00"),
        ("2022-12-04T05:00+02:00", "2022-12-05T07:00+02:00"),
        ("2023-03-24T22:00+02:00", "2023-03-27T07:00+03:00"),  # the clocks go forward in between
    ],
)
def test_optional_mail_leaves_on_working_days_in_the_daytime(now: str, leaves: str) -> None:
    wait = wait_for_the_day(DAY, "announcement", None, at(now))
    assert at(now) + (wait or timedelta(0)) == at(leaves)


@pytest.mark.parametrize("template", ["registration_confirmed", "event_cancelled", "event_changed", "confirm_address"])
def test_what_people_must_know_leaves_at_once(template: str) -> None:
    assert wait_for_the_day(DAY, template, None, at("2022-12-03T03:00+02:00")) is None


def test_a_reminder_comes_in_the_night_rather_than_too_late() -> None:
    night = at("2022-12-01T05:30+02:00")
    early, later = {"starts_at": at("2022-12-01T07:15+02:00")}, {"starts_at": at("2022-12-01T08:00+02:00")}
    assert wait_for_the_day(DAY, "event_reminder", early, night) is None
    assert wait_for_the_day(DAY, "event_reminder", later, night) == timedelta(minutes=90)


@pytest.mark.parametrize("text", ["20-7", "7", "7-25", "a-b", "7-7"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="7-20"):
        MailHours.parse(text)


def test_a_mail_that_waits_for_the_day_is_still_queued(
    notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    notifications.mail_settings = {"optional_hours": DAY}
    path = "services.notifications.sending.mail_composer.wait_for_the_day"
    monkeypatch.setattr(path, lambda hours, template, event, now: timedelta(hours=9) if hours == DAY else None)
    aino, event = a.contact(), a.event(starts_at=a.in_(hours=30), ends_at=a.in_(hours=31), reminders=["P2D"])
    notifications.hears(
        a.known(a.CONTACTS, aino), a.known(a.EVENTS, event), a.known(a.REGISTRATIONS, a.registration(event, aino))
    )
    remind(notifications.db)
    assert notifications.sends() == []
    (waiting,) = notifications.deliveries()
    assert (waiting["state"], waiting["handed_over_at"]) == ("queued", None)
    assert waiting["next_at"] - waiting["due_at"] > timedelta(hours=8)


def confirmed(notifications: Notifications, **contact: Any) -> dict[str, Any]:
    aino, event = a.contact(**contact), a.event()
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(event, aino)),
    )
    return aino


def test_on_a_system_for_trying_things_out_only_the_allowed_get_mail(notifications: Notifications) -> None:
    allowed = AllowList.parse(["Testers.example", "me@other.example"])
    notifications.mail_settings["allow_list"] = allowed
    settings = notifications.client.app.extensions["uso"]
    usual, settings[RecipientSettings] = settings[RecipientSettings], RecipientSettings(allow_list=allowed)
    try:
        for email in ("a@testers.example", "Me@Other.Example", "you@other.example", "a@sub.testers.example"):
            person = confirmed(notifications, email=email)
        assert sorted(str(mail["To"].addresses[0].addr_spec) for mail in notifications.sends()) == [
            "Me@Other.Example",
            "a@testers.example",
        ]
        errors = [row["error"] for row in notifications.deliveries(state="suppressed")]
        assert errors == ["not_on_allow_list", "not_on_allow_list"]
        explained = notifications.client.get(f"/v1/contacts/{person['id']}/explain?template=announcement").json
        assert "not_on_allow_list" in str(explained)
    finally:
        settings[RecipientSettings] = usual


@pytest.mark.parametrize("entry", ["a@b@c", "a b.example"])
def test_an_allow_list_of_something_else_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="addresses and domains"):
        AllowList.parse([entry])


def test_a_delivery_that_version_0_1_has_queued_is_sent(notifications: Notifications) -> None:
    confirmed(notifications)
    later = ("lane", "announcement_id", "resend_of", "unknowns", "server")
    notifications.db[DELIVERIES.collection].update_many({}, {"$unset": dict.fromkeys(later, "")})
    assert len(notifications.sends()) == 1
    assert notifications.states() == ["sent"]


def test_each_delivery_keeps_the_version_of_its_text(notifications: Notifications) -> None:
    confirmed(notifications)
    notifications.sends()
    path = "/v1/templates/registration_confirmed/fi"
    text = {"subject": "Uusi", "body": "Hei {{ contact.given_name }}"}
    saved = notifications.client.put(path, json=text, headers={"If-Match": '"1"'})
    assert saved.status_code == 200, saved.json
    confirmed(notifications)
    notifications.sends()
    shown = [
        notifications.client.get(f"/v1/deliveries/{row['_id']}").json["template_version"]
        for row in notifications.deliveries()
    ]
    assert shown == [1, 2]
