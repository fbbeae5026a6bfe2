"""The season report has the figures that the events service itself gives."""

from datetime import UTC, datetime, timedelta

from shared.instants import instant_text
from tests.contracts.conftest import Json, Network
from tests.enrolment import builders as a

ROLES = ("officeholder", "elected", "elected")


def attended(network: Network, people: list[Json], scores: list[int]) -> Json:
    """The summary of a new event to which all of them came; some say how it was."""
    starts = datetime.now(UTC) + timedelta(minutes=20)
    times = {"starts_at": instant_text(starts), "ends_at": instant_text(starts + timedelta(hours=1))}
    event = network.post("events", "/v1/events", {"kind": "webinar", "title": {"fi": "Webinaari"}, **times})
    path = f"/v1/events/{event['id']}"
    network.move("events", path, "published")
    for number, person in enumerate(people):
        made = network.post("events", f"{path}/registrations", {"contact_id": person["id"]})
        network.move("events", f"/v1/registrations/{made['id']}", "attended")
        if number < len(scores):
            network.post("events", f"/v1/registrations/{made['id']}/feedback", {"score": scores[number]})
    return network.get("events", f"{path}/summary")


def test_attended_and_feedback_are_those_of_the_events_own_summaries(network: Network) -> None:
    today = datetime.now(UTC).date()
    days = {"starts_on": str(today - timedelta(days=9)), "ends_on": str(today + timedelta(days=9))}
    season = network.post("enrolment", "/v1/seasons", a.season(**days))
    network.move("enrolment", f"/v1/seasons/{season['id']}", "open")
    place = network.post("enrolment", "/v1/organisations", a.municipality())
    people = [network.post("enrolment", "/v1/contacts", a.contact(place, role=role)) for role in ROLES]
    network.post("enrolment", "/v1/enrolments", a.enrolment(season, place))
    network.catch_up()
    summaries = [attended(network, people, [4, 5]), attended(network, people[:1], [2])]
    network.catch_up()
    total = network.get("enrolment", f"/v1/seasons/{season['id']}/report")["total"]
    assert total["attended"] == sum(each["by_state"]["attended"] for each in summaries) == 4
    for role in ("officeholder", "elected"):
        assert total[f"attended_{role}"] == sum(each["by_role"].get(role, 0) for each in summaries)
    count = sum(each["scores"]["count"] for each in summaries)
    points = sum(each["scores"]["count"] * each["scores"]["mean"] for each in summaries)
    assert (total["feedback_count"], total["feedback_mean"]) == (count, round(points / count, 2)) == (3, 3.67)
