"""The check-in page in a browser: the list, the camera, and a door without a network."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, expect

from tests.events import builders as a
from tests.events.conftest import Events, Json
from tests.support import wait_for

# A phone that can read codes: what its camera sees is in `window.code`.
READS_CODES = """
window.BarcodeDetector = class { async detect() { return window.code ? [{ rawValue: window.code }] : []; } };
navigator.mediaDevices.getUserMedia = async () => new MediaStream();
HTMLMediaElement.prototype.play = async () => {};
"""


def door_of(events: Events, event: Json) -> str:
    url = str(events.client.post(f"/v1/events/{event['id']}/door-links").json["url"])
    return url[url.index("/public/") :]


def is_there(events: Events, registration: Json) -> bool:
    return bool(events.registration(registration)["state"] == "attended")


def test_one_taps_names_while_there_is_no_network_and_they_count_later(events: Events, reader: BrowserContext) -> None:
    event = events.published(a.webinar())
    first, second = (events.registered(event, person=a.person(number)) for number in (1, 2))
    page = reader.new_page()
    page.goto(f"{door_of(events, event)}?language=en")
    reader.set_offline(True)
    for name in ("Aino1", "Aino2"):
        page.get_by_role("button", name=name).click()
    expect(page.locator("[data-state]").first).to_have_text("Waits for the network")
    expect(page.get_by_role("status")).to_contain_text("There is no network")
    assert not is_there(events, first)
    reader.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    wait_for(lambda: is_there(events, first) and is_there(events, second))
    expect(page.locator("[data-state]").first).to_have_text("Has come")
    assert page.evaluate("localStorage.getItem('scans ' + location.pathname)") == "[]"


def test_the_camera_reads_the_code_of_the_registration_once(events: Events, reader: BrowserContext) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person())
    reader.add_init_script(READS_CODES)
    page = reader.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.goto(f"{door_of(events, event)}?language=en")
    page.get_by_role("button", name="Read the code").click()
    page.evaluate(f"window.code = '{registration['id']}'")
    wait_for(lambda: is_there(events, registration))
    expect(page.get_by_role("status")).to_contain_text("Meriläinen Aino1: Has come")
    # The policy allows all that the script does (and refuses the empty icon, as on every page).
    assert [text for text in refused if "'data:,'" not in text] == []


def test_without_a_camera_and_without_scripts_there_is_a_list_to_tap(
    events: Events, browser: Browser, site: str
) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person())
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{door_of(events, event)}?language=en")
    expect(page.locator("#camera")).to_be_hidden()
    page.get_by_role("button", name="Has come").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert is_there(events, registration)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Has come")).to_be_visible()
    assert not is_there(events, registration)
    context.close()


def test_the_door_finds_people_by_name_and_no_others(events: Events) -> None:
    event = events.published(a.webinar())
    path = door_of(events, event)
    for number in (1, 2):
        events.registered(event, person=a.person(number))

    def names(**query: Any) -> list[str]:
        found = events.client.get(path, role=None, query_string=query).json["people"]
        return [person["given_name"] for person in found]

    assert names() == ["Aino1", "Aino2"]
    assert names(q="aino2") == ["Aino2"]
    assert names(q="mer") == ["Aino1", "Aino2"]
    assert names(q="Virtanen") == []


def test_a_doors_link_opens_its_own_event_only(events: Events) -> None:
    event, other = events.published(a.webinar()), events.published(a.webinar())
    registration = events.registered(other, person=a.person())
    body = {"registration_id": registration["id"], "to": "attended"}
    assert events.client.post(door_of(events, event), json=body, role=None).status_code == 404
    scan = {"id": registration["id"], "code": registration["id"], "at": event["starts_at"]}
    path = f"{door_of(events, event)}/check-ins"
    [outcome] = events.client.post(path, json={"check_ins": [scan]}, role=None).json["check_ins"]
    assert outcome["outcome"] == "refused"
    assert events.client.post(f"/v1/events/{event['id']}/door-links", role="viewer").status_code == 403
    assert events.client.get("/public/doors/nonsense", role=None).status_code == 404
