"""A whole stack whose services' processes run in containers, as they run elsewhere: `make test-images`."""

import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from deploy import images
from deploy.configuration import TABLES
from deploy.local.demo.story import run_story
from deploy.local.demo.story_state import StoryState
from deploy.local.processes import SERVICES
from deploy.local.stack import Stack
from shared.environment import variables
from tests.support.go_programs import lacking

TAG = "test"
LABEL = "uso-test-images"
CONFINED = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=320m",
    "--pids-limit=200",
)


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """podman's settings for a machine without systemd, where the caller has named none; nothing in /etc is touched."""
    if lack := lacking("podman", "mmdebstrap"):
        pytest.skip(lack)
    if os.getuid():
        pytest.skip("a base image is made from Debian's packages by root alone")
    settings = tmp_path_factory.mktemp("podman") / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    os.environ.setdefault("CONTAINERS_CONF", str(settings))
    yield
    left = subprocess.check_output([images.engine(), "ps", "--all", "--quiet", f"--filter=label={LABEL}"], text=True)
    if left.split():
        subprocess.run([images.engine(), "rm", "--force", *left.split()], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def built(surroundings: None) -> dict[str, str]:
    """Each service's image."""
    images.make_stand_in()
    return {service: images.build(service, tag=TAG, base=images.STAND_IN) for service in SERVICES}


@pytest.fixture(scope="session")
def season_told(built: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoryState]:
    """The demo's story, told to nine containers."""
    directory = tmp_path_factory.mktemp("season")
    names = [variable.name for table in TABLES.values() for _, variable in variables(table)]

    def contained(service: str, role: str) -> list[str]:
        key_set = directory.resolve() / "jwks.json"
        surroundings = [f"--label={LABEL}", "--network=host", f"--volume={key_set}:{key_set}:ro", *CONFINED]
        given = [f"--env={name}" for name in names]
        return [images.engine(), "run", "--rm", *surroundings, *given, built[service], role]

    with pytest.MonkeyPatch.context() as patch:
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "SMTP_URL"):
            patch.delenv(name, raising=False)
        # Nine containers that start at once on two cores take longer than nine processes.
        patch.setattr("deploy.local.stack.READY_SECONDS", 300.0)
        with Stack(directory, service_command=contained) as stack:
            yield run_story(stack.info, Console(file=io.StringIO()))


def output(*command: str | Path) -> str:
    """What the command prints."""
    return subprocess.check_output([str(part) for part in command], text=True)
