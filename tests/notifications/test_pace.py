"""The mail server gets what the operator allows, and less when it asks for less; all workers count together."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.notifications.sending.pace import PACE, Pace
from shared.ids import utc_now
from tests.notifications import builders as a
from tests.notifications.conftest import Notifications


def registered(notifications: Notifications, number: int) -> list[dict[str, Any]]:
    event, people = a.event(), [a.contact() for _ in range(number)]
    notifications.takes([*a.known(a.EVENTS, event), *a.known(a.CONTACTS, *people)])
    notifications.takes(
        [a.came(a.REGISTRATIONS, "registration.created", a.registration(event, person)) for person in people]
    )
    return people


def a_minute_passes(notifications: Notifications, **span: float) -> None:
    back = {"minute": utc_now() - timedelta(minutes=5), **({"day": utc_now() - timedelta(**span)} if span else {})}
    notifications.db[PACE].update_many({}, {"$set": back})


def test_so_many_mails_a_minute_and_a_day(notifications: Notifications) -> None:
    registered(notifications, 12)
    sender = notifications.sender()
    sender.pace = Pace(notifications.db, a_minute=5, a_day=8)

    def sent() -> int:
        sender._quiet_until = 0
        while sender.run():
            pass
        return len(notifications.mailbox.mails)

    assert sent() == 5
    assert sent() == 5
    a_minute_passes(notifications)
    assert sent() == 8
    a_minute_passes(notifications)
    assert sent() == 8
    a_minute_passes(notifications, days=1)
    assert sent() == 12
    sender.session.close()


def test_two_workers_share_the_pace(notifications: Notifications, in_threads: Callable[..., None]) -> None:
    paces = [Pace(notifications.db, a_minute=50) for _ in range(4)]
    Pace(notifications.db, a_minute=50).take(0)
    taken: list[int] = []
    in_threads([lambda pace=pace: taken.extend(pace.take(20) for _ in range(3)) for pace in paces])
    assert sum(taken) in (50, 100)  # 100 when a minute has begun meanwhile


def test_what_was_not_there_to_send_is_given_back(notifications: Notifications) -> None:
    pace = Pace(notifications.db, a_minute=10)
    assert pace.take(8) == 8
    pace.give_back(6)
    assert pace.take(20) in (8, 10)


@pytest.mark.parametrize("answer", ["450 4.7.1 slow down", "421 4.7.0 too many connections"])
def test_a_server_that_asks_for_less_gets_less(notifications: Notifications, answer: str) -> None:
    (person,) = registered(notifications, 1)
    notifications.mailbox.answers[person["email"]] = answer
    sender = notifications.sender()
    sender.pace = Pace(notifications.db)
    assert sender.pace.take(1000) == 1000
    sender.run()
    first = sender.pace.take(1000)
    assert 20 <= first <= 30
    sender.pace.slow_down()
    a_minute_passes(notifications)
    assert sender.pace.take(1000) == 15
    notifications.db[PACE].update_many({}, {"$set": {"slow_until": utc_now() - timedelta(seconds=1)}})
    assert Pace(notifications.db).take(1000) == 1000
    sender.session.close()


def test_any_other_answer_changes_nothing(notifications: Notifications) -> None:
    (person,) = registered(notifications, 1)
    notifications.mailbox.answers[person["email"]] = "450 4.2.2 mailbox full"
    notifications.sends()
    assert Pace(notifications.db).take(1000) == 1000
