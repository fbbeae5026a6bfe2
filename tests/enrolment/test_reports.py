"""What a season has come to, what is held on a person, and about whom nothing has happened."""

import io
from datetime import timedelta
from typing import Any

import openpyxl

from shared.ids import new_id, utc_now
from shared.instants import instant_text
from shared.messaging.messages import Message
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json
from tests.support import message

REGISTRATIONS, DELIVERIES = "uso.events.registrations.v1", "uso.notifications.deliveries.v1"


def webinar(starts_at: str = "2023-10-01T12:00:00Z") -> Json:
    return {"id": new_id(), "version": 2, "kind": "webinar", "state": "completed", "starts_at": starts_at}


def visit(event: Json, organisation: Json, state: str = "attended", score: int | None = None, **fields: Any) -> Message:
    body = {"id": new_id(), "version": 3, "event_id": event["id"], "organisation_id": organisation["id"]}
    body |= {"state": state, "role": "elected", "updated_at": instant_text(utc_now())}
    feedback = {"feedback": {"score": score, "comment": None}} if score else {"feedback": None}
    return message(REGISTRATIONS, "registration.transitioned", body | feedback | fields)


def lived(enrolment: Enrolment) -> tuple[Json, Json, Json]:
    """A season, and two members of which one was at a webinar with three people."""
    season = enrolment.season()
    region, county = {"fi": "Pirkanmaa"}, {"fi": "Pirkanmaan hyvinvointialue"}
    tampere = enrolment.municipality(region=region, wellbeing_county=county)
    nokia = enrolment.municipality("536", name={"fi": "Nokia"}, region=region, wellbeing_county=county)
    for organisation in (tampere, nokia):
        made = enrolment.created("enrolments", a.enrolment(season, organisation, coordinator="maija"))
        for step in ("negotiating", "enrolled", "active"):
            made = enrolment.moved("enrolments", made, step)
    event, before = webinar(), webinar("2020-01-01T12:00:00Z")
    enrolment.hears(
        message(a.EVENTS, "event.transitioned", event),
        message(a.EVENTS, "event.transitioned", before),
        visit(event, tampere, score=4),
        visit(event, tampere, score=5, role="officeholder"),
        visit(event, tampere, state="absent"),
        visit(event, tampere),
        visit(before, tampere),
    )
    return season, tampere, nokia


def test_a_season_s_report_has_a_row_for_each_organisation_and_totals(enrolment: Enrolment) -> None:
    season, tampere, nokia = lived(enrolment)
    report = enrolment.client.get(f"/v1/seasons/{season['id']}/report").json
    first, second = report["rows"]
    assert (first["organisation_id"], second["organisation_id"]) == (nokia["id"], tampere["id"])
    assert (second["attended"], second["attended_elected"], second["attended_officeholder"]) == (3, 2, 1)
    assert (second["feedback_count"], second["feedback_mean"]) == (2, 4.5)
    assert (second["state"], second["coordinator"], second["half_days_available"]) == ("active", "maija", 6)
    assert (first["attended"], first["feedback_mean"]) == (0, None)
    [region] = report["by_region"]
    assert (region["name"], region["organisations"], region["attended"], region["half_days_granted"]) == (
        "Pirkanmaa",
        2,
        3,
        12,
    )
    assert report["by_wellbeing_county"][0]["name"] == "Pirkanmaan hyvinvointialue"
    assert (report["total"]["organisations"], report["total"]["feedback_mean"]) == (2, 4.5)


def test_the_report_is_a_table_as_well(enrolment: Enrolment) -> None:
    season, _, _ = lived(enrolment)
    path = f"/v1/seasons/{season['id']}/report"
    lines = enrolment.client.get(path, headers={"Accept": "text/csv"}).data.decode("utf-8-sig").splitlines()
    assert lines[0].split(",")[:3] == ["name", "kind", "municipality_code"]
    assert [line.split(",")[0] for line in lines[1:]] == ["Nokia", "Tampere"]
    book = openpyxl.load_workbook(io.BytesIO(enrolment.client.get(f"{path}?format=xlsx").data))
    assert [row[0].value for row in book.worksheets[0].rows] == ["name", "Nokia", "Tampere"]


def test_the_inactive_are_those_about_whom_nothing_happened(enrolment: Enrolment) -> None:
    organisation = enrolment.municipality()
    idle, busy, noted = (enrolment.contact(organisation, given_name=name) for name in ("Aino", "Bo", "Carl"))
    long_ago = utc_now() - timedelta(days=900)
    enrolment.db["contacts"].update_many({}, {"$set": {"updated_at": long_ago}})
    enrolment.hears(visit(webinar(), organisation, contact_id=busy["id"]))
    enrolment.created("notes", {"about": {"kind": "contact", "id": noted["id"]}, "text": "Called."})
    since = instant_text(utc_now() - timedelta(days=365))
    answer = enrolment.client.get("/v1/contacts/inactive", query_string={"since": since}).json
    assert [contact["id"] for contact in answer["items"]] == [idle["id"]]


def test_a_person_is_given_all_that_is_held_on_them(enrolment: Enrolment) -> None:
    organisation = enrolment.municipality()
    anna = enrolment.contact(organisation, given_name="Anna")
    other = enrolment.contact(organisation, given_name="Annu")
    enrolment.client.post(f"/v1/contacts/{other['id']}/merge", json={"into": anna["id"]}, role="manager")
    made = enrolment.created("enrolments", a.enrolment(enrolment.season(), organisation, contact_ids=[anna["id"]]))
    note = enrolment.created("notes", {"about": {"kind": "contact", "id": anna["id"]}, "text": "Called."})
    delivery = {"id": new_id(), "version": 1, "contact_id": other["id"], "template": "invitation", "state": "sent"}
    enrolment.hears(
        visit(webinar(), organisation, contact_id=anna["id"]), message(DELIVERIES, "delivery.transitioned", delivery)
    )
    path = f"/v1/contacts/{anna['id']}/export"
    assert enrolment.client.get(path, role="coordinator").status_code == 403
    found = enrolment.client.get(path, role="manager").json
    assert {contact["id"] for contact in found["contacts"]} == {anna["id"], other["id"]}
    assert ([row["id"] for row in found["enrolments"]], [row["id"] for row in found["notes"]]) == (
        [made["id"]],
        [note["id"]],
    )
    assert [row["state"] for row in found["registrations"]] == ["attended"]
    assert [row["template"] for row in found["deliveries"]] == ["invitation"]
    assert "contact.created" in [row["type"] for row in found["history"]]
