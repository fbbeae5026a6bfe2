"""Each page in each language and state: axe-core finds nothing, and a person can look at it (`make pages`)."""

from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.events import builders as a
from tests.events.conftest import Events
from tests.pages.scenes import all_scenes, own_path

# The answer holds what is wrong and nothing else: all that is right of a page is a megabyte of JSON.
RUN_AXE = """() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], resultTypes: ["violations"],
}).then(found => found.violations)"""


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with a page."""
    return [
        f"{link['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for link in page.evaluate(RUN_AXE)
        for node in link["nodes"]
    ]


def in_language(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}language={language}"


# Each language on a phone or a desk, in the light or in the dark: three of the ways that readers have.
READERS = [("fi", "light", 390), ("sv", "light", 1200), ("en", "dark", 390)]


@pytest.mark.long
def test_nothing_is_wrong_with_any_page(events: Events, site: str, browser: Browser, screenshots: Path | None) -> None:
    context = browser.new_context(base_url=site, bypass_csp=True)  # axe-core is a script, which our policy forbids
    context.add_init_script(AXE_SCRIPT)
    page = context.new_page()
    page.set_default_timeout(120_000)  # as long as a busy machine needs
    found = {}
    for scenes in ({"empty list": "/public/events"}, all_scenes(events)):
        for language, scheme, width in READERS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 844})
            for name, path in scenes.items():
                page.goto(in_language(path, language))
                found[name, language] = faults(page)
                if page.locator("html").get_attribute("lang") != language:
                    found[name, language].append("not in the language asked for")
                if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                    found[name, language].append("scrolls sideways")
                if screenshots:
                    page.screenshot(path=screenshots / f"{name.replace(' ', '-')}-{language}.png", full_page=True)
    context.close()
    assert {scene: wrong for scene, wrong in found.items() if wrong} == {}


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def tab_to(page: Page, target: Locator, *, at_most: int = 40) -> None:
    """Presses the tabulator key until this has the focus, and sees that each stop on the way is marked."""
    for _ in range(at_most):
        page.keyboard.press("Tab")
        marked = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
        assert page.evaluate(marked), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"not reached: {target}")


def test_one_registers_and_cancels_without_a_mouse(events: Events, reader: BrowserContext) -> None:
    event = events.published(a.webinar(capacity=1, online_capacity=3, participant_list=True))
    page = reader.new_page()
    page.goto(f"/public/events/{event['id']}?language=fi")
    page.keyboard.press("Tab")
    assert focused(page).get_attribute("href") == "#main"  # past the head of the page at once
    page.keyboard.press("Enter")
    for name, text in {"given_name": "Åsa", "family_name": "Öhman", "email": "asa@kommun.example"}.items():
        tab_to(page, page.locator(f"[name='person.{name}']"))
        page.keyboard.type(text)
    tab_to(page, page.locator("[name=mode][value=on_site]"))
    page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_role("button", name="Ilmoittaudu"))
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    [registration] = events.registrations(event)
    assert (registration["person"]["family_name"], registration["mode"]) == ("Öhman", "online")
    page.goto(f"{own_path(events, registration)}?language=fi")
    tab_to(page, page.locator("summary").last)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Peru ilmoittautuminen"))
    page.keyboard.press("Space")
    page.get_by_role("status").wait_for()
    assert events.registration(registration)["state"] == "cancelled"
