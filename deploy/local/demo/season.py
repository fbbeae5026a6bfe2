"""Municipalities, season 7, contacts, and the enrolments up to `active`."""

from typing import Any

from deploy.local.demo.checks import figures
from deploy.local.demo.people import MUNICIPALITIES, Municipality, contacts_csv, municipalities_csv
from deploy.local.demo.story_state import Json, StoryState, at_once

HOW_MANY = 309
DAYS = 3
THEME = "renewing_municipality"
NAME = {
    "fi": "USO 7: uudistuvan kunnan johtaminen",
    "sv": "USO 7: att leda en kommun i förnyelse",
    "en": "USO 7: leading a renewing municipality",
}
SEASON: dict[str, Any] = {
    "number": 7,
    "name": NAME,
    "starts_on": "2023-01-01",
    "ends_on": "2024-12-31",
    "enrolment_opens_on": "2022-09-01",
    "enrolment_closes_on": "2023-03-31",
    "themes": [
        {
            "key": THEME,
            "name": {
                "fi": "Uudistuvan kunnan johtaminen",
                "sv": "Att leda en kommun i förnyelse",
                "en": "Leading a renewing municipality",
            },
        }
    ],
    "package": {"situation_analysis": True, "workshop_days": DAYS},
}
SOURCE = "Letter of Kuntaliitto and FCG to all municipalities"
WHY_DECLINED = "This year's plans are made already; would like to hear of season 8."


def import_municipalities(story: StoryState) -> str:
    table = municipalities_csv()
    for turn, created, unchanged in (("first", HOW_MANY, 0), ("second", 0, HOW_MANY)):
        result = story.coordinator.enrolment.upload("/v1/organisations/import", table)
        wanted = {"created": created, "updated": 0, "unchanged": unchanged, "rejected": []}
        story.checks.equal(f"the {turn} import", figures(result, *wanted), wanted)
    found = story.coordinator.enrolment.every("/v1/organisations", kind="municipality")
    story.organisations = {organisation["municipality_code"]: organisation for organisation in found}
    story.checks.equal("municipalities listed", len(story.organisations), HOW_MANY)
    story.checks.equal("languages of Närpiö", story.organisations["545"]["languages"], ["sv", "fi"])
    return f"{HOW_MANY} municipalities imported; importing them again changed nothing"


def open_season(story: StoryState) -> str:
    season = story.manager.enrolment.post("/v1/seasons", SEASON)
    story.checks.equal("season 7 at first", figures(season, "number", "state"), {"number": 7, "state": "draft"})
    story.season = _season_to(story, season, "open")
    return f"season 7 of Kuntaliitto and FCG, “{NAME['fi']}”, is open for enrolment"


def import_contacts(story: StoryState) -> str:
    table = contacts_csv(MUNICIPALITIES)
    people = [person for municipality in MUNICIPALITIES for person in municipality.people]
    result = story.coordinator.enrolment.upload("/v1/contacts/import", table)
    wanted = {"created": len(people), "updated": 0, "unchanged": 0, "rejected": []}
    story.checks.equal("the import of contacts", figures(result, *wanted), wanted)
    story.contacts = {contact["email"]: contact for contact in story.coordinator.enrolment.every("/v1/contacts")}
    story.checks.same("contacts' addresses", story.contacts, [person.email for person in people])
    counts = [sum(person.language == language for person in people) for language in ("fi", "sv", "en")]
    return f"{len(people)} contacts imported: {counts[0]} Finnish, {counts[1]} Swedish, {counts[2]} English"


def enrol(story: StoryState) -> str:
    story.enrolments = dict(at_once(lambda municipality: _enrol(story, municipality), list(MUNICIPALITIES)))
    active = [municipality for municipality in MUNICIPALITIES if municipality.outcome == "active"]
    for municipality in MUNICIPALITIES:
        story.wants("enrolment_received", *municipality.people)
    for municipality in active:
        story.wants("enrolment_confirmed", *municipality.people)
    again = story.coordinator.enrolment.call("POST", "/v1/enrolments", json=_inquiry(story, active[0]), fine=(409,))
    story.checks.equal("a second enrolment's status", again.status, 409)
    others = len(MUNICIPALITIES) - len(active)
    return f"{len(active)} municipalities enrolled; of {others} others one declined and one is still negotiating"


def run_season(story: StoryState) -> str:
    story.season = _season_to(story, story.season, "running")
    active = [municipality.code for municipality in MUNICIPALITIES if municipality.outcome == "active"]
    at_once(lambda code: _activate(story, code), active)
    for municipality in MUNICIPALITIES:
        now = story.coordinator.enrolment.get(f"/v1/enrolments/{story.enrolments[municipality.code]['id']}")
        story.enrolments[municipality.code] = now
        story.checks.equal(f"the enrolment of {_name(story, municipality.code)}", now["state"], municipality.outcome)
    return f"the season runs: {len(active)} active, each with its situation analysis and {DAYS} workshop days"


def _season_to(story: StoryState, season: Json, to: str) -> Json:
    moved: Json = story.manager.enrolment.post(f"/v1/seasons/{season['id']}/transitions", {"to": to})
    story.checks.equal("the season's state", moved["state"], to)
    return moved


def _inquiry(story: StoryState, municipality: Municipality) -> Json:
    return {
        "season_id": story.season["id"],
        "organisation_id": story.organisations[municipality.code]["id"],
        "contact_ids": [story.contacts[person.email]["id"] for person in municipality.people],
        "coordinator": "demo-coordinator",
        "themes": [THEME],
        "source": SOURCE,
    }


def _enrol(story: StoryState, municipality: Municipality) -> tuple[str, Json]:
    enrolment = story.coordinator.enrolment.post("/v1/enrolments", _inquiry(story, municipality))
    story.checks.equal("a new enrolment's state", enrolment["state"], "inquiry")
    steps: list[Json] = [{"to": "negotiating"}]
    if municipality.outcome == "declined":
        steps.append({"to": "declined", "reason": WHY_DECLINED})
    if municipality.outcome == "active":
        steps.append({"to": "enrolled"})
    for step in steps:
        enrolment = story.coordinator.enrolment.post(f"/v1/enrolments/{enrolment['id']}/transitions", step)
        story.checks.equal(f"the enrolment of {_name(story, municipality.code)}", enrolment["state"], step["to"])
    return municipality.code, enrolment


def _activate(story: StoryState, code: str) -> None:
    path = f"/v1/enrolments/{story.enrolments[code]['id']}"
    now = story.manager.enrolment.post(f"{path}/transitions", {"to": "active"})
    analysis = {
        "status": "delivered",
        "summary": f"{_name(story, code)}: leadership is shared, and renewal needs time set apart for it.",
        "focus_areas": ["Strategy in everyday work", "Officeholders and elected representatives together"],
        "document_url": f"https://files.example/season-7/situation-analysis-{code}.pdf",
        "delivered_on": "2023-05-11",
    }
    put = story.coordinator.enrolment.put(f"{path}/situation-analysis", analysis, version=now["version"])
    story.checks.equal("the situation analysis", put["status"], "delivered")
    account = story.coordinator.enrolment.get(f"{path}/workshop-days")
    wanted = {"granted": 2 * DAYS, "reserved": 0, "used": 0, "available": 2 * DAYS}
    story.checks.equal("workshop days in half days", figures(account, *wanted), wanted)


def _name(story: StoryState, code: str) -> str:
    name: str = story.organisations[code]["name"]["fi"]
    return name
