"""Bounces and complaints: the delivery's end, and an address that gets nothing more."""

from datetime import timedelta

import pytest

from services.notifications.suppressions.store import SUPPRESSIONS
from shared.ids import utc_now
from tests.notifications.test_sending import registered

DSN = """\
From: MAILER-DAEMON@mx.kunta.example
To: uso@network.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
Message-ID: <report@mx.kunta.example>

--b
Content-Type: text/plain

I'm sorry to have to inform you, 550 5.1.1 <{email}>.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.kunta.example

Final-Recipient: rfc822; {email}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{email}>: no such user

--b
Content-Type: message/rfc822

Message-ID: {message_id}
Subject: Ilmoittautuminen vahvistettu

Hei
--b--
"""
ARF = """\
From: abuse@mx.example
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an e-mail abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <{email}>

--b
Content-Type: message/rfc822

Message-ID: {message_id}

Hei
--b--
"""
OUT_OF_OFFICE = """\
From: {email}
Subject: Poissa: 550 5.1.1
Auto-Submitted: auto-replied
In-Reply-To: {message_id}
Message-ID: {message_id}

Olen lomalla. 550 5.1.1 user unknown
"""


@pytest.fixture
def sent(notifications) -> dict[str, str]:
    """A mail that the server has taken."""
    _, (aino,), _ = registered(notifications)
    (mail,) = notifications.sends()
    return {"message_id": mail["Message-ID"], "email": aino["email"]}


def reported(notifications, text: str, **fields: str) -> dict:
    content = text.format(**fields).replace("\n", "\r\n").encode()
    answer = notifications.client.post("/v1/bounces", data=content, content_type="message/rfc822")
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_bounce_ends_the_delivery_and_the_address_gets_nothing_for_a_month(notifications, sent) -> None:
    for suppressed in (True, False):  # the second report of it changes nothing
        answer = reported(notifications, DSN, action="failed", status="5.1.1", **sent)
        assert (answer["kind"], answer["suppressed"]) == ("bounced", suppressed)
    (delivery,) = notifications.deliveries()
    shown = notifications.client.get(f"/v1/deliveries/{delivery['_id']}").json
    assert (shown["state"], shown["error"]) == ("bounced", "bounced_5.1.1")
    assert shown["server"] == {"code": 550, "enhanced_code": "5.1.1", "text": "<…>: no such user"}
    (row,) = notifications.client.get("/v1/suppressions").json["items"]
    assert (row["email"], row["reason"]) == (sent["email"], "bounced")
    kept = notifications.db[SUPPRESSIONS.collection].find_one({})["expires_at"] - utc_now()
    assert timedelta(days=29) < kept <= timedelta(days=30)


def test_a_full_mailbox_bounces_the_mail_and_not_the_address(notifications, sent) -> None:
    assert not reported(notifications, DSN, action="failed", status="5.2.2", **sent)["suppressed"]
    assert notifications.states() == ["bounced"]
    assert notifications.client.get("/v1/suppressions").json["items"] == []


def test_a_mail_that_the_last_server_has_is_delivered(notifications, sent) -> None:
    assert reported(notifications, DSN, action="delivered", status="2.0.0", **sent)["kind"] == "delivered"
    assert notifications.states() == ["delivered"]


@pytest.mark.parametrize(("text", "fields"), [(DSN, {"action": "delayed", "status": "4.4.1"}), (OUT_OF_OFFICE, {})])
def test_a_delay_and_an_absence_are_no_bounces(notifications, sent, text, fields) -> None:
    assert reported(notifications, text, **fields, **sent)["kind"] == "none"
    assert notifications.states() == ["sent"]


def test_who_complains_gets_nothing_more(notifications, sent) -> None:
    assert reported(notifications, ARF, **sent)["kind"] == "complained"
    (row,) = notifications.client.get("/v1/suppressions").json["items"]
    assert (row["email"], row["reason"], row["expires_at"]) == (sent["email"], "complained", None)
    assert notifications.states() == ["sent"]


def test_a_report_of_a_mail_that_is_not_ours_suppresses_nobody(notifications, sent) -> None:
    strange = {**sent, "message_id": "<0190a6f0-0000-7000-8000-000000000001@network.example>"}
    assert reported(notifications, DSN, action="failed", status="5.1.1", **strange)["kind"] == "none"
    assert notifications.client.get("/v1/suppressions").json["items"] == []


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\xfe", b"Content-Type: multipart/report\r\n\r\n", b"--b\r\n" * 1000]
)
def test_what_is_no_mail_at_all_is_no_report(notifications, content) -> None:
    answer = notifications.client.post("/v1/bounces", data=content, content_type="message/rfc822")
    assert answer.json["kind"] == "none"


def test_an_address_that_the_server_does_not_know_is_not_tried_again(notifications, mailbox) -> None:
    _, (aino,), _ = registered(notifications)
    mailbox.answers[aino["email"]] = f"550 5.1.1 <{aino['email']}> unknown"
    notifications.sends()
    (row,) = notifications.client.get("/v1/suppressions").json["items"]
    assert (row["email"], row["reason"]) == (aino["email"], "bounced")


def test_a_suppression_that_is_over_stops_nobody(notifications, mailbox) -> None:
    _, (aino,), _ = registered(notifications)
    over = "2020-01-01T00:00:00Z"
    answer = notifications.client.post("/v1/suppressions", json={"email": aino["email"], "expires_at": over})
    assert answer.status_code == 201
    notifications.sends()
    assert notifications.states() == ["sent"]
