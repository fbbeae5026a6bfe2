"""Many mails of one sender: few round trips, a bound on what is in doubt, and no mail lost or held up."""

import asyncio
from typing import Any

import pytest
from pymongo import MongoClient

from services.notifications.deliveries.store import DELIVERIES
from services.notifications.sending import batch, claims
from services.notifications.templates import skeletons
from shared.mongo.database import Database
from tests.notifications import builders as a
from tests.notifications.test_sending import registered
from tests.support import wait_for
from tests.support.round_trips import CommandLog


class Killed(BaseException):
    """The worker's end: nothing in it runs any more."""


def die(*_: object, **__: object) -> None:
    raise Killed


def all_told(notifications, count: int, **settings: Any) -> list[str]:
    """So many people are to be told that the venue of their event is another one; their addresses."""
    event, people, _ = registered(notifications, count)
    notifications.sends()
    notifications.hears(a.changed(event, venue={"fi": "Sali 2"}))
    notifications.mailbox.forget()
    notifications.mail_settings |= settings
    assert len(notifications.deliveries(state="queued")) == count
    return [who["email"] for who in people]


@pytest.fixture(autouse=True)
def at_leisure(monkeypatch) -> None:
    """Outcomes are written when the batch is over, and no mail takes too long, however slow the machine is."""
    monkeypatch.setattr("services.notifications.sending.sender.FLUSH_SECONDS", 600.0)
    monkeypatch.setattr(batch, "PATIENCE_SECONDS", 600.0)


@pytest.fixture
def commands() -> CommandLog:
    return CommandLog()


@pytest.fixture
def counted(notifications, back_ends, commands: CommandLog):
    """The service, with each round trip of its senders to MongoDB counted."""
    with MongoClient(back_ends["mongodb"]["uri"], tz_aware=True, event_listeners=[commands]) as client:
        notifications.db = Database(client, notifications.db.raw.name)
        yield notifications


# The pace, the claim, and what was queued before about the same registrations.
CLAIMED = ["find", "find", "update", "find", "find"]
LOOKED_UP = ["find"] * 5  # registrations, events, contacts, preferences, suppressed addresses
TEXTS = ["find"]
NOTED = ["update", "insert", "commitTransaction"]


def test_mails_to_many_are_handed_over_several_in_one_round_trip(counted, commands, mailbox) -> None:
    all_told(counted, 60, in_doubt=20)
    sender = counted.sender()
    found = commands.during(sender.run)
    assert found == [*CLAIMED, *LOOKED_UP, *TEXTS, *["update"] * 3, *NOTED]
    assert counted.states() == ["sent"] * 120
    assert len(set(mailbox.ids)) == 60


def test_a_confirmation_is_handed_over_by_itself(counted, commands, mailbox) -> None:
    counted.mail_settings["in_doubt"] = 20
    registered(counted, 7)
    found = commands.during(counted.sender().run)
    assert found == [*CLAIMED, *LOOKED_UP, *TEXTS, *["update"] * 7, *NOTED]
    assert counted.states() == ["sent"] * 7


def test_the_mails_of_a_crowd_are_rendered_once(notifications, mailbox, monkeypatch) -> None:
    all_told(notifications, 12)
    rendered: list[str] = []
    usual = skeletons.render
    monkeypatch.setattr(skeletons, "render", lambda text, given: (rendered.append(text.key), usual(text, given))[1])
    notifications.sends()
    assert len(set(mailbox.ids)) == 12
    assert rendered == ["event_changed"]


@pytest.mark.parametrize("dies_at", [1, 6, 8])
def test_a_sender_that_dies_leaves_so_many_in_doubt_at_the_most(notifications, mailbox, monkeypatch, dies_at) -> None:
    addresses = all_told(notifications, 12, in_doubt=4)
    sender = notifications.sender()
    send, calls = sender.session.send, []

    def dies_then(envelope):
        calls.append(envelope.recipient)
        return die() if len(calls) == dies_at else send(envelope)

    with monkeypatch.context() as patch:
        patch.setattr(sender.session, "send", dies_then)
        patch.setattr("services.notifications.sending.sender.record_outcomes", die)
        patch.setattr(claims, "release", lambda *_, **__: None)
        with pytest.raises(Killed):
            sender.run()
    assert len(mailbox.ids) == dies_at - 1
    in_doubt = notifications.deliveries(handed_over_at={"$ne": None}, accepted_at=None, state="queued")
    assert len(in_doubt) <= 4
    notifications.make_due()
    notifications.sends()
    assert set(mailbox.recipients) == set(addresses)
    doubled = [address for address in addresses if mailbox.recipients.count(address) > 1]
    assert set(doubled) == set(calls[(dies_at - 1) // 4 * 4 : dies_at - 1])
    assert all(mailbox.recipients.count(address) == 2 for address in doubled)


def test_a_mail_that_takes_long_sets_the_others_free_that_were_noted_with_it(
    notifications, mailbox, monkeypatch
) -> None:
    monkeypatch.setattr(batch, "PATIENCE_SECONDS", 0.1)
    addresses = all_told(notifications, 4, in_doubt=4)
    taken, seen = mailbox.handle_DATA, []
    waiting = {"state": "queued", "claim": None, "handed_over_at": None, "attempts": 0}

    async def handle_data(server, session, envelope):
        if not seen:
            seen.extend(envelope.rcpt_tos)
            for _ in range(200):
                if notifications.db[DELIVERIES.collection].count_documents(waiting) == 3:
                    break
                await asyncio.sleep(0.02)
            else:
                return "554 the others are held up"
        return await taken(server, session, envelope)

    mailbox.handle_DATA = handle_data
    sender = notifications.sender()
    sender.run()
    assert mailbox.recipients == seen
    wait_for(lambda: not sender.run(), what="the rest")
    assert sorted(mailbox.recipients) == sorted(addresses)
    assert {row["attempts"] for row in notifications.deliveries(template="event_changed")} == {1}


def test_a_refused_mail_among_those_handed_over_together_concerns_itself_alone(notifications, mailbox) -> None:
    addresses = all_told(notifications, 5, in_doubt=5)
    mailbox.answers |= {addresses[1]: "550 5.1.1 unknown", addresses[3]: "451 4.3.2 later"}
    notifications.sends()
    told = {row["contact_id"]: row for row in notifications.deliveries(template="event_changed")}
    assert sorted((row["state"], row["attempts"]) for row in told.values()) == [
        ("failed", 1),
        ("queued", 1),
        *[("sent", 1)] * 3,
    ]
    assert not any(row["handed_over_at"] or row["claim"] for row in told.values())


def test_an_erasure_while_a_mail_is_under_way_is_not_undone_by_its_outcome(notifications, mailbox) -> None:
    _, (aino,), _ = registered(notifications)

    def forget() -> None:
        notifications.db[DELIVERIES.collection].update_many(
            {"contact_id": aino["id"]}, {"$set": {"personalisation": {}}, "$unset": {"subject": "", "text": ""}}
        )

    mailbox.before_data = forget
    notifications.sends()
    (delivery,) = notifications.deliveries()
    assert delivery["state"] == "sent"
    assert not {"text", "subject"} & delivery.keys()
