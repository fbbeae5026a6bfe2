"""The subscriber in Node.js, with its package installed by npm into a folder of the test's own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.demo.story_state import StoryState
from tests.examples.conftest import EXAMPLES, NEVER

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example that is ready to run."""
    folder = tmp_path_factory.mktemp("node") / "example"
    shutil.copytree(EXAMPLES / "node", folder, ignore=shutil.ignore_patterns("node_modules", "package-lock.json"))
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    assert installed.returncode == 0, installed.stderr
    return folder


def run(folder: Path, environment: dict[str, str], *arguments: str) -> list[str]:
    command = ["node", "subscriber.js", "--once", *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_it_reads_what_was_committed_and_nothing_else(
    story: StoryState, folder: Path, environment: dict[str, str]
) -> None:
    lines = run(folder, environment)
    assert f"webinar {story.webinar['id']} is published" in lines
    assert [line.split()[-1] for line in lines if story.workshop["id"] in line] == [
        *("awaiting_days", "published", "completed")
    ]
    assert f"workshop {story.refused['id']} is refused" in lines
    assert not [line for line in lines if NEVER in line]


def test_it_goes_on_where_it_was(folder: Path, environment: dict[str, str]) -> None:
    assert run(folder, environment, "--group", "example-node-again") != []
    assert run(folder, environment, "--group", "example-node-again") == []
