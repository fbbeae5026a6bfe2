"""The season's story on a locked stack, told once for all tests here."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from deploy.local.demo.story import run_story
from deploy.local.demo.story_state import StoryState
from deploy.local.stack import Stack


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "SMTP_URL"):
            patch.delenv(name, raising=False)
        with Stack(tmp_path_factory.mktemp("locked"), secure=True, keep=False) as stack:
            yield stack


@pytest.fixture(scope="session")
def told(locked: Stack) -> StoryState:
    return run_story(locked.info, Console(file=io.StringIO()))
