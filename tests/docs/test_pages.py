"""The pages say what is true: every setting is listed, and every link leads somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

from deploy.configuration import filled
from deploy.pictures import page as pictures

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#]+)[^)]*\)")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_the_page_of_settings_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert filled(page) == page, "run python -m deploy.configuration"
    assert all(f"| `{name}`" in page for name in ("MONGODB_URI", "SMTP_URL", "HTTP_PORT"))


def test_the_pictures_are_drawn_from_the_code() -> None:
    drawn = (ROOT / "docs" / "pictures.md").read_text()
    assert drawn == pictures(), "run python -m deploy.pictures"
    assert "enrolment_contacts --> notifications" in drawn
    assert "published --> cancelled" in drawn
    assert drawn.count("```mermaid") == 8


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in tracked("*.md")])
def test_links_within_the_repository_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    targets = [target.strip() for target in LINK.findall(text) if "{" not in target]
    inner = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in inner if not (ROOT / page).parent.joinpath(target).exists()] == []
