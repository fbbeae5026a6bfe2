"""Sending: once each, whoever dies, whatever is away."""

import logging
from datetime import timedelta

import pytest
import time_machine

from services.notifications.deliveries.store import DELIVERIES
from services.notifications.sending import claims
from services.notifications.settings import SmtpServer
from shared.ids import utc_now
from tests.notifications import builders as a
from tests.support import wait_for

OURS = ("services", "shared", "smtplib")


def registered(notifications, count: int = 1, **fields):
    """So many people registered for one event, their confirmations queued."""
    people = [a.contact(**fields) for _ in range(count)]
    event = a.event()
    registrations = [a.registration(event, who) for who in people]
    notifications.hears(
        [*a.known(a.CONTACTS, *people), *a.known(a.EVENTS, event)],
        [a.came(a.REGISTRATIONS, "registration.created", registration) for registration in registrations],
    )
    return event, people, registrations


def test_two_senders_at_once_send_each_mail_once(notifications, mailbox, in_threads) -> None:
    registered(notifications, 120)

    def work() -> None:
        sender = notifications.sender()
        for _ in range(40):
            sender.run()

    in_threads([work, work, work])
    assert len(mailbox.ids) == 120
    assert len(set(mailbox.ids)) == 120
    assert set(notifications.states()) == {"sent"}


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(hours=1)], ids=str)
def test_a_sender_whose_clock_is_an_hour_off_takes_no_mail_out_of_living_hands(notifications, off) -> None:
    registered(notifications)
    (ours,) = claims.claim(notifications.db, "sender-1")
    with time_machine.travel(utc_now() + off):
        assert claims.claim(notifications.db, "sender-2") == []
        claims.renew(notifications.db, [ours["_id"]], "sender-1")
        assert claims.claim(notifications.db, "sender-2") == []
        assert claims.hand_over(notifications.db, "sender-1", {ours["_id"]: {}})
        assert claims.claim(notifications.db, "sender-2") == []
        claims.release(notifications.db, "sender-1", [ours["_id"]])
        (theirs,) = claims.claim(notifications.db, "sender-2")
    assert theirs["_id"] == ours["_id"]


def test_a_sender_that_dies_while_handing_over_leaves_a_mail_that_is_sent_again_under_its_id(
    notifications, mailbox, monkeypatch
) -> None:
    registered(notifications)

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(claims, "release", lambda *_: None)
        patch.setattr("services.notifications.sending.sender.record_outcomes", die)
        with pytest.raises(Killed):
            notifications.sender().run()
    (delivery,) = notifications.deliveries()
    assert (delivery["state"], delivery["accepted_at"]) == ("queued", None)
    assert delivery["handed_over_at"] is not None
    assert notifications.client.get(f"/v1/deliveries/{delivery['_id']}").json["state"] == "sending"

    assert not notifications.sender().run(), "the claim still holds"
    notifications.make_due()
    assert notifications.sender().run()
    assert len(mailbox.ids) == 2
    assert len(set(mailbox.ids)) == 1
    assert notifications.states() == ["sent"]


def test_a_sender_that_dies_after_the_servers_yes_was_noted_does_not_make_a_second_mail(
    notifications, mailbox, monkeypatch
) -> None:
    registered(notifications, 2)

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("services.notifications.sending.sender.record_outcomes", die)
        patch.setattr("services.notifications.sending.sender.FLUSH_SECONDS", 60)
        patch.setattr(claims, "release", lambda *_: None)
        with pytest.raises(Killed):
            notifications.sender().run()
    notifications.make_due()
    assert notifications.sender().run()
    assert mailbox.ids.count(mailbox.ids[0]) == 1
    assert mailbox.ids.count(mailbox.ids[1]) == 2, "of the second nothing was noted"
    assert notifications.states() == ["sent", "sent"]


def test_mail_waits_for_a_server_that_is_away(notifications, mailbox, smtp) -> None:
    registered(notifications, 3)
    away = notifications.sender(SmtpServer(host="127.0.0.1", port=9))
    for _ in range(3):
        away.run()
    assert notifications.states() == ["queued"] * 3
    assert [row["attempts"] for row in notifications.deliveries()] == [0, 0, 0]
    notifications.sends()
    assert notifications.states() == ["sent"] * 3
    assert len(set(mailbox.ids)) == 3


def test_a_sender_finds_back_to_a_server_that_was_restarted(notifications, mailbox, serving) -> None:
    with serving() as server:
        sender = notifications.sender(server)
        registered(notifications)
        sender.run()
    registered(notifications)
    sender.run()
    assert sorted(notifications.states()) == ["queued", "sent"]
    with serving(server.port):
        wait_for(sender.run, seconds=5, what="the sender to try again")
        assert notifications.states() == ["sent", "sent"]
    assert len(mailbox.ids) == 2


def test_an_address_that_the_server_refuses_fails_with_a_code_and_the_others_go(notifications, mailbox) -> None:
    _, people, _ = registered(notifications, 3)
    mailbox.answers[people[1]["email"]] = f"550 5.1.1 {people[1]['email']} unknown"
    notifications.sends()
    by_contact = {row["contact_id"]: row for row in notifications.deliveries()}
    assert [by_contact[who["id"]]["state"] for who in people] == ["sent", "failed", "sent"]
    assert by_contact[people[1]["id"]]["error"] == "smtp_550"


def test_a_mail_that_the_server_does_not_want_now_is_offered_again(notifications, mailbox) -> None:
    _, people, _ = registered(notifications, 2)
    mailbox.answers[people[0]["email"]] = "451 4.7.1 greylisted"
    notifications.sends()
    assert sorted(notifications.states()) == ["queued", "sent"]
    mailbox.answers.clear()
    notifications.make_due()
    notifications.sends()
    assert notifications.states() == ["sent", "sent"]
    assert max(row["attempts"] for row in notifications.deliveries()) == 2


def test_a_mail_that_the_server_does_not_want_now_is_offered_for_five_days(notifications, mailbox) -> None:
    _, (aino,), _ = registered(notifications)
    mailbox.answers[aino["email"]] = "451 4.7.1 greylisted"
    for age, state in ((timedelta(days=4, hours=23), "queued"), (timedelta(days=5, minutes=1), "failed")):
        long_ago = utc_now() - age
        notifications.db[DELIVERIES.collection].update_many({}, {"$set": {"next_at": long_ago, "due_at": long_ago}})
        notifications.sends()
        assert notifications.states() == [state]
    assert notifications.deliveries()[0]["error"] == "smtp_451"


def test_a_mail_that_the_server_took_is_sent_although_it_was_cancelled_meanwhile(notifications, mailbox) -> None:
    registered(notifications)

    def cancel() -> None:
        notifications.db[DELIVERIES.collection].update_many({}, {"$set": {"state": "cancelled"}})

    mailbox.before_data = cancel
    notifications.sends()
    assert (len(mailbox.mails), notifications.states()) == (1, ["sent"])


def test_mails_about_one_registration_arrive_in_order(notifications, mailbox) -> None:
    _event, people, (registration,) = registered(notifications)
    mailbox.answers[people[0]["email"]] = "451 later"
    notifications.sends()
    notifications.hears(a.came(a.REGISTRATIONS, "registration.promoted", registration))
    mailbox.answers.clear()
    assert notifications.sends() == []
    notifications.make_due()
    notifications.sends()
    notifications.make_due()
    notifications.sends()
    assert notifications.templates() == ["registration_confirmed", "registration_promoted"]
    assert mailbox.ids == [row["message_id"] for row in notifications.deliveries()]


def test_what_a_stopping_sender_has_not_begun_is_free_for_another_at_once(notifications, mailbox) -> None:
    registered(notifications, 5)
    sender = notifications.sender()
    mailbox.before_data = sender.stop
    sender.run()
    assert len(mailbox.ids) == 1
    assert sorted(notifications.states()) == ["queued"] * 4 + ["sent"]
    notifications.sends()
    assert len(set(mailbox.ids)) == 5


def test_a_recipient_who_never_arrives_is_waited_for_as_long_as_another_service_may_be_away(
    notifications, mailbox
) -> None:
    event = a.event()
    notifications.hears(
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(event, a.contact())),
    )
    notifications.sends()
    assert notifications.states() == ["queued"]
    for age, state in ((timedelta(days=2), "queued"), (timedelta(days=4), "failed")):
        long_ago = utc_now() - age
        notifications.db[DELIVERIES.collection].update_many({}, {"$set": {"next_at": long_ago, "due_at": long_ago}})
        notifications.sends()
        assert notifications.states() == [state]
    assert notifications.deliveries()[0]["error"] == "unknown_recipient"


def test_an_erased_contact_gets_nothing_and_what_was_written_to_them_goes(notifications, mailbox) -> None:
    _, (aino,), (registration,) = registered(notifications)
    notifications.sends()
    assert "Aino" in notifications.deliveries()[0]["text"]
    notifications.hears(
        a.became(a.REGISTRATIONS, "registration.transitioned", registration, "cancelled"),
        a.erased(a.CONTACTS, aino),
    )
    notifications.sends()
    assert notifications.states() == ["sent", "cancelled"]
    assert not any(row.get("text") or row.get("subject") for row in notifications.deliveries())
    assert len(mailbox.ids) == 1


def test_a_suppressed_address_gets_nothing(notifications, mailbox) -> None:
    _, people, _ = registered(notifications, 2)
    answer = notifications.client.post("/v1/suppressions", json={"email": people[0]["email"].upper()})
    assert answer.status_code == 201
    notifications.sends()
    assert notifications.mailbox.recipients == [people[1]["email"]]
    assert sorted(notifications.states()) == ["sent", "suppressed"]


def test_a_text_that_cannot_be_rendered_fails_alone(notifications, monkeypatch) -> None:
    from services.notifications.templates import skeletons

    registered(notifications)
    real = skeletons.render
    with monkeypatch.context() as patch:
        patch.setattr(skeletons, "render", lambda *_: 1 / 0)
        notifications.sends()
    registered(notifications)
    assert skeletons.render is real
    notifications.sends()
    assert [(row["state"], row["error"]) for row in notifications.deliveries()] == [
        ("failed", "rendering_ZeroDivisionError"),
        ("sent", None),
    ]


def test_nothing_personal_is_logged(notifications, mailbox, caplog, capsys) -> None:
    caplog.set_level(logging.DEBUG)
    _, people, _ = registered(notifications, 3, family_name="Salmiakki")
    mailbox.answers[people[0]["email"]] = f"550 {people[0]['email']} unknown"
    mailbox.answers[people[1]["email"]] = f"451 {people[1]['email']} later"
    notifications.sender(SmtpServer(host="127.0.0.1", port=9)).run()
    notifications.sends()
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.split(".")[0] in OURS)
    printed = capsys.readouterr()
    for text in (ours, printed.out, printed.err):
        assert "kunta.example" not in text
        assert "Salmiakki" not in text
