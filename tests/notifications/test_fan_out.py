"""Telling everyone of an event: in portions, each person once, and nobody else waits for it."""

from datetime import timedelta

import pytest

from services.notifications.projections import REGISTRATIONS
from services.notifications.rules.fan_outs import FAN_OUTS, fan_out
from services.notifications.rules.policies import RuleBook
from services.notifications.rules.table import REGISTRATION_RULES
from services.notifications.rules.waiting import follow_waiting
from services.notifications.rules.waiting_messages import WAITING, waiting_row
from services.notifications.sending import claims
from shared.ids import new_id, utc_now
from tests.notifications import builders as a
from tests.notifications.test_contents import text_of

NONE = timedelta(0)


def crowded(notifications, count: int, state: str = "confirmed") -> dict:
    """An event with so many registrations."""
    event = a.event()
    notifications.hears(a.known(a.EVENTS, event))
    rows = [
        {
            "_id": new_id(),
            "event_id": event["id"],
            "contact_id": new_id(),
            "language": "fi",
            "state": state,
            "sequence": 1,
        }
        for _ in range(count)
    ]
    notifications.db[REGISTRATIONS.collection].insert_many(rows)
    return event


@pytest.mark.parametrize(
    ("to", "state", "templates"),
    [
        ("cancelled", "confirmed", ["event_cancelled"]),
        ("completed", "attended", ["certificate", "feedback_request"]),
    ],
)
def test_everyone_of_a_large_event_is_told_once_in_portions(notifications, in_threads, to, state, templates) -> None:
    event = crowded(notifications, 1100, state)
    notifications.takes(a.became(a.EVENTS, "event.transitioned", event, to, reason="Sairaus"))
    assert notifications.deliveries() == [], "the message itself makes one row, however many are registered"
    assert notifications.db[FAN_OUTS].count_documents({}) == len(templates)
    notifications.db[FAN_OUTS].update_many({}, {"$set": {"next_at": utc_now()}})

    def work() -> None:
        while fan_out(notifications.db, gathering=NONE, portion=100):
            pass

    in_threads([work, work])
    for template in templates:
        made = notifications.deliveries(template=template)
        assert len(made) == 1100
        assert len({row["registration_id"] for row in made}) == 1100
    assert {row["template"] for row in notifications.deliveries()} == set(templates)
    assert notifications.db[FAN_OUTS].count_documents({}) == 0


def test_a_worker_that_dies_between_portions_loses_and_doubles_nobody(notifications) -> None:
    event = crowded(notifications, 250)
    notifications.takes(a.became(a.EVENTS, "event.transitioned", event, "cancelled"))
    for told in (100, 200):
        assert fan_out(notifications.db, gathering=NONE, portion=100)
        assert len(notifications.deliveries()) == told
    notifications.takes(a.became(a.EVENTS, "event.transitioned", event, "cancelled"))  # said again meanwhile
    notifications.fans_out(portion=100)
    assert len(notifications.deliveries()) == 250


def test_mail_of_another_event_goes_before_the_rest_of_a_large_one(notifications) -> None:
    event = crowded(notifications, 1000)
    notifications.takes(a.became(a.EVENTS, "event.transitioned", event, "cancelled"))
    notifications.fans_out()
    aino, other = a.contact(), a.event()
    notifications.takes([*a.known(a.CONTACTS, aino), *a.known(a.EVENTS, other)])
    notifications.takes(a.came(a.REGISTRATIONS, "registration.created", a.registration(other, aino)))
    (first,) = claims.claim(notifications.db, "anybody", limit=1)
    assert (first["template"], first["contact_id"]) == ("registration_confirmed", aino["id"])


def test_two_large_events_take_turns(notifications) -> None:
    events = [crowded(notifications, 300) for _ in range(2)]
    for event in events:
        notifications.takes(a.became(a.EVENTS, "event.transitioned", event, "cancelled"))
    fan_out(notifications.db, gathering=NONE, portion=100)
    assert [len(notifications.deliveries(event_id=event["id"])) for event in events] == [100, 100]


def test_changes_within_two_minutes_make_one_mail_that_tells_all_of_them(notifications) -> None:
    aino, event = a.contact(), a.event()
    notifications.hears(
        a.known(a.CONTACTS, aino), a.known(a.EVENTS, event), a.known(a.REGISTRATIONS, a.registration(event, aino))
    )
    for change in ({"venue": {"fi": "Kuntatalo"}}, {"title": {"fi": "Uusi nimi"}}, {"venue": {"fi": "Musiikkitalo"}}):
        notifications.takes(a.changed(event, **change))
        assert not fan_out(notifications.db, gathering=timedelta(minutes=2))
    notifications.fans_out()
    (mail,) = notifications.sends()
    assert "- paikka\n- nimi" in text_of(mail)
    assert "Musiikkitalo" in text_of(mail)


def test_an_event_that_is_changed_on_and_on_is_told_of_all_the_same(notifications) -> None:
    event = crowded(notifications, 3)
    notifications.takes(a.changed(event, venue={"fi": "Kuntatalo"}))
    notifications.db[FAN_OUTS].update_many({}, {"$set": {"first_at": utc_now() - timedelta(minutes=11)}})
    assert fan_out(notifications.db, gathering=timedelta(minutes=2))
    assert len(notifications.deliveries()) == 3


def test_whatever_book_a_waiting_rule_stands_in_it_is_found_again(notifications) -> None:
    book = RuleBook(name="registrations", rules=REGISTRATION_RULES)
    message = a.came(a.REGISTRATIONS, "registration.created", a.registration(a.event(), a.contact()))
    row = waiting_row(book.name, "registration_confirmed", message, utc_now())
    gone = waiting_row("a book of yesterday", "registration_confirmed", message, utc_now())
    notifications.db[WAITING].insert_many([row, gone])
    assert follow_waiting(notifications.db, [book])
    assert notifications.templates() == ["registration_confirmed"]
    assert notifications.db[WAITING].count_documents({}) == 0


def test_what_waits_for_another_service_waits_for_days(notifications) -> None:
    from services.notifications.app import BOOKS

    workshop = a.event(kind="workshop", enrolment_id=new_id(), state="awaiting_days", days=1)
    notifications.hears(a.became(a.EVENTS, "event.transitioned", workshop, "published"))
    for age, left in ((timedelta(days=2), 1), (timedelta(days=4), 0)):
        notifications.db[WAITING].update_many({}, {"$set": {"at": utc_now() - age, "next_at": utc_now()}})
        follow_waiting(notifications.db, BOOKS.values())
        assert notifications.db[WAITING].count_documents({}) == left
