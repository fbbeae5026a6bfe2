"""A text that is filled in for each recipient has the bytes of one that is rendered for each of them."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.notifications.templates import skeletons as module
from services.notifications.templates.context import CONTEXT, example_context
from services.notifications.templates.defaults import default_templates
from services.notifications.templates.errors import CannotRender
from services.notifications.templates.rendering import CompiledTemplate, compile_template, render
from services.notifications.templates.skeletons import Skeletons
from services.notifications.templates.written import WrittenText, written_plainly

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

NASTY = [
    *("Aino", "Ai'no", 'A"no', "<b>Aino</b>", "Aino & Co", "*Aino*", "_a_", "1. Aino", "2023", "# x", "- x", "a\nb"),
    *(
        "[a](https://evil.example)",
        "https://evil.example",
        "&amp;",
        "amp",
        "A&ouml;",
        "a\\",
        "\\",
        "`x`",
        "> x",
        " Aino ",
    ),
    *(
        "Åsa-Märta O’Neil",
        "李小龍",
        "Aino\u2028Ö",
        "a\u00a0b",
        "ﬁ",
        "é",
        "🎉",
        "A🎉",
        "\ud800",
        "A\ud800B",
        "",
    ),
    *(
        "qz0holex",
        "A" * 80,
        "ö" * 120,
        "=20",
        "Aino=",
        "A.",
        ".",
        "a\tb",
        "~",
        "^",
        "x\u200by",
        "{{ x }}",
        "!",
        "x" * 299,
    ),
]
NAMES = st.one_of(st.sampled_from(NASTY), st.text(max_size=60), st.text(st.characters(categories=["L"]), min_size=1))
GIVEN, ORG, FAMILY = "{{ contact.given_name }}", "{{ organisation.name }}", "{{ contact.family_name }}"
LINK, SHOWN = "[Avaa]({{ registration.manage_url }})", "{{ registration.manage_url }}"
PIECES = [
    *(
        "Hei ",
        GIVEN,
        ",\n\n",
        f"**{GIVEN}**",
        f"- **Organisaatio:** {ORG}\n",
        f"*{FAMILY}*\n",
        "sana ",
        "&",
        ";",
        "*",
        "_",
    ),
    *(LINK, SHOWN, f"<{SHOWN}>", "\n", "\n\n", "1", ". ", "# ", "[", "](https://a.example)", "ä" * 40, " ", "*", "_"),
    *("{% if organisation.name %}\n", "{% endif %}\n", "{{ contact.given_name | upper }}", "{{ event.title }}", "("),
    *("{% if contact.given_name == 'Aino' %}x{% endif %}", ")", "https://", f"{GIVEN} {FAMILY}", "= ", "\\", "."),
]
SUBJECTS = st.sampled_from(["Aihe", " ", GIVEN, ORG, "{{ event.title }}", "'", "&", "\n"])
TOKEN = "InfMEwYHKoZIzj0CAQ"
TOKENS = st.text("abcXYZ019-_.", min_size=20, max_size=80)


def both(text: CompiledTemplate, context: dict[str, Any], skeletons: Skeletons) -> tuple[Any, Any]:
    links = [
        context["registration"]["manage_url"],
        context["preferences_url"],
        context["invitation"]["url"],
        context["certificate"]["url"],
    ]

    def plain() -> WrittenText:
        return written_plainly(render(text, context), links)

    return outcome(plain), outcome(lambda: skeletons.write(text, context))


def outcome(action: Any) -> Any:
    try:
        return action()
    except CannotRender as error:
        return str(error)


def context_of(key: str, given: str, family: str, organisation: str | None, token: str, event: str) -> dict[str, Any]:
    context = example_context(key, "fi")
    context["contact"] = {"given_name": given, "family_name": family}
    context["organisation"] = {"name": organisation}
    context["registration"] = {"position": None, "manage_url": f"https://events.example/public/registrations/{token}"}
    context["invitation"] = {"url": "https://events.example/public/invitations/QWERTYUIOPASDFGHJKLZ"}
    context["certificate"] = {"url": f"https://events.example/public/registrations/{token}/certificate.pdf"}
    context["preferences_url"] = f"https://notifications.example/public/preferences/{token[::-1]}"
    if "event" in context:
        context["event"]["title"] = event
    return context


@pytest.mark.parametrize("key", sorted(CONTEXT))
@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_packaged_text_is_shared_and_comes_out_the_same(key: str, language: str) -> None:
    text = compile_template(key, *default_templates()[key, language])
    assert text.holes.fixed
    skeletons = Skeletons()
    for name in NASTY if language == "fi" else NASTY[:3]:
        context = context_of(key, name, name, name or None, "tok-en_1.2" * 3, "Tilannekuva")
        plain, quick = both(text, context, skeletons)
        assert plain == quick


@settings(max_examples=100)
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=12),
    subject=st.lists(
        st.sampled_from(["Aihe", " ", GIVEN, ORG, "{{ event.title }}", "'", "&", "\n"]), min_size=1, max_size=4
    ),
    people=st.lists(st.tuples(NAMES, NAMES, st.one_of(st.none(), NAMES), TOKENS), min_size=2, max_size=4),
    event=NAMES,
)
@example(
    pieces=["&", GIVEN, ";"],
    subject=["Aihe"],
    people=[("Aino", "A", None, TOKEN), ("amp", "B", None, TOKEN)],
    event="E",
)
@example(
    pieces=["Hei ", GIVEN, "."],
    subject=[GIVEN],
    people=[("Ai'no", "A", None, TOKEN), ('"a', "B", "C", TOKEN)],
    event="E",
)
@example(
    pieces=["x", GIVEN, ". "], subject=["Aihe"], people=[("A", "A", None, TOKEN), ("2023", "B", None, TOKEN)], event="E"
)
def test_any_text_comes_out_the_same_for_any_names(
    pieces: list[str], subject: list[str], people: list[tuple[str, str, str | None, str]], event: str
) -> None:
    body = "".join(pieces)
    try:
        text = compile_template("registration_confirmed", "".join(subject), body)
    except Exception:  # noqa: BLE001 - not every pile of pieces is a text
        return
    skeletons = Skeletons()
    for given_name, family, organisation, token in people:
        context = context_of("registration_confirmed", given_name, family, organisation, token, event)
        plain, quick = both(text, context, skeletons)
        assert plain == quick


def test_a_shared_text_is_rendered_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    usual = module.render

    def counted(text: CompiledTemplate, context: Any) -> Any:
        rendered.append(text.key)
        return usual(text, context)

    monkeypatch.setattr(module, "render", counted)
    text = compile_template("registration_confirmed", *default_templates()["registration_confirmed", "fi"])
    shared = Skeletons()
    for number in range(50):
        context = context_of(
            "registration_confirmed", f"Aino{'abcdefghij'[number % 10]}", "Öhman", None, f"t{number}", "T"
        )
        assert f"Hei Aino{'abcdefghij'[number % 10]}" in shared.write(text, context).kept_text
    assert rendered == ["registration_confirmed"]
