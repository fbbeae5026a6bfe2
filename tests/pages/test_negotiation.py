"""The same addresses answer JSON to programs and HTML to browsers; forms do what JSON does."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.events.public.pages import WORDS
from shared.pages import blueprint
from shared.pages.words import Words
from tests.events import builders as a
from tests.events.conftest import Events, Json
from tests.pages.scenes import all_scenes, own_path

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def browse(events: Events, path: str, **options: Any) -> Any:
    headers = {"Accept": BROWSER} | options.pop("headers", {})
    return events.client.call(options.pop("method", "GET"), path, role=None, headers=headers, **options)


def send(events: Events, path: str, **fields: str) -> Any:
    return browse(events, path, method="POST", data={name.replace("__", "."): text for name, text in fields.items()})


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (BROWSER, "text/html"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (None, "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
    ],
)
def test_a_browser_gets_a_page_and_a_program_gets_json(events: Events, accept: str | None, media: str) -> None:
    event = events.published(a.webinar())
    for path in ("/public/events", f"/public/events/{event['id']}"):
        answer = events.client.get(path, role=None, headers={"Accept": accept} if accept else {})
        assert (answer.status_code, answer.mimetype) == (200, media)
        assert {"Accept", "Accept-Language"} <= {name.strip() for name in answer.headers["Vary"].split(",")}


def test_a_page_runs_no_script_and_tells_nobody_its_address(events: Events) -> None:
    answer = browse(events, "/public/events")
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<script|style=|\son\w+=|https?://", answer.text)
    style = browse(events, re.search(r'href="(/public/assets/[^"]+)"', answer.text)[1])  # type: ignore[index]
    assert (style.mimetype, "immutable" in style.headers["Cache-Control"]) == ("text/css", True)
    assert "url(" not in style.text
    assert "@import" not in style.text


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [("", "sv-FI,sv;q=0.9", "sv"), ("", "de", "fi"), ("?language=en", "sv", "en"), ("?language=xx", "sv", "sv")],
)
def test_the_reader_chooses_the_language(events: Events, query: str, accepted: str, language: str) -> None:
    answer = browse(events, f"/public/events{query}", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["Content-Language"] == language


def test_what_strangers_and_staff_write_stays_text(events: Events) -> None:
    event = events.published(a.webinar(title={"fi": "<b>Kutsu</b>"}, description={"fi": "<script>x()</script>"}))
    text = browse(events, f"/public/events/{event['id']}").text
    assert "<b>" not in text
    assert "<script" not in text


def test_a_form_registers_as_json_does_and_shows_the_same_page_to_everybody(events: Events) -> None:
    event = events.published(a.webinar())
    pages = []
    for _ in range(2):
        sent = send(
            events,
            f"/public/events/{event['id']}/registrations?language=sv",
            person__given_name="Åsa",
            person__family_name="Öhman",
            person__email="asa.ohman@kommun.example",
            person__organisation="",
            person__language="sv",
        )
        assert (sent.status_code, sent.mimetype) == (303, "text/html")
        pages.append(browse(events, sent.headers["Location"]).text)
    assert pages[0] == pages[1]
    assert "Kontrollera ännu din e-post" in pages[0]
    [registration] = events.registrations(event)
    assert registration["person"]["family_name"] == "Öhman"
    assert "organisation" not in registration["person"]


def test_a_form_with_faults_comes_back_as_it_was_sent_and_says_what_to_do(events: Events) -> None:
    event = events.published(a.webinar())
    path = f"/public/events/{event['id']}/registrations?language=fi"
    sent = send(events, path, person__given_name="www.voita.example", person__email="ei osoite")
    assert sent.status_code == 422
    assert "Virhe:" in sent.text
    assert "Täytä tämä kohta." in sent.text
    assert "Kirjoita ilman verkko-osoitetta" in sent.text
    assert "Tarkista sähköpostiosoite" in sent.text
    assert 'value="www.voita.example"' in sent.text
    assert events.registrations(event) == []


def seated(events: Events, **changes: Any) -> tuple[Json, str]:
    registration = events.registered(events.published(a.webinar(**changes)), person=a.person())
    return registration, own_path(events, registration)


def test_every_page_is_there_in_every_language(events: Events) -> None:
    for name, path in all_scenes(events).items():
        for language in ("fi", "sv", "en"):
            answer = browse(events, f"{path}{'&' if '?' in path else '?'}language={language}")
            assert (name, answer.status_code) == (name, 404 if name == "no such event" else 200)
            assert f'<html lang="{language}">' in answer.text


def test_nothing_changes_on_get(events: Events) -> None:
    registration, path = seated(events)
    before = events.registration(registration)
    for query in ("", "?to=cancelled", "?done=cancelled", "?score=5"):
        assert browse(events, path + query).status_code == 200
    assert events.registration(registration) == before


def test_one_cancels_by_the_page_and_sees_that_it_is_done(events: Events) -> None:
    registration, path = seated(events)
    assert "Avboka" in browse(events, path).text  # in the language of the registration
    sent = send(events, path, to="cancelled")
    assert sent.status_code == 303
    assert "Din anmälan är avbokad" in browse(events, sent.headers["Location"]).text
    assert events.registration(registration)["state"] == "cancelled"


def test_one_gives_feedback_by_the_page(events: Events) -> None:
    registration, path = seated(events)
    events.turned(registration, "attended")
    assert send(events, f"{path}/feedback", comment="Tack").status_code == 422
    sent = browse(events, f"{path}/feedback", method="POST", data={"score:int": "4", "comment": "Tack"})
    assert sent.status_code == 303
    assert events.registration(registration)["feedback"] == {"score": 4, "comment": "Tack"}


def test_what_is_too_late_is_said_on_the_page(events: Events) -> None:
    registration, path = seated(events, cancel_until="P60D")
    assert "<form" not in browse(events, path).text
    answer = send(events, path, to="cancelled")
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert events.registration(registration)["state"] == "confirmed"


@pytest.mark.parametrize("path", ["/public/registrations/nonsense", "/public/events/nothing"])
def test_a_link_that_was_cut_leads_to_a_page(events: Events, path: str) -> None:
    answer = browse(events, f"{path}?language=en")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is no such page" in answer.text


def test_forms_are_taken_by_public_views_only(events: Events) -> None:
    answer = events.client.post("/v1/events", data={"kind": "webinar"})
    assert answer.status_code == 415


def test_each_language_has_all_the_words() -> None:
    words = Words(blueprint.HERE / "words", WORDS)
    assert words.keys("fi") == words.keys("sv") == words.keys("en")


def test_no_template_asks_for_words_that_there_are_not() -> None:
    words = Words(blueprint.HERE / "words", WORDS).keys("fi")
    folders = (blueprint.HERE / "templates", WORDS.parent / "templates")
    texts = [path.read_text() for folder in folders for path in Path(folder).rglob("*.html")]
    asked = {key for text in texts for key in re.findall(r"\bt\([\"']([\w.]+)[\"'](?! ~)", text)}
    assert asked - words == set()
