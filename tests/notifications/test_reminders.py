"""Reminders: in time, once for each start, and never when they say nothing any more."""

from datetime import timedelta

import pytest

from services.notifications.projections import EVENTS
from services.notifications.rules.reminders import remind, reminder_time, still_worth_it
from shared.instants import parse_instant
from tests.notifications import builders as a


@pytest.fixture
def soon(notifications):
    """An event in 90 minutes, whose two-hour reminder is due, and who has a place at it."""
    event = a.event(starts_at=a.in_(minutes=90), ends_at=a.in_(minutes=150))
    aino, bertil = a.contact(), a.contact(given_name="Bertil")
    registrations = [a.registration(event, aino), a.registration(event, bertil, state="waitlisted", position=1)]
    notifications.hears(
        a.known(a.CONTACTS, aino, bertil), a.known(a.EVENTS, event), a.known(a.REGISTRATIONS, *registrations)
    )
    return event, registrations, (aino, bertil)


def test_who_has_a_place_is_reminded_once(notifications, soon, in_threads) -> None:
    _event, _registrations, (aino, _) = soon
    in_threads([lambda: remind(notifications.db)] * 3)
    assert not remind(notifications.db)
    assert [(row["template"], row["contact_id"]) for row in notifications.deliveries()] == [
        ("event_reminder", aino["id"])
    ]
    notifications.sends()
    assert notifications.mailbox.recipients == [aino["email"]]


def test_a_reminder_does_not_follow_a_registration_made_after_it_was_due(notifications) -> None:
    event = a.event(starts_at=a.in_(minutes=90), ends_at=a.in_(minutes=150))
    notifications.hears(
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, a.registration(event, a.contact(), created_at=a.in_(minutes=-5))),
    )
    remind(notifications.db)
    assert notifications.templates() == []


def test_the_reminders_of_a_cancelled_event_are_cancelled(notifications, soon) -> None:
    event, _, _ = soon
    remind(notifications.db)
    notifications.hears(a.became(a.EVENTS, "event.transitioned", event, "cancelled", reason="ice"))
    notifications.sends()
    assert {row["template"]: row["state"] for row in notifications.deliveries() if row["contact_id"]} == {
        "event_reminder": "cancelled",
        "event_cancelled": "sent",
    }


def test_a_moved_event_reminds_of_its_new_time_and_not_of_the_old_one(notifications, soon) -> None:
    event, _, (_aino, _bertil) = soon
    remind(notifications.db)
    notifications.hears(a.changed(event, starts_at=a.in_(days=6), ends_at=a.in_(days=6, hours=1)))
    remind(notifications.db)
    notifications.sends()
    reminders = notifications.deliveries(template="event_reminder")
    assert [(row["state"], row["error"]) for row in reminders] == [("cancelled", "event_moved")]
    notifications.db[EVENTS.collection].update_one(
        {"_id": event["id"]},
        {"$set": {"starts_at": parse_instant(a.in_(days=6, hours=23)), "ends_at": parse_instant(a.in_(days=7))}},
    )
    assert remind(notifications.db)
    notifications.sends()
    assert [row["state"] for row in notifications.deliveries(template="event_reminder")] == ["cancelled", "sent"]


def test_who_wants_no_reminders_gets_none(notifications, soon) -> None:
    _, _, (aino, _) = soon
    path = f"/v1/contacts/{aino['id']}/preferences"
    answer = notifications.client.get(path)
    assert (answer.status_code, answer.json["reminders"]) == (200, True)
    choices = {"announcements": True, "reminders": False, "feedback_requests": True}
    answer = notifications.client.put(path, json=choices, headers={"If-Match": answer.headers["ETag"]})
    assert (answer.status_code, answer.json["reminders"]) == (200, False)
    remind(notifications.db)
    assert notifications.sends() == []
    assert [(row["state"], row["error"]) for row in notifications.deliveries()] == [("suppressed", "opted_out")]


def test_days_are_counted_on_the_events_own_calendar() -> None:
    start = parse_instant("2022-11-01T12:00:00Z")  # 14.00 in winter time; a week before it was summer
    assert reminder_time(start, "P7D", "Europe/Helsinki") == parse_instant("2022-10-25T11:00:00Z")
    assert reminder_time(start, "PT2H", "Europe/Helsinki") == parse_instant("2022-11-01T10:00:00Z")


def test_a_reminder_may_be_late_but_not_pointless() -> None:
    start = parse_instant("2022-12-01T12:00:00Z")
    due = start - timedelta(days=7)
    assert not still_worth_it(due, start, due - timedelta(seconds=1))
    assert still_worth_it(due, start, due)
    assert still_worth_it(due, start, due + timedelta(hours=23))
    assert not still_worth_it(due, start, due + timedelta(days=2))
    assert not still_worth_it(start - timedelta(hours=2), start, start)


def test_the_same_lead_written_three_ways_reminds_once(notifications) -> None:
    event = a.event(starts_at=a.in_(hours=20), ends_at=a.in_(hours=21), reminders=["P1D", "PT24H", "PT1440M"])
    notifications.hears(
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, a.registration(event, a.contact(), created_at=a.in_(days=-9))),
    )
    remind(notifications.db)
    assert notifications.templates() == ["event_reminder"]
