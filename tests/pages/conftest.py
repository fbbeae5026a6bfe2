"""The events service's pages in a real browser: Chromium by Playwright, on the app itself, without a stack."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from werkzeug.serving import make_server

from services.events.app import SERVICE
from shared.http.limits import Bucket
from shared.secrets import Secrets
from shared.service import Service
from shared.settings import Settings
from tests.events.conftest import Events
from tests.support import Client

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: `make chromium` installs Debian's")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def events(db_for: Callable, settings_for: Callable[..., Settings], client_of: Callable[[Service], Client]) -> Events:
    settings = settings_for("events")
    secrets = Secrets(sealing_keys=settings.sealing_keys, signing_keys=settings.signing_keys)
    return Events(db_for("events"), secrets, client_of(SERVICE))


@pytest.fixture
def site(events: Events, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address at which the service runs for the browser, which may call as often as it likes."""
    monkeypatch.setattr(Bucket, "take", lambda bucket, key: 0.0)
    monkeypatch.setattr("shared.http.limits.take_shared", lambda *args, **options: 0.0)
    server = make_server("127.0.0.1", 0, events.client.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def reader(browser: Browser, site: str) -> Iterator[BrowserContext]:
    """A reader on a phone, without JavaScript of the page's own: the pages have none, and their policy allows none."""
    context = browser.new_context(base_url=site, viewport={"width": 390, "height": 844}, locale="fi-FI")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where `make pages` wants the pictures; None in a usual run of the tests."""
    wanted = os.environ.get("USO_SCREENSHOTS")
    folder = Path(wanted) if wanted else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    return folder
