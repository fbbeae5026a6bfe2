"""Who is what, where, from when until when; and organisations that go on as others."""

from datetime import timedelta
from typing import Any

import pytest

from services.enrolment.positions import commands
from shared.ids import utc_now
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json

TODAY = utc_now().date()
YESTERDAY, TOMORROW = (TODAY - timedelta(days=1)).isoformat(), (TODAY + timedelta(days=1)).isoformat()


def positions(enrolment: Enrolment, contact: Json) -> list[Json]:
    found: list[Json] = enrolment.client.get(f"/v1/contacts/{contact['id']}/positions").json["items"]
    return found


def add(enrolment: Enrolment, contact: Json, organisation: Json, **fields: Any) -> Any:
    body = {"organisation_id": organisation["id"], "role": "elected"} | fields
    return enrolment.client.post(f"/v1/contacts/{contact['id']}/positions", json=body)


def test_a_contact_begins_with_the_position_that_it_shows(enrolment: Enrolment) -> None:
    organisation = enrolment.municipality()
    [position] = positions(enrolment, enrolment.contact(organisation, title="johtaja"))
    assert (position["organisation_id"], position["role"], position["title"], position["main"]) == (
        organisation["id"],
        "officeholder",
        "johtaja",
        True,
    )


def test_who_changes_jobs_keeps_the_past(enrolment: Enrolment) -> None:
    old, new = enrolment.municipality(), enrolment.organisation()
    contact = enrolment.contact(old)
    enrolment.changed("contacts", contact, organisation_id=new["id"], title="asiantuntija")
    before, now = positions(enrolment, contact)
    assert (before["organisation_id"], before["from"], before["until"]) == (old["id"], None, YESTERDAY)
    assert (now["organisation_id"], now["from"], now["until"]) == (new["id"], TODAY.isoformat(), None)


def test_of_several_positions_the_main_one_counts(enrolment: Enrolment) -> None:
    home, region = enrolment.municipality(), enrolment.organisation()
    contact = enrolment.contact(home)
    assert add(enrolment, contact, region).json["organisation_id"] == home["id"]
    moved = add(enrolment, contact, region, title="puheenjohtaja", main=True).json
    assert (moved["organisation_id"], moved["role"], moved["title"]) == (region["id"], "elected", "puheenjohtaja")
    assert [position["main"] for position in positions(enrolment, contact)].count(True) == 1


def test_an_end_in_the_past_takes_the_role(enrolment: Enrolment) -> None:
    organisation = enrolment.municipality()
    contact = enrolment.contact(organisation, role="elected")
    path = f"/v1/contacts/{contact['id']}/positions/{contact['id']}"
    ended = enrolment.client.patch(path, json={"until": YESTERDAY}, headers={"If-Match": "*"}).json
    assert (ended["role"], ended["organisation_id"]) == ("other", organisation["id"])
    assert enrolment.listed("contacts", role="elected") == []


def test_a_position_that_begins_tomorrow_counts_tomorrow(enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    home, region = enrolment.municipality(), enrolment.organisation()
    contact = enrolment.contact(home)
    assert add(enrolment, contact, region, main=True, **{"from": TOMORROW}).json["organisation_id"] == home["id"]
    assert commands.follow_days(enrolment.db) is False
    later = utc_now() + timedelta(days=1)
    monkeypatch.setattr(commands, "utc_now", lambda: later)
    monkeypatch.setattr(commands, "today", lambda uow: later.date().isoformat())
    commands.follow_days(enrolment.db)
    assert enrolment.shown("contacts", contact)["organisation_id"] == region["id"]


def test_all_councils_change_on_one_day(enrolment: Enrolment) -> None:
    tampere, espoo = enrolment.municipality(), enrolment.municipality("049", name={"fi": "Espoo"})
    elected = [enrolment.contact(organisation, role="elected") for organisation in (tampere, espoo)]
    official = enrolment.contact(tampere)
    path, body = "/v1/positions/end", {"roles": ["elected"], "until": YESTERDAY, "reason": "A new council"}
    assert enrolment.client.post(f"{path}?dry_run=true", json=body, role="manager").json["ended"] == 2
    assert len(enrolment.listed("contacts", role="elected")) == 2
    answer = enrolment.client.post(path, json=body, role="manager").json
    assert (answer["ended"], sorted(answer["contact_ids"])) == (2, sorted(contact["id"] for contact in elected))
    assert enrolment.listed("contacts", role="elected") == []
    assert enrolment.shown("contacts", official)["role"] == "officeholder"
    assert enrolment.client.post(path, json=body, role="manager").json["ended"] == 0
    assert enrolment.client.post(path, json={"until": YESTERDAY}, role="manager").status_code == 422


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"from": "2024-02-01", "until": "2024-01-01"}, 422),
        ({"organisation_id": "01890000-0000-7000-8000-000000000000"}, 422),
        ({"role": "mayor"}, 422),
        ({"from": "2024-01-01", "until": "2024-12-31"}, 201),
    ],
)
def test_what_a_position_may_be(enrolment: Enrolment, changes: Json, status: int) -> None:
    organisation = enrolment.municipality()
    assert add(enrolment, enrolment.contact(organisation), organisation, **changes).status_code == status


def succeed(enrolment: Enrolment, organisation: Json, *successors: Json, ends_on: str = YESTERDAY) -> Any:
    body = {"successor_ids": [successor["id"] for successor in successors], "ends_on": ends_on}
    path = f"/v1/organisations/{organisation['id']}/succession"
    return enrolment.client.post(path, json={**body, "reason": "Valtimo became part of Nurmes"}, role="manager")


def test_a_successor_goes_on_with_open_enrolments_and_people(enrolment: Enrolment) -> None:
    valtimo = enrolment.municipality("911", name={"fi": "Valtimo"})
    nurmes = enrolment.municipality("541", name={"fi": "Nurmes"})
    person = enrolment.contact(valtimo)
    season, earlier = enrolment.season(number=7), enrolment.season(number=6)
    open_one = enrolment.created("enrolments", a.enrolment(season, valtimo))
    past = enrolment.created("enrolments", a.enrolment(earlier, valtimo))
    enrolment.moved("enrolments", past, "declined", "Not then")
    answer = succeed(enrolment, valtimo, nurmes)
    assert answer.status_code == 200, answer.text
    assert (answer.json["organisation"]["ends_on"], answer.json["organisation"]["successor_ids"]) == (
        YESTERDAY,
        [nurmes["id"]],
    )
    assert enrolment.shown("enrolments", open_one)["organisation_id"] == nurmes["id"]
    assert enrolment.shown("enrolments", past)["organisation_id"] == valtimo["id"]
    assert enrolment.shown("contacts", person)["organisation_id"] == nurmes["id"]
    assert [position["organisation_id"] for position in positions(enrolment, person)] == [valtimo["id"], nurmes["id"]]
    assert enrolment.types(a.ORGANISATIONS)[-1] == "organisation.succeeded"


def test_two_enrolments_of_one_season_become_one_with_all_days(enrolment: Enrolment) -> None:
    season = enrolment.season()
    valtimo, nurmes = enrolment.municipality("911"), enrolment.municipality("541")
    made = []
    for organisation in (valtimo, nurmes):
        each = enrolment.created("enrolments", a.enrolment(season, organisation))
        for step in ("negotiating", "enrolled", "active"):
            each = enrolment.moved("enrolments", each, step)
        made.append(each)
    answer = succeed(enrolment, valtimo, nurmes).json
    assert answer["enrolments"] == [{"enrolment_id": made[0]["id"], "into": made[1]["id"], "carried_half_days": 6}]
    assert (enrolment.left(made[0]), enrolment.left(made[1])) == ((0, 0, 0, 0), (12, 0, 0, 12))
    ended = enrolment.shown("enrolments", made[0])
    assert (ended["state"], ended["reason_code"]) == ("withdrawn", "merger")


def test_an_organisation_ends_once_and_not_in_itself(enrolment: Enrolment) -> None:
    valtimo, nurmes = enrolment.municipality("911"), enrolment.municipality("541")
    assert succeed(enrolment, valtimo, valtimo).status_code == 422
    assert succeed(enrolment, valtimo, nurmes).status_code == 200
    assert succeed(enrolment, valtimo, nurmes).status_code == 409
