"""The pages say what is true: every setting is listed, and every link leads somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(r'env\.\w+\(\s*f?"([A-Z_]+)(?:\{[^"]*)?"')
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#]+)[^)]*\)")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_every_setting_is_on_the_page_of_settings() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    code = [file for folder in ("services", "shared") for file in tracked(f"{folder}/*.py")]
    names = {name for file in code for name in SETTING.findall(file.read_text())}
    assert {"MONGODB_URI", "SMTP_URL", "HTTP_PORT"} <= names
    assert {name for name in names if f"`{name}" not in page} == set()


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in tracked("*.md")])
def test_links_within_the_repository_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    targets = [target.strip() for target in LINK.findall(text) if "{" not in target]
    inner = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in inner if not (ROOT / page).parent.joinpath(target).exists()] == []
