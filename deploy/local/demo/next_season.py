"""What staff look at when a season ends: doubles, the pipeline, the report, and the members of the next season."""

from typing import Any

from deploy.local.demo.checks import figures
from deploy.local.demo.people import MUNICIPALITIES, SHOWN_IN_FULL
from deploy.local.demo.season import NAME, SEASON
from deploy.local.demo.story_state import StoryState

ACTIVE = [municipality.code for municipality in MUNICIPALITIES if municipality.outcome == "active"]
SEASON_8: dict[str, Any] = {
    **SEASON,
    "number": 8,
    "name": {language: name.replace("USO 7", "USO 8") for language, name in NAME.items()},
    "starts_on": "2025-01-01",
    "ends_on": "2026-12-31",
    "enrolment_opens_on": "2024-09-01",
    "enrolment_closes_on": "2025-03-31",
}


def merge_a_double(story: StoryState) -> str:
    """Somebody is added a second time, is found among the likely pairs, and is merged."""
    person = next(town for town in MUNICIPALITIES if town.code == SHOWN_IN_FULL).people[0]
    first = story.contacts[person.email]
    body = {name: first[name] for name in ("given_name", "family_name", "organisation_id", "role", "language")}
    second = story.coordinator.enrolment.post("/v1/contacts", {**body, "email": f"second.{person.email}"})
    warned = [warning["contact_id"] for warning in second["warnings"]]
    story.checks.equal("the warning about a double", warned, [first["id"]])
    pairs = story.coordinator.enrolment.get("/v1/contacts/duplicates")["items"]
    found = [{contact["id"] for contact in pair["contacts"]} for pair in pairs]
    story.checks.holds("the double is among the likely pairs", {first["id"], second["id"]} in found)
    merged = story.manager.enrolment.post(f"/v1/contacts/{second['id']}/merge", {"into": first["id"]})
    story.checks.equal("the address of the contact that is left", merged["contact"]["email"], first["email"])
    return f"{person.name} was there twice: told at once, found among {len(pairs)} likely pairs, merged"


def look_back(story: StoryState) -> str:
    """The pipeline and the report of season 7."""
    path = f"/v1/seasons/{story.season['id']}"
    states = {row["state"]: row["count"] for row in story.coordinator.enrolment.get(f"{path}/pipeline")["states"]}
    wanted = {"active": len(ACTIVE), "declined": 1, "negotiating": 1}
    story.checks.equal("the pipeline", {name: states[name] for name in wanted}, wanted)
    total = story.coordinator.enrolment.get(f"{path}/report")["total"]
    story.checks.equal("organisations in the report", total["organisations"], len(MUNICIPALITIES))
    days = total["half_days_granted"] / 2
    return f"season 7 reported: {total['organisations']} municipalities, {days:g} workshop days granted"


def renew_members(story: StoryState) -> str:
    """Season 8 takes the members of season 7 over, each once."""
    season = story.manager.enrolment.post("/v1/seasons", SEASON_8)
    story.manager.enrolment.post(f"/v1/seasons/{season['id']}/transitions", {"to": "open"})
    body = {"from_season_id": story.season["id"], "carry_unused_days": True}
    path = f"/v1/seasons/{season['id']}/renewals"
    for turn, renewed, already in (("first", len(ACTIVE), 0), ("second", 0, len(ACTIVE))):
        answer = story.manager.enrolment.post(path, body)
        counts = {name: len(answer[name]) for name in ("renewed", "already", "skipped")}
        wanted = {"renewed": renewed, "already": already, "skipped": len(MUNICIPALITIES) - len(ACTIVE)}
        story.checks.equal(f"the {turn} renewal", figures(counts, *wanted), wanted)
    return f"{len(ACTIVE)} members renewed into season 8 with their people and unused days; pressed twice, each once"
