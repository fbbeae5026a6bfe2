"""Every filter and sort order that the API offers is answered by an index, as MongoDB's own profiler tells."""

from collections.abc import Iterator

import pytest

from services.enrolment.timeline.spans import moment_of
from shared.ids import new_id, utc_now
from shared.instants import instant_text
from shared.mongo.journal import JOURNAL
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment

ID = new_id()
SINCE = "updated_since=2024-01-01T00:00:00Z"
PLACES = ["region=Pirkanmaa", "wellbeing_county=Pirkanmaa", "language=fi", "population_min=5", "population_max=9"]
OFFERED = {
    "organisations": ["kind=other", "municipality_code=837", *PLACES, "tag=pilot", f"season_id={ID}", "q=aino", SINCE],
    "contacts": [
        *(f"organisation_id={ID}", "role=elected", "language=sv", "tag=board", "q=aino"),
        *("legal_basis=consent", f"season_id={ID}", SINCE),
    ],
    "enrolments": [
        *(f"season_id={ID}", f"organisation_id={ID}", "state=active", "coordinator=maija", "theme=tieto"),
        *(f"contact_id={ID}", "next_contact_before=2024-01-01", "reason_code=money", f"ids={ID}"),
    ],
    "notes": [f"about={ID}"],
    "tasks": [f"about={ID}", "assignee=maija", "state=open", "due_before=2024-01-01"],
    "seasons": ["state=open"],
    "imports": ["of=contacts", "state=done"],
    "segments": ["name=Councils"],
    "erasures": ["state=pending", f"contact_id={ID}"],
}
FILTERS = [(nouns, query) for nouns, queries in OFFERED.items() for query in queries]
SORTS = [
    *(("organisations", f"sort={order}{name}") for name in ("name", "population", "updated_at") for order in ("", "-")),
    *(("contacts", f"sort={order}{name}") for name in ("family_name", "created_at") for order in ("", "-")),
    *(("enrolments", f"sort={order}next_contact_on") for order in ("", "-")),
    *(("tasks", f"sort={order}due_on") for order in ("", "-")),
]


@pytest.fixture
def profiled(enrolment: Enrolment) -> Iterator[Enrolment]:
    """A service with some of everything, whose database tells how it answers."""
    organisation = enrolment.municipality()
    contact = enrolment.contact(organisation)
    made = enrolment.created("enrolments", a.enrolment(enrolment.season(), organisation, contact_ids=[contact["id"]]))
    about = {"kind": "enrolment", "id": made["id"]}
    enrolment.created("notes", {"about": about, "text": "Called."})
    enrolment.created("tasks", {"about": about, "title": "Call"})
    enrolment.db.raw.command("profile", 2)
    yield enrolment
    enrolment.db.raw.command("profile", 0)
    enrolment.db.raw.drop_collection("system.profile")


@pytest.mark.parametrize(("nouns", "query"), [*FILTERS, *SORTS], ids=lambda value: value.replace(ID, "id"))
def test_a_list_uses_an_index(profiled: Enrolment, nouns: str, query: str) -> None:
    assert profiled.client.get(f"/v1/{nouns}?{query}").status_code == 200
    asked = list(profiled.db["system.profile"].find({"op": "query", "ns": f"{profiled.db.raw.name}.{nouns}"}))
    assert asked
    assert [plan["planSummary"] for plan in asked if "COLLSCAN" in plan["planSummary"]] == []
    if query.startswith("sort="):
        assert [plan["planSummary"] for plan in asked if plan.get("hasSortStage")] == []


def test_the_last_page_of_a_long_timeline_reads_no_more_than_the_first(profiled: Enrolment) -> None:
    """A page reads its own entries and some fifty more of each source, however long the past before it is."""
    [place] = profiled.client.get("/v1/organisations").json["items"]
    rows = [
        {"kind": "organisation", "of": place["id"], "version": number, "type": "organisation.updated", "by": "x"}
        for number in range(3_000)
    ]
    profiled.db[JOURNAL].insert_many([{**row, "_id": new_id(), "at": utc_now()} for row in rows])
    [middle] = profiled.db[JOURNAL].find({"version": 200, "of": place["id"]})
    ends = instant_text(moment_of(middle["_id"]))
    path = f"/v1/organisations/{place['id']}/timeline"
    for query in ({"limit": 5}, {"limit": 5, "to": ends}):
        assert len(profiled.client.get(path, query_string=query).json["items"]) == 5
    pages = {"op": "query", "ns": f"{profiled.db.raw.name}.{JOURNAL}", "command.limit": 5 + 50}
    asked = list(profiled.db["system.profile"].find(pages))
    assert len(asked) == 2
    assert max(plan["docsExamined"] for plan in asked) < 200
