"""From one season to the next, and how a season stands."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from shared.ids import utc_now
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json

AllAtOnce = Callable[[Sequence[Callable[[], Any]]], list[Any]]


class Seasons:
    """Season 7 with members, and season 8, which takes enrolments."""

    def __init__(self, enrolment: Enrolment) -> None:
        self.enrolment = enrolment
        self.old = enrolment.season(number=7)
        self.new = enrolment.season(number=8, starts_on="2025-01-01", ends_on="2026-12-31")

    def member(self, state: str = "active", **fields: Any) -> Json:
        return self.enrolment.enrolment(state, season=self.old, **fields)

    def renew(self, *, dry_run: bool = False, role: str = "manager", **body: Any) -> Any:
        path = f"/v1/seasons/{self.new['id']}/renewals?dry_run={str(dry_run).lower()}"
        return self.enrolment.client.post(path, json={"from_season_id": self.old["id"], **body}, role=role)


def test_members_become_inquiries_with_their_people_and_coordinator(enrolment: Enrolment) -> None:
    seasons = Seasons(enrolment)
    anna = enrolment.contact(enrolment.municipality())
    member = seasons.member(contact_ids=[anna["id"]], coordinator="maija", responsible_contact_id=anna["id"])
    [renewed] = seasons.renew().json["renewed"]
    made = enrolment.shown("enrolments", {"id": renewed["enrolment_id"]})
    assert (made["state"], made["season_id"], made["organisation_id"], made["previous_enrolment_id"]) == (
        "inquiry",
        seasons.new["id"],
        member["organisation_id"],
        member["id"],
    )
    assert (made["contact_ids"], made["coordinator"], made["responsible_contact_id"]) == (
        [anna["id"]],
        "maija",
        anna["id"],
    )


def test_pressing_it_again_renews_nobody_twice(enrolment: Enrolment, all_at_once: AllAtOnce) -> None:
    seasons = Seasons(enrolment)
    for _ in range(3):
        seasons.member()
    answers = all_at_once([seasons.renew] * 5)
    assert {answer.status_code for answer in answers} <= {200, 409}
    again = seasons.renew().json
    assert (len(again["renewed"]), len(again["already"])) == (0, 3)
    assert len(enrolment.listed("enrolments", season_id=seasons.new["id"])) == 3


def test_a_dry_run_tells_and_changes_nothing(enrolment: Enrolment) -> None:
    seasons = Seasons(enrolment)
    member, declined = seasons.member(), seasons.member("declined")
    answer = seasons.renew(dry_run=True).json
    assert [row["previous_enrolment_id"] for row in answer["renewed"]] == [member["id"]]
    assert [(row["previous_enrolment_id"], row["why"]) for row in answer["skipped"]] == [
        (declined["id"], "it is declined")
    ]
    assert enrolment.listed("enrolments", season_id=seasons.new["id"]) == []


def test_unused_days_go_by_an_entry_in_each_account(enrolment: Enrolment) -> None:
    seasons = Seasons(enrolment)
    member = seasons.member()
    assert enrolment.left(member) == (6, 0, 0, 6)
    [renewed] = seasons.renew(carry_unused_days=True).json["renewed"]
    made = {"id": renewed["enrolment_id"]}
    assert renewed["carried_half_days"] == 6
    assert (enrolment.left(member), enrolment.left(made)) == ((0, 0, 0, 0), (6, 0, 0, 6))
    entries = [enrolment.days(account)["ledger"][-1] for account in (member, made)]
    assert [(entry["carried"], entry["half_days"]) for entry in entries] == [("carried_out", -6), ("carried_in", 6)]
    assert enrolment.types(a.WORKSHOP_DAYS)[-1:] == ["workshop_days.carried"]


def test_an_organisation_that_has_ended_is_left_out(enrolment: Enrolment) -> None:
    seasons = Seasons(enrolment)
    member = seasons.member()
    enrolment.changed("organisations", {"id": member["organisation_id"]}, ends_on="2024-12-31")
    assert [row["why"] for row in seasons.renew().json["skipped"]] == ["its organisation has ended"]


def test_only_managers_renew_and_only_from_an_earlier_season(enrolment: Enrolment) -> None:
    seasons = Seasons(enrolment)
    assert seasons.renew(role="coordinator").status_code == 403
    assert seasons.renew(from_season_id=seasons.new["id"]).status_code == 422
    assert seasons.renew(from_season_id="01890000-0000-7000-8000-000000000000").status_code == 422


def test_two_seasons_are_compared(enrolment: Enrolment) -> None:
    first = enrolment.season(number=6)
    seasons = Seasons(enrolment)
    returned, kept, lost, new = (enrolment.organisation() for _ in range(4))
    for season, organisations in (
        (first, [returned]),
        (seasons.old, [kept, lost]),
        (seasons.new, [returned, kept, new]),
    ):
        for organisation in organisations:
            made = enrolment.created("enrolments", a.enrolment(season, organisation))
            for step in ("negotiating", "enrolled"):
                made = enrolment.moved("enrolments", made, step)
    path = f"/v1/seasons/{seasons.new['id']}/renewals?from_season_id={seasons.old['id']}"
    found = enrolment.client.get(path).json
    assert {name: found[name] for name in ("renewed", "lost", "new", "returned")} == {
        "renewed": [kept["id"]],
        "lost": [lost["id"]],
        "new": [new["id"]],
        "returned": [returned["id"]],
    }


def test_the_pipeline_counts_states_days_and_coordinators(enrolment: Enrolment) -> None:
    season = enrolment.season()
    enrolment.enrolment(season=season, coordinator="maija")
    old = enrolment.enrolment("negotiating", season=season)
    ago = utc_now() - timedelta(days=100, hours=1)
    enrolment.db["enrolments"].update_one({"_id": old["id"]}, {"$set": {"state_since": ago, "updated_at": ago}})
    found = enrolment.client.get(f"/v1/seasons/{season['id']}/pipeline").json
    states = {row["state"]: (row["count"], row["longest_days"], row["by_coordinator"]) for row in found["states"]}
    assert states["inquiry"] == (1, 0, {"maija": 1})
    assert states["negotiating"] == (1, 100, {"": 1})
    assert states["declined"] == (0, None, {})
    assert [(row["enrolment_id"], row["why"], row["days_in_state"]) for row in found["overdue"]] == [
        (old["id"], ["quiet"], 100)
    ]


def test_a_note_ends_the_quiet_and_a_next_contact_in_the_past_is_overdue(enrolment: Enrolment) -> None:
    season = enrolment.season()
    quiet = enrolment.enrolment(season=season)
    ago = utc_now() - timedelta(days=100)
    enrolment.db["enrolments"].update_one({"_id": quiet["id"]}, {"$set": {"updated_at": ago}})
    enrolment.created("notes", {"about": {"kind": "enrolment", "id": quiet["id"]}, "text": "Called."})
    waiting = enrolment.enrolment(season=season, next_contact_on="2023-01-15")
    found = enrolment.client.get(f"/v1/seasons/{season['id']}/pipeline").json
    assert [(row["enrolment_id"], row["why"]) for row in found["overdue"]] == [(waiting["id"], ["next_contact"])]


def test_a_decline_says_of_what_kind_its_reason_is(enrolment: Enrolment) -> None:
    made = enrolment.enrolment()
    path = f"/v1/enrolments/{made['id']}/transitions"
    body = {"to": "declined", "reason": "No money this year", "reason_code": "money"}
    declined = enrolment.client.post(path, json=body).json
    assert (declined["state_reason"], declined["reason_code"]) == ("No money this year", "money")
    assert enrolment.listed("enrolments", reason_code="money") == [made["id"]]
    assert enrolment.client.post(path, json={"to": "negotiating", "reason_code": "whim"}).status_code == 422


def test_enrolments_are_found_by_theme_contact_and_next_contact(enrolment: Enrolment) -> None:
    season = enrolment.season()
    anna = enrolment.contact(enrolment.municipality())
    wanted = enrolment.enrolment(
        season=season, themes=["tieto"], contact_ids=[anna["id"]], next_contact_on="2023-05-01"
    )
    enrolment.enrolment(season=season, next_contact_on="2023-06-01")
    for query in ({"theme": "tieto"}, {"contact_id": anna["id"]}, {"next_contact_before": "2023-05-15"}):
        assert enrolment.listed("enrolments", **query) == [wanted["id"]]


def test_organisations_are_found_by_region_size_tag_and_season(enrolment: Enrolment) -> None:
    region = {"fi": "Pirkanmaa", "sv": "Birkaland"}
    wanted = enrolment.municipality(region=region, tags=["Pilot"], population=30_000, email_domains=["tampere.fi"])
    enrolment.municipality("049", name={"fi": "Espoo"}, population=300_000)
    season = enrolment.season()
    enrolment.created("enrolments", a.enrolment(season, wanted))
    queries = [{"region": "Birkaland"}, {"population_max": 100_000}, {"tag": "Pilot"}, {"season_id": season["id"]}]
    for query in queries:
        assert enrolment.listed("organisations", **query) == [wanted["id"]]
    assert enrolment.change("organisations", wanted, email_domains=["@tampere.fi"]).status_code == 422
    assert enrolment.change("organisations", wanted, tags=["a", "A"]).status_code == 422


def test_contacts_are_found_by_tag_and_season(enrolment: Enrolment) -> None:
    organisation = enrolment.municipality()
    wanted = enrolment.contact(organisation, tags=["board"], legal_basis="consent", source="a letter")
    enrolment.contact(organisation, given_name="Olli")
    season = enrolment.season()
    enrolment.created("enrolments", a.enrolment(season, organisation, contact_ids=[wanted["id"]]))
    for query in ({"tag": "board"}, {"season_id": season["id"]}, {"legal_basis": "consent"}):
        assert enrolment.listed("contacts", **query) == [wanted["id"]]
