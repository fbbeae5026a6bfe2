"""What mail programs need of the HTML: Outlook for Windows, Gmail's limit, the line beside the subject, dark mode."""

import re
from html.parser import HTMLParser

import pytest

from services.notifications.templates.context import CONTEXT, example_context
from services.notifications.templates.defaults import default_templates
from services.notifications.templates.rendering import Rendered, compile_template, render

# Gmail cuts a longer HTML part off, and the foot with it.
GMAIL_LIMIT_BYTES = 102 * 1024
# As long as the services let them be.
LONGEST_TITLE, LONGEST_DESCRIPTION, LONGEST_ANNOUNCEMENT = 200, 20_000, 20_000
LANGUAGES = ("fi", "sv", "en")
EMPTY = {"meta", "br", "hr", "img", "link", "input"}


class Balanced(HTMLParser):
    """Fails for an element that is not closed, or closed twice: Outlook draws what follows as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def mail_of(key: str, language: str = "fi", **changes) -> Rendered:
    context = example_context(key, language)
    for group, values in changes.items():
        context[group] = {**context[group], **values}
    return render(compile_template(key, *default_templates()[key, language]), context)


def parsed(html: str) -> Balanced:
    page = Balanced()
    page.feed(html)
    assert page.open == []
    return page


@pytest.mark.parametrize("key", sorted(CONTEXT))
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_has_the_structure_that_mail_programs_draw(key, language) -> None:
    html = mail_of(key, language).html
    page = parsed(html)
    tables = [attributes for tag, attributes in page.seen if tag == "table"]
    assert all(attributes.get("role") == "presentation" for attributes in tables), "screen readers skip such tables"
    assert not {"script", "img", "form", "link"} & {tag for tag, _ in page.seen}
    # Outlook for Windows knows neither max-width nor margins of tables: its own table has a fixed width.
    opened, closed = html.count("<!--[if mso]>"), html.count("<![endif]-->")
    assert opened == closed == 3
    assert '<table role="presentation" width="600"' in html
    assert "prefers-color-scheme: dark" in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert max(len(line) for line in html.split("\n")) < 1000


@pytest.mark.parametrize("key", sorted(CONTEXT))
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_foot_says_why_the_reader_got_it(key, language) -> None:
    begins = {
        "fi": "Saat tämän viestin, koska ",
        "sv": "Du får det här meddelandet ",
        "en": "You get this message because ",
    }
    mail = mail_of(key, language)
    foot = mail.text.rstrip("\n").rpartition("———\n")[2]
    assert foot.startswith(begins[language])
    assert foot in mail.html


def test_the_line_beside_the_subject_is_what_follows_the_greeting() -> None:
    html = mail_of("registration_confirmed", "en").html
    hidden = re.search(r'<div style="display: none;[^>]*>\n(.*)\n</div>', html)
    assert hidden
    assert hidden[1] == "Thank you for registering! Your place is confirmed."


def test_a_link_by_itself_is_a_button_whose_cell_outlook_draws() -> None:
    html = mail_of("invitation", "en").html
    button = re.search(r'<td class="button" bgcolor="#[0-9a-f]{6}" style="[^"]*padding[^"]*">\n(.*)\n</td>', html)
    assert button
    assert 'href="https://events.example/public/invitations/example"' in button[1]
    assert button[1].endswith(">Answer the invitation</a>")
    assert mail_of("invitation", "en").text.count("Answer the invitation: https://") == 1


def test_a_link_within_a_sentence_stays_a_link() -> None:
    html = mail_of("registration_confirmed", "en").html
    assert "please <a href=" in html
    assert 'class="button"' not in html


@pytest.mark.parametrize("key", sorted(CONTEXT))
def test_the_longest_mail_is_not_cut_off(key) -> None:
    changes = {}
    if "event" in example_context(key, "fi"):
        title, text = "Öljy & vesi " * (LONGEST_TITLE // 12), 'Öljyä, vettä & "muuta".\n' * (LONGEST_DESCRIPTION // 24)
        changes["event"] = {"title": title, "description": text, "venue": title}
    if key == "announcement":
        changes["announcement"] = {"body": "Öljyä, **vettä** & muuta.\n\n" * (LONGEST_ANNOUNCEMENT // 27)}
    assert len(mail_of(key, **changes).html.encode()) < GMAIL_LIMIT_BYTES
