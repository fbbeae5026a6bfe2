"""What staff are told by mail, as they have chosen it for themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifications.deliveries.store import DELIVERIES
from services.notifications.staff.digests import send_digests, tell_overdue_tasks
from services.notifications.staff.rhythm import next_digest_at
from services.notifications.staff.store import STAFF
from shared.ids import new_id, utc_now
from tests.notifications import builders as a
from tests.notifications.conftest import Notifications

TASKS = "uso.enrolment.tasks.v1"
ME = {"name": "Kaija", "email": "kaija@uso.example", "language": "sv", "digest": "daily"}


def describe(notifications: Notifications, version: int = 1, **changes: Any) -> Any:
    return notifications.client.put("/v1/staff/me", json=ME | changes, headers={"If-Match": f'"{version}"'})


def task(about: dict[str, str], *, days: int, **changes: Any) -> dict[str, Any]:
    due_on = (utc_now() + timedelta(days=days)).date().isoformat()
    usual = {"id": new_id(), "version": 1, "about": about, "assignee": "test-coordinator", "state": "open"}
    return usual | {"due_on": due_on} | changes


def morning(notifications: Notifications) -> list[Any]:
    """Seven o'clock comes."""
    due = {"$set": {"next_digest_at": utc_now() - timedelta(seconds=1)}}
    notifications.db[STAFF.collection].update_many({"digest": {"$ne": "off"}}, due)
    send_digests(notifications.db)
    return notifications.sends()


def test_one_describes_oneself_and_nobody_else(notifications: Notifications) -> None:
    before = notifications.client.get("/v1/staff/me")
    assert (before.json["email"], before.json["digest"], before.headers["ETag"]) == (None, "off", '"1"')
    assert notifications.client.put("/v1/staff/me", json=ME).status_code == 428
    saved = describe(notifications)
    assert saved.status_code == 200
    assert {name: saved.json[name] for name in ME} == ME
    assert describe(notifications, version=1, name="Other").status_code == 412
    assert describe(notifications, version=2, name="Kaija K.").json["name"] == "Kaija K."
    assert notifications.client.get("/v1/staff/me", role="viewer").json["email"] is None
    assert notifications.client.get("/v1/staff/test-coordinator").status_code == 404


def test_a_digest_tells_new_registrations_and_overdue_tasks(notifications: Notifications) -> None:
    describe(notifications)
    home, event = a.organisation(), a.event()
    people = [a.contact() for _ in range(3)]
    notifications.takes([*a.known(a.EVENTS, event), *a.known(a.ORGANISATIONS, home), *a.known(a.CONTACTS, *people)])
    rows = [a.registration(event, person, created_at=a.in_(seconds=-0.001)) for person in people]
    notifications.takes(a.known(a.REGISTRATIONS, *rows, a.registration(event, None)))
    overdue = [
        task({"kind": "organisation", "id": home["id"]}, days=-2),
        task({"kind": "contact", "id": people[0]["id"]}, days=-3),
        task({"kind": "organisation", "id": home["id"]}, days=3),
        task({"kind": "organisation", "id": home["id"]}, days=-2, state="done"),
        task({"kind": "organisation", "id": home["id"]}, days=-2, assignee="somebody-else"),
    ]
    notifications.takes(a.known(TASKS, *overdue))
    notifications.db[STAFF.collection].update_many({}, {"$set": {"told_until": utc_now() - timedelta(minutes=5)}})
    (mail,) = morning(notifications)
    assert mail["To"].addresses[0].addr_spec == "kaija@uso.example"
    text = mail.get_body(("plain",)).get_content()
    assert "Hej Kaija" in text
    assert "- Lägesbild: 3" in text
    assert text.count(": Tammerfors") == 1
    assert "kontaktperson" in text
    assert "Virtanen" not in text

    assert len(morning(notifications)) == 2  # the tasks are still overdue
    assert "Lägesbild" not in notifications.mailbox.mails[1].get_body(("plain",)).get_content()


def test_nobody_gets_an_empty_digest_and_nobody_gets_one_twice(notifications: Notifications) -> None:
    describe(notifications)
    assert morning(notifications) == []
    notifications.takes(a.known(TASKS, task({"kind": "contact", "id": new_id()}, days=-1)))
    due = utc_now() - timedelta(seconds=1)
    for _ in range(2):
        notifications.db[STAFF.collection].update_many({}, {"$set": {"next_digest_at": due}})
        send_digests(notifications.db)
    assert len(notifications.sends()) == 1


def test_without_a_digest_each_overdue_task_is_told_once(notifications: Notifications) -> None:
    describe(notifications, digest="off", language="en")
    home = a.organisation(name={"en": "Kangasala"})
    late = task({"kind": "organisation", "id": home["id"]}, days=-1)
    notifications.takes([*a.known(a.ORGANISATIONS, home), *a.known(TASKS, late)])
    notifications.takes(a.known(TASKS, task({"kind": "organisation", "id": home["id"]}, days=-30)))
    for _ in range(2):
        tell_overdue_tasks(notifications.db)
    (mail,) = notifications.sends()
    assert mail["Subject"] == "The task is overdue: Kangasala"
    assert notifications.db[DELIVERIES.collection].count_documents({}) == 1


@pytest.mark.parametrize(
    ("rhythm", "now", "due"),
    [
        ("daily", "2022-12-01T06:00+02:00", "2022-12-01T07:00+02:00"),
        ("daily", "2022-12-01T07:00+02:00", "2022-12-02T07:00+02:00"),
        ("daily", "2022-12-02T12:00+02:00", "2022-12-05T07:00+02:00"),
        ("weekly", "2022-12-01T12:00+02:00", "2022-12-05T07:00+02:00"),
        ("weekly", "2022-12-05T07:30+02:00", "2022-12-12T07:00+02:00"),
        ("off", "2022-12-01T06:00+02:00", None),
    ],
)
def test_digests_come_at_seven_on_working_days_or_on_mondays(rhythm: str, now: str, due: str | None) -> None:
    found = next_digest_at(rhythm, datetime.fromisoformat(now).astimezone(UTC))
    assert found == (datetime.fromisoformat(due) if due else None)
