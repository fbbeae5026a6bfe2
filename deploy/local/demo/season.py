"""Municipalities, season 7, contacts, and the enrolments up to `active`."""

from typing import Any

from deploy.local.demo.checks import figures
from deploy.local.demo.people import MUNICIPALITIES, Municipality, contacts_csv, municipalities_csv
from deploy.local.demo.told import Json, Told, at_once

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


def import_municipalities(told: Told) -> str:
    table = municipalities_csv()
    for turn, created, unchanged in (("first", HOW_MANY, 0), ("second", 0, HOW_MANY)):
        result = told.coordinator.enrolment.upload("/v1/organisations/import", table)
        wanted = {"created": created, "updated": 0, "unchanged": unchanged, "rejected": []}
        told.checks.equal(f"the {turn} import", figures(result, *wanted), wanted)
    found = told.coordinator.enrolment.every("/v1/organisations", kind="municipality")
    told.organisations = {one["municipality_code"]: one for one in found}
    told.checks.equal("municipalities listed", len(told.organisations), HOW_MANY)
    told.checks.equal("languages of Närpiö", told.organisations["545"]["languages"], ["sv", "fi"])
    return f"{HOW_MANY} municipalities imported; importing them again changed nothing"


def open_season(told: Told) -> str:
    season = told.manager.enrolment.post("/v1/seasons", SEASON)
    told.checks.equal("season 7 at first", figures(season, "number", "state"), {"number": 7, "state": "draft"})
    told.season = _season_to(told, season, "open")
    return f"season 7 of Kuntaliitto and FCG, “{NAME['fi']}”, is open for enrolment"


def import_contacts(told: Told) -> str:
    table = contacts_csv(MUNICIPALITIES)
    people = [one for municipality in MUNICIPALITIES for one in municipality.people]
    result = told.coordinator.enrolment.upload("/v1/contacts/import", table)
    wanted = {"created": len(people), "updated": 0, "unchanged": 0, "rejected": []}
    told.checks.equal("the import of contacts", figures(result, *wanted), wanted)
    told.contacts = {one["email"]: one for one in told.coordinator.enrolment.every("/v1/contacts")}
    told.checks.same("contacts' addresses", told.contacts, [one.email for one in people])
    counts = [sum(one.language == language for one in people) for language in ("fi", "sv", "en")]
    return f"{len(people)} contacts imported: {counts[0]} Finnish, {counts[1]} Swedish, {counts[2]} English"


def enrol(told: Told) -> str:
    told.enrolments = dict(at_once(lambda one: _enrol(told, one), list(MUNICIPALITIES)))
    active = [one for one in MUNICIPALITIES if one.outcome == "active"]
    for one in MUNICIPALITIES:
        told.wants("enrolment_received", *one.people)
    for one in active:
        told.wants("enrolment_confirmed", *one.people)
    again = told.coordinator.enrolment.call("POST", "/v1/enrolments", json=_inquiry(told, active[0]), fine=(409,))
    told.checks.equal("a second enrolment's status", again.status, 409)
    others = len(MUNICIPALITIES) - len(active)
    return f"{len(active)} municipalities enrolled; of {others} others one declined and one is still negotiating"


def run_season(told: Told) -> str:
    told.season = _season_to(told, told.season, "running")
    active = [one.code for one in MUNICIPALITIES if one.outcome == "active"]
    at_once(lambda code: _activate(told, code), active)
    for municipality in MUNICIPALITIES:
        now = told.coordinator.enrolment.get(f"/v1/enrolments/{told.enrolments[municipality.code]['id']}")
        told.enrolments[municipality.code] = now
        told.checks.equal(f"the enrolment of {_name(told, municipality.code)}", now["state"], municipality.outcome)
    return f"the season runs: {len(active)} active, each with its situation analysis and {DAYS} workshop days"


def _season_to(told: Told, season: Json, to: str) -> Json:
    moved: Json = told.manager.enrolment.post(f"/v1/seasons/{season['id']}/transitions", {"to": to})
    told.checks.equal("the season's state", moved["state"], to)
    return moved


def _inquiry(told: Told, municipality: Municipality) -> Json:
    return {
        "season_id": told.season["id"],
        "organisation_id": told.organisations[municipality.code]["id"],
        "contact_ids": [told.contacts[one.email]["id"] for one in municipality.people],
        "coordinator": "demo-coordinator",
        "themes": [THEME],
        "source": SOURCE,
    }


def _enrol(told: Told, municipality: Municipality) -> tuple[str, Json]:
    enrolment = told.coordinator.enrolment.post("/v1/enrolments", _inquiry(told, municipality))
    told.checks.equal("a new enrolment's state", enrolment["state"], "inquiry")
    steps: list[Json] = [{"to": "negotiating"}]
    if municipality.outcome == "declined":
        steps.append({"to": "declined", "reason": WHY_DECLINED})
    if municipality.outcome == "active":
        steps.append({"to": "enrolled"})
    for step in steps:
        enrolment = told.coordinator.enrolment.post(f"/v1/enrolments/{enrolment['id']}/transitions", step)
        told.checks.equal(f"the enrolment of {_name(told, municipality.code)}", enrolment["state"], step["to"])
    return municipality.code, enrolment


def _activate(told: Told, code: str) -> None:
    path = f"/v1/enrolments/{told.enrolments[code]['id']}"
    now = told.manager.enrolment.post(f"{path}/transitions", {"to": "active"})
    analysis = {
        "status": "delivered",
        "summary": f"{_name(told, code)}: leadership is shared, and renewal needs time set apart for it.",
        "focus_areas": ["Strategy in everyday work", "Officeholders and elected representatives together"],
        "document_url": f"https://files.example/season-7/situation-analysis-{code}.pdf",
        "delivered_on": "2023-05-11",
    }
    put = told.coordinator.enrolment.put(f"{path}/situation-analysis", analysis, version=now["version"])
    told.checks.equal("the situation analysis", put["status"], "delivered")
    account = told.coordinator.enrolment.get(f"{path}/workshop-days")
    wanted = {"granted": 2 * DAYS, "reserved": 0, "used": 0, "available": 2 * DAYS}
    told.checks.equal("workshop days in half days", figures(account, *wanted), wanted)


def _name(told: Told, code: str) -> str:
    name: str = told.organisations[code]["name"]["fi"]
    return name
