"""Rendering: values stay values, mistakes are found when a text is saved, and nothing hangs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.templates.context import example_context
from services.notifications.templates.errors import BadSyntax, CannotRender, UnknownPlaceholders
from services.notifications.templates.rendering import compile_template, render

KEY = "event_changed"


def rendered(body: str, *, key: str = KEY, subject: str = "Aihe", **changes):
    context = example_context(key, "fi")
    for group, values in changes.items():
        context[group] = {**context[group], **values} if isinstance(values, dict) else values
    return render(compile_template(key, subject, body), context)


@pytest.mark.parametrize(
    "name",
    [
        "<b>Åsa</b> [x](http://evil)",
        "![x](http://evil/a.png)",
        "<http://evil.example>",
        "# Åsa",
        "1. Åsa",
        "**Åsa** _Åsa_ `Åsa`",
        "Åsa\n\n# otsikko",
        "&lt;b&gt; &amp;",
        "{{ event.title }}{% raw %}",
        "a\\",
    ],
)
def test_a_name_never_becomes_markup(name) -> None:
    mail = rendered("Hei {{ contact.given_name }}!", contact={"given_name": name})
    body = mail.html.partition("max-width")[2]
    assert all(tag not in body for tag in ("<b>", "<a ", "<img", "<h1", "<ol", "<em", "<strong", "<code"))
    assert mail.text.partition("\n\n———\n")[0] == f"Hei {' '.join(name.split())}!"


@given(st.text(max_size=60))
def test_any_name_comes_out_on_one_line_of_a_subject(name) -> None:
    mail = rendered("x", subject="Hei {{ contact.given_name }}", contact={"given_name": f"{name}\r\nBcc: a@b.example"})
    assert len(mail.subject.splitlines()) == 1
    assert mail.subject.endswith("Bcc: a@b.example")


def test_a_link_is_shown_in_the_plain_text() -> None:
    mail = rendered("Voit [perua]({{ registration.manage_url }}) vielä.")
    assert "perua (https://events.example/public/registrations/example)" in mail.text
    assert '<a href="https://events.example/public/registrations/example">perua</a>' in mail.html


def test_a_link_that_runs_code_is_none() -> None:
    mail = rendered("[perua]({{ registration.manage_url }})", registration={"manage_url": "javascript:alert(1)"})
    assert "<a " not in mail.html


def test_an_announcement_has_its_own_markdown_and_no_html() -> None:
    text = "**Tärkeää** <script>alert(1)</script> [x](javascript:alert(1))\n\n- [USO](https://uso.example/)"
    mail = rendered("{{ announcement.body }}", key="announcement", announcement={"body": text})
    assert "<strong>Tärkeää</strong>" in mail.html
    assert '<a href="https://uso.example/">USO</a>' in mail.html
    assert "<script" not in mail.html
    assert "javascript:" not in mail.html.replace("[x](javascript:alert(1))", "")


def test_an_unknown_placeholder_is_named_with_its_line_and_those_that_there_are() -> None:
    with pytest.raises(UnknownPlaceholders) as caught:
        compile_template(KEY, "{{ event.whne }}", "Hei\n{% if season.name %}{{ contact.email }}{% endif %}")
    found = [(placeholder.field, placeholder.placeholder, placeholder.line) for placeholder in caught.value.unknown]
    assert found == [("subject", "event.whne", 1), ("body", "season.name", 2), ("body", "contact.email", 2)]
    assert "event.when" in caught.value.unknown[0].known
    assert list(caught.value.errors) == ["subject", "body"]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("\n{% if event.venue %}", 2),
        ("\n\n{{ event.title", 3),
        ("{% for a in range(10) %}{% endfor %}", 1),
        ("{% macro a() %}{% endmacro %}", 1),
        ("{% set a = 1 %}", 1),
        ("{% include 'a' %}", 1),
        ("{{ 10 ** 1000000 }}", 1),
        ("{{ 'a' * 1000000000 }}", 1),
        ("{{ ''.__class__ }}", 1),
        ("{{ (event.title | upper).__class__ }}", 1),
        ("{{ event.title.format() }}", 1),
        ("{{ event.title | center(1000000000) }}", 1),
        ("{% for a in change.what %}{% for b in change.what %}{% endfor %}{% endfor %}", 1),
        ("(" * 3 + "{{ " + "(" * 5000, 1),
        ("a" * 20_001, 1),
    ],
)
def test_what_texts_must_not_use_is_refused_with_the_line(body, line) -> None:
    with pytest.raises(BadSyntax) as caught:
        compile_template(KEY, "Aihe", body)
    assert caught.value.line == line
    assert list(caught.value.errors) == ["body"]


def test_a_mail_that_comes_out_too_long_is_refused() -> None:
    with pytest.raises(CannotRender):
        rendered("{{ event.description }}" * 500, event={"description": "a" * 20_000})


@pytest.mark.parametrize("text", ["[" * 90_000, "*a **a " * 2_800, "![a](" * 4_000])
def test_marks_that_take_the_parser_for_ever_are_refused(text) -> None:
    with pytest.raises(CannotRender, match="1000 brackets"):
        rendered("{{ announcement.body }}", key="announcement", announcement={"body": text})


@pytest.mark.parametrize("text", [">" * 20_000, "- " * 10_000, "[a](https://a.example) " * 200])
@pytest.mark.timeout(60)
def test_no_text_takes_for_ever(text) -> None:
    assert rendered("{{ announcement.body }}", key="announcement", announcement={"body": text}).html


def test_a_required_fact_that_is_missing_is_told() -> None:
    with pytest.raises(CannotRender):
        render(compile_template(KEY, "Aihe", "{{ event.title }}"), {"language": "fi"})
