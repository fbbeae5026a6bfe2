"""The mail on the wire: what it carries, and what it lets nobody put in."""

import email
import email.policy
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.mail import compose, quoted_printable

ICS = "BEGIN:VCALENDAR\r\nSUMMARY:Åsa\r\nEND:VCALENDAR\r\n".encode()
LINK = "https://notifications.example/public/preferences/" + "k" * 200
ANYTHING = st.text(max_size=200)

settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")


def composed(**changes):
    usual = {
        "delivery_id": "0190a6f0-0000-7000-8000-000000000001",
        "sender": "USO-verkosto <uso@network.example>",
        "recipient_name": "Åsa Öhman",
        "recipient_address": "asa@kunta.example",
        "subject": "Ilmoittautuminen vahvistettu: Kuntajohtamisen tilannekuva ja uuden sukupolven työ",
        "text": "Hei Åsa,\n\nnähdään!\n",
        "html": "<p>Hei Åsa</p>\n",
        "language": "fi",
        "date": datetime(2022, 12, 1, 12, tzinfo=UTC),
        "domain": "network.example",
    }
    given = usual | changes
    return compose(**(given | {part: quoted_printable(given[part]) for part in ("text", "html")}))


def wire(message: bytes) -> bytes:
    return message


def arrived(**changes):
    return email.message_from_bytes(wire(composed(**changes)), policy=email.policy.default)


def test_it_carries_the_text_in_two_shapes() -> None:
    mail = arrived()
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == "Hei Åsa,\n\nnähdään!\n"
    assert mail.get_body(("html",)).get_content() == "<p>Hei Åsa</p>\r\n"
    assert mail["Subject"] == "Ilmoittautuminen vahvistettu: Kuntajohtamisen tilannekuva ja uuden sukupolven työ"
    assert str(mail["To"].addresses[0]) == "Åsa Öhman <asa@kunta.example>"
    assert str(mail["From"].addresses[0]) == "USO-verkosto <uso@network.example>"


def test_it_says_who_wrote_it_and_when() -> None:
    mail = arrived()
    assert mail["Message-ID"] == "<0190a6f0-0000-7000-8000-000000000001@network.example>"
    assert mail["Date"].datetime == datetime(2022, 12, 1, 12, tzinfo=UTC)
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "fi")
    assert mail["List-Unsubscribe"] is None
    assert mail["List-Unsubscribe-Post"] is None


def test_one_click_unsubscribes_however_long_the_link() -> None:
    message = composed(unsubscribe_url=LINK)
    assert f"\r\nList-Unsubscribe: <{LINK}>\r\n".encode() in wire(message)
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in wire(message)


def test_the_invitation_is_there_to_accept_and_to_save() -> None:
    mail = arrived(calendar=ICS, calendar_method="REQUEST")
    assert mail.get_content_type() == "multipart/mixed"
    body, attachment = mail.iter_parts()
    invitation = list(body.iter_parts())[-1]
    assert invitation.get_content_type() == "text/calendar"
    assert (invitation.get_param("method"), invitation.get_param("charset")) == ("REQUEST", "utf-8")
    assert invitation.get_payload(decode=True) == ICS
    assert attachment.get_filename() == "invite.ics"
    assert attachment.get_content_disposition() == "attachment"
    assert attachment.get_payload(decode=True) == ICS


def test_the_same_delivery_makes_the_same_bytes() -> None:
    assert wire(composed(calendar=ICS, calendar_method="CANCEL")) == wire(
        composed(calendar=ICS, calendar_method="CANCEL")
    )


@given(ANYTHING, ANYTHING, ANYTHING)
def test_nobody_smuggles_in_a_header(name, subject, value) -> None:
    evil = "\r\nBcc: evil@example.com\r\n\r\n"
    mail = arrived(
        recipient_name=name + evil,
        subject=subject + evil,
        headers={"X-A": value + evil},
    )
    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["To"].addresses] == ["asa@kunta.example"]
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == "Hei Åsa,\n\nnähdään!\n"


@given(ANYTHING, ANYTHING)
def test_every_line_is_short_and_ascii(subject, text) -> None:
    content = wire(
        composed(subject=subject, text=text, recipient_name=subject, calendar=ICS, calendar_method="REQUEST")
    )
    assert content.isascii()
    assert all(len(line) <= 100 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Z"), exclude_characters='"\\'), max_size=80))
def test_any_name_and_subject_arrive_as_written(text) -> None:
    # The older parser: the newer one puts a space between two encoded words of a name.
    mail = email.message_from_bytes(wire(composed(recipient_name=text, subject=text)))
    assert str(make_header(decode_header(mail["Subject"]))) == text
    name = re.sub(r"\s*<?asa@kunta.example>?$", "", str(make_header(decode_header(mail["To"]))))
    assert name.strip('"') == text


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=500))
def test_any_text_arrives_as_written(text) -> None:
    assert arrived(text=text).get_body(("plain",)).get_payload(decode=True).decode().replace("\r\n", "\n") == text


@pytest.mark.parametrize(
    "change",
    [
        {"recipient_address": "a@b.example\r\nBcc: c@d.example"},
        {"recipient_address": "a@b.example, c@d.example"},
        {"recipient_address": "nobody"},
        {"sender": "nobody"},
        {"sender": "USO\r\nBcc: b@c.example <uso@network.example>"},
        {"delivery_id": "a b"},
        {"domain": "a>\r\nBcc: b"},
        {"language": "fi\r\nBcc: b"},
        {"unsubscribe_url": "https://a.example/>\r\nBcc: b"},
        {"unsubscribe_url": "javascript:alert(1)"},
        {"headers": {"Bcc": "a@b.example"}},
        {"headers": {"X-A\r\nBcc": "a@b.example"}},
        {"calendar": ICS, "calendar_method": "REQUEST\r\nBcc: b"},
        {"calendar": ICS},
    ],
)
def test_what_cannot_stand_in_a_header_is_refused(change) -> None:
    with pytest.raises(ValueError):
        composed(**change)


def test_a_name_with_marks_of_its_own_stays_a_name() -> None:
    mail = arrived(recipient_name='Öh "Ö" <evil@a.example>, b@c.example')
    assert [address.addr_spec for address in mail["To"].addresses] == ["asa@kunta.example"]
    mail = arrived(recipient_name='A "B" \\ <evil@a.example>, b@c.example')
    assert mail["To"].addresses[0].display_name == 'A "B" \\ <evil@a.example>, b@c.example'
    assert [address.addr_spec for address in mail["To"].addresses] == ["asa@kunta.example"]


def test_an_address_that_is_not_ascii_goes_out_as_it_is() -> None:
    content = composed(recipient_address="åsa@kunta.example")
    assert "<åsa@kunta.example>".encode() in content


@pytest.mark.parametrize("length", [40, 60, 61, 66, 72, 73, 90])
def test_a_name_of_any_length_with_marks_in_it_is_one_mailbox(length) -> None:
    name = ("Aino Virtanen, johtaja@toinen.example; <x@y.example>, " + "x" * 90)[:length].strip()
    mail = arrived(recipient_name=name, sender=f'"{name[:50]}" <uso@network.example>')
    assert [address.addr_spec for address in mail["To"].addresses] == ["asa@kunta.example"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["uso@network.example"]
