"""Bounces come to an address of each mail's own, are read from a mailbox, and are believed only when it is signed."""

from base64 import b64encode
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from environs import ValidationError

from services.notifications.bounces.mailbox import read_mailbox
from services.notifications.sending.envelopes import bounce_address, delivery_in
from services.notifications.settings import is_dkim_key, no_plus
from services.notifications.suppressions.store import SUPPRESSIONS
from shared.ids import new_id
from tests.notifications.conftest import Mailbox, Notifications
from tests.notifications.test_bounces import DSN
from tests.notifications.test_sending import registered

BOUNCES = "bounces@uso.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "new").mkdir()
    return tmp_path


def bounced(sender: str, email: str, message_id: str = "<none@x.example>") -> bytes:
    text = DSN.format(email=email, action="failed", status="5.1.1", message_id=message_id)
    return text.replace("To: uso@network.example", f"To: <{sender}>").replace("\n", "\r\n").encode()


def test_each_mail_has_an_envelope_sender_of_its_own(notifications: Notifications, mailbox: Mailbox) -> None:
    notifications.mail_settings["bounces_to"] = BOUNCES
    registered(notifications)
    (mail,) = notifications.sends()
    (sender,) = mailbox.senders
    (delivery,) = notifications.deliveries()
    assert sender.startswith("bounces+" + delivery["_id"].replace("-", ""))
    assert sender.endswith("@uso.example")
    assert len(sender.partition("@")[0]) <= 64
    assert mail["From"].addresses[0].addr_spec == "uso@network.example"
    for written in (sender, sender.upper(), f"Delivered-To: {sender}\r\n"):
        assert delivery_in(notifications.secrets, written) == delivery["_id"]


def test_an_address_that_nobody_has_signed_names_nothing(notifications: Notifications) -> None:
    address = bounce_address(notifications.secrets, BOUNCES, new_id())
    other = bounce_address(notifications.secrets, BOUNCES, new_id())
    forged = address[:40] + other[40:]
    assert delivery_in(notifications.secrets, forged) is None
    assert delivery_in(notifications.secrets, "bounces+x@uso.example") is None


def test_a_bounce_in_the_mailbox_is_read_once_and_goes(
    notifications: Notifications, mailbox: Mailbox, folder: Path
) -> None:
    notifications.mail_settings["bounces_to"] = BOUNCES
    _, (aino,), _ = registered(notifications)
    notifications.sends()
    (folder / "new" / "1.host").write_bytes(bounced(mailbox.senders[0], aino["email"]))
    (folder / "new" / "2.host").write_bytes(b"Subject: Olen lomalla\r\n\r\nHei")
    assert read_mailbox(notifications.db, notifications.secrets, folder) is False
    assert notifications.states() == ["bounced"]
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert notifications.db[SUPPRESSIONS.collection].count_documents({"email": aino["email"]}) == 1


def test_a_bounce_that_somebody_forged_changes_nothing(
    notifications: Notifications, mailbox: Mailbox, folder: Path
) -> None:
    notifications.mail_settings["bounces_to"] = BOUNCES
    _, (aino,), _ = registered(notifications)
    (mail,) = notifications.sends()
    sender = mailbox.senders[0].replace("+", "+0", 1).replace("0@", "@")
    (folder / "new" / "1.host").write_bytes(bounced(sender, aino["email"], message_id=mail["Message-ID"]))
    read_mailbox(notifications.db, notifications.secrets, folder)
    assert notifications.states() == ["sent"]
    assert notifications.db[SUPPRESSIONS.collection].count_documents({}) == 0


def test_the_mails_about_a_registration_are_one_conversation(notifications: Notifications) -> None:
    _, _, (mine,) = registered(notifications)
    (mail,) = notifications.sends()
    assert mail["References"] == f"<{mine['id']}@network.example>"


def test_a_mail_is_signed_where_the_operator_gives_a_key(notifications: Notifications, mailbox: Mailbox) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    notifications.mail_settings["dkim_key"] = pem.decode()
    registered(notifications)
    notifications.sends()
    (content,) = mailbox.contents

    def name_server(name: bytes, **_: object) -> bytes:
        assert name == b"uso._domainkey.network.example."
        return b"v=DKIM1; k=rsa; p=" + b64encode(public)

    assert dkim.verify(content, dnsfunc=name_server)
    assert not dkim.verify(content.replace(b"Subject: ", b"Subject: x"), dnsfunc=name_server)


@pytest.mark.parametrize("address", ["bounces+x@uso.example", "bounces", "@uso.example", "x" * 20 + "@uso.example"])
def test_a_mailbox_that_cannot_have_tags_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        no_plus(address)


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        is_dkim_key("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n")
