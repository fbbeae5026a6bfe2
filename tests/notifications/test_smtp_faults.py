"""Mail servers that are picky, slow or odd: each trouble stays with its own mail."""

import asyncio
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from services.notifications.deliveries.store import DELIVERIES
from services.notifications.projections import CONTACTS
from services.notifications.rules.reminders import remind
from services.notifications.sending import batch, claims
from services.notifications.settings import SmtpServer
from shared.ids import utc_now
from tests.notifications import builders as a
from tests.notifications.conftest import free_port
from tests.notifications.test_sending import registered
from tests.support import wait_for


@pytest.fixture
def picky(mailbox):
    """A mail server without SMTPUTF8."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=False)
    controller.start()
    yield SmtpServer(host="127.0.0.1", port=controller.port)
    controller.stop()


def by_contact(notifications) -> dict:
    return {row["contact_id"]: row for row in notifications.deliveries()}


def test_an_address_in_an_umlaut_domain_goes_to_a_server_without_smtputf8(notifications, mailbox, picky) -> None:
    registered(notifications, email="matti@hämeenlinna.example")
    notifications.sender(picky).run()
    assert mailbox.recipients == ["matti@xn--hmeenlinna-q5a.example"]
    assert "xn--hmeenlinna-q5a.example" in mailbox.mails[0]["To"]
    assert notifications.states() == ["sent"]


def test_an_address_that_needs_smtputf8_fails_alone_and_for_good(notifications, mailbox, picky) -> None:
    _, (bad,), _ = registered(notifications, email="väinö@kunta.example")
    registered(notifications, 5)
    sender = notifications.sender(picky)
    while sender.run():
        pass
    assert len(mailbox.recipients) == 5
    assert by_contact(notifications)[bad["id"]]["state"] == "failed"
    assert by_contact(notifications)[bad["id"]]["error"] == "smtp_553"
    assert sorted(notifications.states()) == ["failed", *["sent"] * 5]


def test_an_address_that_needs_smtputf8_goes_to_a_server_that_has_it(notifications, mailbox) -> None:
    registered(notifications, email="väinö@kunta.example")
    notifications.sends()
    assert mailbox.recipients == ["väinö@kunta.example"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("555 5.5.4 unsupported", "failed"),
        ("503 bad sequence", "failed"),
        ("452 4.3.1 full", "queued"),
        ("530 5.7.0 log in first", "queued"),
        ("199 what is this", "queued"),
    ],
)
def test_an_odd_answer_to_mail_is_about_that_mail_alone(notifications, mailbox, monkeypatch, answer, state) -> None:
    answers = [answer]

    async def handle_mail(server, session, envelope, address, options):
        if answers:
            return answers.pop()
        envelope.mail_from = address
        return "250 OK"

    mailbox.handle_MAIL = handle_mail
    registered(notifications, 4)
    sender = notifications.sender()
    while sender.run():
        pass
    assert sorted(notifications.states()) == sorted([state, "sent", "sent", "sent"])
    odd = next(row for row in notifications.deliveries() if row["state"] == state)
    assert odd["server"]["code"] == int(answer[:3])


def test_a_server_that_says_goodbye_costs_no_mail(notifications, mailbox) -> None:
    answers = ["421 4.3.2 shutting down"] * 2

    async def handle_mail(server, session, envelope, address, options):
        if answers:
            return answers.pop()
        envelope.mail_from = address
        return "250 OK"

    mailbox.handle_MAIL = handle_mail
    registered(notifications, 3)
    sender = notifications.sender()
    wait_for(lambda: (sender.run(), notifications.states() == ["sent"] * 3)[1], seconds=20, what="all three mails")
    assert len(set(mailbox.ids)) == 3


def test_a_server_that_takes_its_time_gets_one_copy_and_holds_up_no_other_mail(
    notifications, mailbox, monkeypatch, in_threads
) -> None:
    second = timedelta(seconds=1)
    monkeypatch.setattr(claims, "CLAIM", second)
    monkeypatch.setattr(batch, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(batch, "RENEW_SECONDS", 0.3)
    _, people, _ = registered(notifications, 6)
    slow = people[0]["email"]
    others: list[str] = []
    taken = mailbox.handle_DATA

    async def handle_data(server, session, envelope):
        if envelope.rcpt_tos == [slow]:
            for _ in range(300):
                if len(others) == 5:
                    break
                await asyncio.sleep(0.1)
            await asyncio.sleep(2)  # two claims long
        else:
            others.extend(envelope.rcpt_tos)
        return await taken(server, session, envelope)

    mailbox.handle_DATA = handle_data

    def until_all_are_sent() -> None:
        sender = notifications.sender()
        wait_for(lambda: (sender.run(), notifications.states() == ["sent"] * 6)[1], seconds=60, what="all six mails")

    in_threads([until_all_are_sent, until_all_are_sent])
    assert sorted(mailbox.recipients) == sorted(who["email"] for who in people)


def test_the_time_limits_are_those_of_the_protocol() -> None:
    """RFC 5321, 4.5.3.2: a client that is less patient sends copies."""
    from services.notifications.sending import smtp

    assert smtp.GREETING_SECONDS >= 300
    assert smtp.MAIL_SECONDS >= 300
    assert smtp.RCPT_SECONDS >= 300
    assert smtp.DATA_SECONDS >= 120
    assert smtp.CONTENT_SECONDS >= 180
    assert smtp.FINAL_SECONDS >= 600


def test_the_servers_words_are_kept_without_the_address(notifications, mailbox) -> None:
    _, (aino,), _ = registered(notifications)
    mailbox.answers[aino["email"]] = f"550 5.1.1 <{aino['email']}> unknown"
    notifications.sends()
    shown = notifications.client.get(f"/v1/deliveries/{notifications.deliveries()[0]['_id']}").json
    assert shown["server"] == {"code": 550, "enhanced_code": "5.1.1", "text": "<…> unknown"}


def test_a_mail_that_is_not_wanted_now_rests_for_minutes(notifications, mailbox) -> None:
    _, (aino,), _ = registered(notifications)
    mailbox.answers[aino["email"]] = "451 4.7.1 greylisted"
    notifications.sends()
    (delivery,) = notifications.deliveries()
    assert delivery["server"]["enhanced_code"] == "4.7.1"
    assert timedelta(minutes=1) < delivery["next_at"] - utc_now() < timedelta(minutes=5)


def test_a_mail_whose_outcome_is_never_known_is_given_up_after_a_few_copies(notifications, mailbox) -> None:
    registered(notifications)

    async def hang_up(server: SMTP, session, envelope):
        server.transport.close()
        return "250 OK"

    mailbox.handle_DATA = hang_up
    for _ in range(7):
        notifications.make_due()
        notifications.sender().run()
    (delivery,) = notifications.deliveries()
    assert (delivery["state"], delivery["error"], delivery["attempts"]) == ("failed", "outcome_unknown", 5)


def test_a_recipient_whose_data_are_broken_fails_alone(notifications, mailbox) -> None:
    _, people, _ = registered(notifications, 5)
    notifications.db[CONTACTS.collection].update_one({"_id": people[2]["id"]}, {"$set": {"email": 5}})
    notifications.sends()
    states = {identifier: row["state"] for identifier, row in by_contact(notifications).items()}
    assert states.pop(people[2]["id"]) == "failed"
    assert set(states.values()) == {"sent"}


def test_a_batch_that_fails_is_halved_until_the_guilty_delivery_stands_alone(
    notifications, mailbox, monkeypatch
) -> None:
    registered(notifications, 9)
    guilty = notifications.deliveries()[4]["_id"]
    sender = notifications.sender()
    write = sender.writer.write

    def fails(deliveries):
        if guilty in [row["_id"] for row in deliveries]:
            raise ValueError("poison")
        return write(deliveries)

    monkeypatch.setattr(sender.writer, "write", fails)

    def done() -> bool:
        sender.run()
        return "queued" not in notifications.states()

    wait_for(done, seconds=30, what="the batch to be halved")
    failed = notifications.deliveries(state="failed")
    assert [(row["_id"], row["error"]) for row in failed] == [(guilty, "sending_ValueError")]
    assert len(mailbox.ids) == 8


def test_what_waits_is_measured(notifications) -> None:
    from prometheus_client import REGISTRY

    from services.notifications.sending.backlog import note_the_oldest

    registered(notifications)
    hour_ago = utc_now() - timedelta(hours=1)
    notifications.db[DELIVERIES.collection].update_many({}, {"$set": {"next_at": hour_ago, "due_at": hour_ago}})
    note_the_oldest(notifications.db)
    assert 3600 <= (REGISTRY.get_sample_value("uso_oldest_due_delivery_seconds") or 0) < 3700
    notifications.sends()
    note_the_oldest(notifications.db)
    assert REGISTRY.get_sample_value("uso_oldest_due_delivery_seconds") == 0


def test_urgent_mail_goes_before_what_was_queued_earlier_for_everyone(notifications, mailbox) -> None:
    registered(notifications, 3)
    notifications.sends()
    notifications.db[DELIVERIES.collection].update_many({}, {"$set": {"state": "queued", "lane": 3, "attempts": 0}})
    notifications.make_due()
    _, (late,), _ = registered(notifications)
    (first,) = claims.claim(notifications.db, "somebody", limit=1)
    assert first["contact_id"] == late["id"]


def test_a_field_of_another_kind_on_a_topic_stops_nobodys_mail(notifications, mailbox) -> None:
    good, bad, event = a.contact(), a.contact(), a.event()
    notifications.hears(
        a.known(a.CONTACTS, good, bad | {"email": 5, "given_name": {"$gt": ""}}),
        a.known(a.EVENTS, event | {"reminders": {"P1D": 1}, "updated_at": "yesterday"}),
        [a.came(a.REGISTRATIONS, "registration.created", a.registration(event, who)) for who in (bad, good)],
    )
    kept = notifications.db[CONTACTS.collection].find_one({"_id": bad["id"]})
    assert (kept["email"], kept["given_name"], kept["family_name"]) == (None, None, "Virtanen")
    remind(notifications.db)
    notifications.sends()
    assert mailbox.recipients == [good["email"]]
    assert by_contact(notifications)[bad["id"]]["error"] == "no_address"


@pytest.fixture
def pipelining(mailbox):
    """The mail server says that it takes several commands at once (RFC 2920), and notes what came in one piece."""
    mailbox.segments = []

    async def handle_ehlo(server: SMTP, session, envelope, hostname, responses):
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_mail(server: SMTP, session, envelope, address, options):
        mailbox.segments.append(bytes(server._reader._buffer).lower())
        envelope.mail_from = address
        return mailbox.answers.get("MAIL", "250 OK")

    mailbox.handle_EHLO, mailbox.handle_MAIL = handle_ehlo, handle_mail


def test_a_server_that_takes_several_commands_at_once_gets_them_at_once(notifications, mailbox, pipelining) -> None:
    _, people, _ = registered(notifications, 4)
    mailbox.answers[people[1]["email"]] = "550 5.1.1 unknown"
    mailbox.answers[people[2]["email"]] = "451 4.7.1 later"
    notifications.sends()
    states = {identifier: row["state"] for identifier, row in by_contact(notifications).items()}
    assert [states[who["id"]] for who in people] == ["sent", "failed", "queued", "sent"]
    assert sorted(mailbox.recipients) == sorted([people[0]["email"], people[3]["email"]])
    assert len(mailbox.segments) == 4
    assert all(b"rcpt to:" in segment and segment.endswith(b"data\r\n") for segment in mailbox.segments)


def test_a_refused_sender_among_commands_sent_at_once_fails_that_mail(notifications, mailbox, pipelining) -> None:
    registered(notifications, 2)
    mailbox.answers["MAIL"] = "554 5.7.1 no"
    notifications.sends()
    assert [(row["state"], row["error"]) for row in notifications.deliveries()] == [("failed", "smtp_554")] * 2
    assert mailbox.recipients == []
