"""SMTP_URL and its neighbours."""

import pytest
from environs import Env

from services.notifications.settings import SmtpServer, parse_smtp_url, read_mail_settings


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:1025", SmtpServer(host="127.0.0.1", port=1025)),
        ("smtps://mail.example", SmtpServer(host="mail.example", port=465, tls=True)),
        (
            "smtp://us%40er:p%3Ass@mail.example:587?starttls",
            SmtpServer(host="mail.example", port=587, user="us@er", password="p:ss", starttls=True),
        ),
    ],
)
def test_an_smtp_url_says_where_and_how(url: str, server: SmtpServer) -> None:
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url", ["mail.example:25", "http://mail.example", "smtp://mail.example:x", "smtps://m?starttls", "smtp://u:p@m"]
)
def test_a_wrong_smtp_url_stops_the_process_with_a_sentence_that_names_it(url: str, monkeypatch) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    with pytest.raises(SystemExit, match="SMTP_URL"):
        read_mail_settings(Env())


def test_the_domain_is_the_senders_unless_it_is_given(monkeypatch) -> None:
    monkeypatch.setenv("SMTP_URL", "smtp://127.0.0.1:25")
    monkeypatch.setenv("MAIL_FROM", "Verkosto <posti@verkosto.example>")
    monkeypatch.delenv("MAIL_DOMAIN", raising=False)
    assert read_mail_settings(Env()).domain == "verkosto.example"
    monkeypatch.setenv("MAIL_DOMAIN", "mail.verkosto.example")
    assert read_mail_settings(Env()).domain == "mail.verkosto.example"
