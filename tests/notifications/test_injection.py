"""Whatever stands in a name, a title or a text: a mail has the headers, recipients and elements that are meant."""

import re
from html.parser import HTMLParser

import pytest

from services.notifications.templates.context import example_context
from services.notifications.templates.errors import BadSyntax, UnknownPlaceholders
from services.notifications.templates.rendering import compile_template, render
from tests.notifications import builders as a
from tests.notifications.payloads import HEADERS, MARKUP, TEMPLATES

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td"),
    *("p", "a", "ul", "ol", "li", "strong", "em", "br", "hr", "h1", "h2", "h3", "blockquote"),
}
SCHEMES = ("https://", "http://", "mailto:")
HEADER_NAMES = [
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"),
    *("Content-Language", "References", "MIME-Version", "Content-Type"),
]


class Page(HTMLParser):
    """The elements, attributes and addresses of an HTML document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src", "action", "background")]


def is_harmless(html: str) -> bool:
    page = Page(html)
    return (
        page.elements <= ELEMENTS
        and not any(name.startswith("on") for name in page.attributes)
        and all(link.startswith(SCHEMES) for link in page.links)
    )


@pytest.mark.parametrize("payload", TEMPLATES)
@pytest.mark.parametrize("place", ["subject", "body"])
def test_a_text_that_reaches_for_more_is_not_saved(payload, place) -> None:
    parts = {"subject": "Aihe", "body": "Hei"} | {place: f"Hei {payload}"}
    with pytest.raises((BadSyntax, UnknownPlaceholders)):
        compile_template("registration_confirmed", parts["subject"], parts["body"])


def test_a_text_that_reaches_for_more_is_422_over_http(notifications) -> None:
    path = "/v1/templates/registration_confirmed/fi"
    etag = notifications.client.get(path).headers["ETag"]
    for payload in TEMPLATES:
        body = {"subject": "Aihe", "body": f"Hei {payload}"}
        answer = notifications.client.put(path, json=body, headers={"If-Match": etag})
        assert answer.status_code == 422, payload
    assert notifications.client.get(path).headers["ETag"] == etag


@pytest.mark.parametrize("payload", [*MARKUP, *HEADERS, *TEMPLATES])
def test_a_value_stays_a_value(payload) -> None:
    context = example_context("registration_confirmed", "fi")
    context["contact"] = {"given_name": payload, "family_name": payload}
    context["organisation"] = {"name": payload}
    context["event"] |= {"title": payload, "venue": payload, "description": payload, "online_url": None}
    text = compile_template(
        "registration_confirmed",
        "{{ contact.given_name }} {{ event.title }}",
        "{{ contact.given_name }}\n\n{{ event.title }}\n\n{{ event.description }}\n\n*{{ organisation.name }}*",
    )
    mail = render(text, context)
    assert is_harmless(mail.html)
    assert Page(mail.html).links == []
    assert len(mail.subject.splitlines()) == 1
    assert mail.html.count("</html>") == 1


@pytest.mark.parametrize("payload", [*MARKUP, *HEADERS])
def test_an_announcement_brings_markdown_and_nothing_else(payload) -> None:
    context = example_context("announcement", "fi")
    context["announcement"]["body"] = f"Hei\n\n{payload}\n\n- {payload}\n\n> {payload}"
    text = compile_template("announcement", "{{ announcement.subject }}", "{{ announcement.body }}")
    assert is_harmless(render(text, context).html)


def test_mails_to_odd_names_about_odd_events_have_the_usual_headers_and_one_recipient(notifications, mailbox) -> None:
    people = [a.contact(given_name=payload[:150], family_name="Öh") for payload in [*HEADERS, *MARKUP]]
    events = [a.event(title={"fi": payload}, venue={"fi": payload}) for payload in HEADERS]
    registrations = [a.registration(events[number % len(events)], who) for number, who in enumerate(people)]
    notifications.hears(
        [*a.known(a.CONTACTS, *people), *a.known(a.EVENTS, *events)],
        [a.came(a.REGISTRATIONS, "registration.created", registration) for registration in registrations],
    )
    notifications.sends()
    assert sorted(mailbox.recipients) == sorted(who["email"] for who in people)
    for mail, content, recipient in zip(mailbox.mails, mailbox.contents, mailbox.recipients, strict=True):
        assert mail.keys() == HEADER_NAMES
        assert [to.addr_spec for to in mail["To"].addresses] == [recipient]
        head, _, body = content.partition(b"\r\n\r\n")
        assert not re.search(rb"^(bcc|cc):", head, re.IGNORECASE | re.MULTILINE)
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", content)
        assert b"\r\n.\r\n" not in body
        assert is_harmless(mail.get_body(("html",)).get_content())
