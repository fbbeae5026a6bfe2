"""Each example runs as somebody would run it, against topics that real services wrote."""

import csv
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local.demo.people import MUNICIPALITIES
from deploy.local.demo.story_state import StoryState
from tests.examples.conftest import EXAMPLES, GONE, NEVER, ORGANISATIONS
from tests.support import wait_for

pytestmark = pytest.mark.long
ACTIVE = [municipality.code for municipality in MUNICIPALITIES if municipality.outcome == "active"]
Run = Callable[..., list[str]]


def test_the_subscriber_says_once_of_each_enrolment_that_it_is_active(story: StoryState, run: Run) -> None:
    lines = run("subscriber_kafka_python.py")
    wanted = {
        f"enrolment {story.enrolments[code]['id']} of organisation {story.organisations[code]['id']} is active"
        for code in ACTIVE
    }
    assert sorted(lines) == sorted(wanted)
    assert run("subscriber_kafka_python.py") == []
    assert run("subscriber_kafka_python.py", "--group", "example-again") == []


def test_the_local_copy_is_what_the_service_shows_and_stays_so(story: StoryState, run: Run, tmp_path: Path) -> None:
    run("local_copy.py", "copy.sqlite")
    copy = rows(tmp_path / "copy.sqlite")
    shown = story.coordinator.enrolment.every("/v1/organisations")
    assert {organisation["id"]: organisation for organisation in shown} == {
        key: state for key, state in copy.items() if key not in (GONE, NEVER)
    }
    assert copy[GONE] is None
    assert NEVER not in copy
    turku = story.organisations["853"]
    story.coordinator.enrolment.call(
        "PATCH", f"/v1/organisations/{turku['id']}", json={"population": 200_000}, headers={"If-Match": "*"}
    )

    def is_known() -> bool:
        run("local_copy.py", "copy.sqlite")
        return bool(rows(tmp_path / "copy.sqlite")[turku["id"]]["population"] == 200_000)

    wait_for(is_known, seconds=60)


def rows(path: Path) -> dict[str, Any]:
    found = sqlite3.connect(path).execute("SELECT key, state FROM copy WHERE topic = ?", (ORGANISATIONS,))
    return {key: state and json.loads(state) for key, state in found}


def test_the_faststream_subscriber_prints_what_became_of_workshop_days(story: StoryState, run: Run) -> None:
    lines = run("subscriber_faststream.py")
    of_one = [line.partition(": ")[2] for line in lines if line.startswith(story.account["id"])]
    assert of_one == [
        "opened 0, 0 half days left",
        "adjusted 6, 6 half days left",
        "reserved 4, 2 half days left",
        "refused 4, 2 half days left",
        "carried -2, 0 half days left",
        "used 4, 0 half days left",
    ]
    assert not [line for line in lines if NEVER in line]
    assert run("subscriber_faststream.py") == []


def test_invoices_have_each_fee_and_each_workshop_that_was_held_once(story: StoryState, run: Run) -> None:
    invoices = list(csv.DictReader(run("invoicing.py", "invoices.sqlite")))
    fees = [line for line in invoices if line["what"] == "Season 7: fee"]
    names = [story.organisations[code]["name"] for code in ACTIVE]
    assert sorted(line["payer"] for line in fees) == sorted(next(iter(name.values())) for name in names)
    workshops = [line for line in invoices if line not in fees]
    assert [(line["payer"], line["what"], line["euros"]) for line in workshops] == [
        ("Kangasala", "Season 7: workshop of 2 days", "2600")
    ]
    assert list(csv.DictReader(run("invoicing.py", "invoices.sqlite"))) == []


def test_the_member_list_has_the_members_by_region_and_nobody_by_name(
    story: StoryState, run: Run, tmp_path: Path
) -> None:
    run("public_member_list.py", "public", "--season", "7", "--language", "sv")
    members = json.loads((tmp_path / "public" / "members.json").read_text())["members"]
    assert members == expected_members(story, ACTIVE)
    html = (tmp_path / "public" / "members.html").read_text()
    assert all(f"<li>{name}</li>" in html for names in members.values() for name in names)
    people = [person for town in MUNICIPALITIES for person in town.people]
    assert not [person.name for person in people if person.name in html or person.email in html]


def expected_members(story: StoryState, codes: list[str]) -> dict[str, list[str]]:
    regions: dict[str, list[str]] = {}
    for code in codes:
        organisation = story.organisations[code]
        region, name = (organisation[field].get("sv") or organisation[field]["fi"] for field in ("region", "name"))
        regions.setdefault(region, []).append(name)
    return {region: sorted(regions[region]) for region in sorted(regions)}


def test_the_member_list_follows_what_happens(story: StoryState, environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "public_member_list.py"), str(tmp_path), "--season", "7"]
    page = tmp_path / "members.html"
    following = subprocess.Popen(command, env=environment)
    try:
        wait_for(lambda: page.exists() and "Kajaani" in page.read_text(), seconds=60)
        path = f"/v1/enrolments/{story.enrolments['205']['id']}/transitions"
        story.manager.enrolment.post(path, {"to": "withdrawn", "reason": "Other plans."})
        wait_for(lambda: "</html>" in page.read_text() and "Kajaani" not in page.read_text(), seconds=60)
    finally:
        following.terminate()
        following.wait(20)
