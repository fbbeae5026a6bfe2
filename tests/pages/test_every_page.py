"""Each page in each language and state: axe-core finds nothing, and a person can look at it (`make pages`)."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.events.conftest import Events
from tests.pages.scenes import all_scenes

AXE = Axe()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with a page."""
    found = AXE.run(page, options=RULES).response["violations"]
    return [
        f"{link['id']}: {node['html'][:200]} {node['failureSummary'][:300]}" for link in found for node in link["nodes"]
    ]


def in_language(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}language={language}"


# Each language on a phone or a desk, in the light or in the dark: three of the ways that readers have.
READERS = [("fi", "light", 390), ("sv", "light", 1200), ("en", "dark", 390)]


def test_nothing_is_wrong_with_any_page(events: Events, site: str, browser: Browser, screenshots: Path | None) -> None:
    page = browser.new_page(base_url=site, bypass_csp=True)  # axe-core is a script, which our policy forbids
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
    page.close()
    assert {scene: wrong for scene, wrong in found.items() if wrong} == {}
