"""What the worker does as time passes, put together as the process does it."""

from services.notifications.app import SERVICE, lanes_of
from tests.notifications import builders as a
from tests.notifications.test_fan_out import crowded
from tests.notifications.test_sending import registered


def test_the_workers_tasks_send_what_is_due(notifications, settings_for, monkeypatch) -> None:
    monkeypatch.setenv("SMTP_URL", f"smtp://{notifications.smtp.host}:{notifications.smtp.port}")
    monkeypatch.setenv("GATHER_CHANGES_SECONDS", "0")
    _, (aino,), _ = registered(notifications)
    notifications.takes(a.became(a.EVENTS, "event.transitioned", crowded(notifications, 3), "cancelled"))
    tasks = SERVICE.tasks(settings_for("notifications"), notifications.db)
    assert len({task.name for task in tasks}) == len(tasks)
    for _ in range(3):
        for task in tasks:
            task.run()
    for task in tasks:
        task.stop()
    assert notifications.mailbox.recipients == [aino["email"]]
    assert len(notifications.deliveries(template="event_cancelled")) == 3


def test_of_several_threads_one_waits_for_no_other_than_urgent_mail() -> None:
    assert lanes_of(1) == [(0, 1, 2, 3)]
    assert lanes_of(3) == [[0], (0, 1, 2, 3), (0, 1, 2, 3)]
