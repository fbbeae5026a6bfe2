"""The texts that come with the software."""

import re

import pytest

from services.notifications.templates.context import CONTEXT, bare_context, example_context
from services.notifications.templates.defaults import default_templates, in_language
from services.notifications.templates.rendering import compile_template, render

LANGUAGES = ("fi", "sv", "en")
OPTIONAL_MAIL = {"announcement", "event_reminder", "feedback_request"}
ALL = [(key, language) for key in CONTEXT for language in LANGUAGES]
GROUPS = {placeholder.name.split(".")[0] for key in CONTEXT for placeholder in CONTEXT[key] if "." in placeholder.name}
PATH = re.compile(rf"\b(?:{'|'.join(sorted(GROUPS))})\.\w+")


def placeholders(key: str, language: str) -> set[str]:
    text = "".join(default_templates()[key, language])
    return set(PATH.findall(text)) | ({"preferences_url"} if "preferences_url" in text else set())


def test_there_are_twenty_four_texts_in_three_languages() -> None:
    assert sorted(default_templates()) == sorted(ALL)
    assert len(ALL) == 72


@pytest.mark.parametrize(("key", "language"), ALL)
@pytest.mark.parametrize("render_context", [example_context, bare_context])
def test_a_text_can_be_rendered_with_all_values_and_with_the_fewest(key, language, render_context) -> None:
    rendered = render(compile_template(key, *default_templates()[key, language]), render_context(key, language))
    whole = rendered.subject + rendered.text + rendered.html
    assert not re.search(r"\{\{|\{%|None|\*\*|\\", whole)
    assert f'lang="{language}"' in rendered.html
    assert "\n\n\n" not in rendered.text


@pytest.mark.parametrize("key", CONTEXT)
def test_the_three_languages_say_the_same(key) -> None:
    finnish, swedish, english = (placeholders(key, language) for language in LANGUAGES)
    assert finnish == swedish == english


@pytest.mark.parametrize("key", CONTEXT)
def test_only_mail_that_may_be_declined_says_how(key) -> None:
    assert ("preferences_url" in placeholders(key, "fi")) == (key in OPTIONAL_MAIL)


@pytest.mark.parametrize("key", ["registration_waitlisted", "registration_cancelled", "event_cancelled"])
def test_the_online_link_is_for_those_with_a_place(key) -> None:
    assert "event.online_url" not in {placeholder.name for placeholder in CONTEXT[key]}


def test_a_confirmation_says_when_where_and_how_to_cancel() -> None:
    key, language = "registration_confirmed", "fi"
    text = render(compile_template(key, *default_templates()[key, language]), example_context(key, language)).text
    for fact in ("to 1.12.2022 klo 14.00–15.00", "Kuntatalo", "https://meet.example/", "Kalenterikutsu", "peru"):
        assert fact in text


def test_a_text_is_picked_in_the_wanted_language_or_the_next_best() -> None:
    texts = {"sv": "Lägesbild", "en": "Situation"}
    assert [in_language(texts, language) for language in LANGUAGES] == ["Lägesbild", "Lägesbild", "Situation"]
    assert in_language({"fi": "", "sv": "Lägesbild"}, "fi") == "Lägesbild"
    assert [in_language(nothing, "fi") for nothing in ({}, None, "")] == ["", "", ""]
    assert in_language("Kuntatalo", "sv") == "Kuntatalo"
