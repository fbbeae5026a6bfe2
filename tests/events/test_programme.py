"""What an event says of itself: its programme, its materials, what is missing, and its copies."""

from datetime import UTC, datetime
from typing import Any

from shared.instants import instant_text
from tests.events import builders as a
from tests.events.conftest import Events, Json
from tests.events.test_public import visit
from tests.pages.scenes import own_path


def material(visible: str) -> Json:
    return {"title": {"fi": visible}, "url": f"https://uso.example/{visible}", "visible": visible}


def titles(event: Json) -> list[str]:
    return [each["title"]["fi"] for each in event["materials"]]


def test_materials_appear_when_their_time_has_come(events: Events) -> None:
    every = [material(visible) for visible in ("before", "after", "attended")]
    event = events.published(a.webinar(materials=every))
    came, absent = (events.registered(event, person=a.person(number)) for number in (1, 2))
    events.turned(came, "attended")
    assert titles(visit(events, f"/events/{event['id']}").json) == ["before"]
    events.moved(event, "completed")
    seen = [
        visit(events, own_path(events, registration).removeprefix("/public")).json["event"]
        for registration in (came, absent)
    ]
    assert [titles(shown) for shown in seen] == [["before", "after", "attended"], ["before", "after"]]


def test_a_speaker_who_is_a_contact_has_a_seat_without_asking(events: Events) -> None:
    speaker, later = a.contact(given_name="Siiri", family_name="Salo"), a.contact()
    events.hears(a.known(a.CONTACTS, speaker, later))
    talk = {"starts_at": a.in_(days=30), "title": {"fi": "Puhe"}}
    guest = {"name": "Kalle Vieras", "title": {"fi": "tutkija"}}
    body = a.webinar(capacity=1, agenda=[{**talk, "speakers": [{"contact_id": speaker["id"]}, guest]}])
    event = events.published(body)
    assert [registration["contact_id"] for registration in events.registrations(event)] == [speaker["id"]]
    events.changed(event, agenda=[{**talk, "speakers": [{"contact_id": each["id"]} for each in (speaker, later)]}])
    assert {registration["contact_id"] for registration in events.registrations(event)} == {speaker["id"], later["id"]}
    assert events.changed(event, venue={"fi": "Verkossa"})["agenda"][0]["speakers"][0]["contact_id"] == speaker["id"]


def test_the_public_sees_speakers_by_name_and_messages_tell_no_name(events: Events) -> None:
    speaker = a.contact(given_name="Siiri", family_name="Salo")
    events.hears(a.known(a.CONTACTS, speaker))
    speakers = [{"contact_id": speaker["id"]}, {"name": "Kalle Vieras"}]
    event = events.published(
        a.webinar(agenda=[{"starts_at": a.in_(days=30), "title": {"fi": "Puhe"}, "speakers": speakers}])
    )
    [item] = visit(events, f"/events/{event['id']}").json["agenda"]
    assert [each["name"] for each in item["speakers"]] == ["Siiri Salo", "Kalle Vieras"]
    assert event["agenda"][0]["speakers"][1]["name"] == "Kalle Vieras"
    changed = events.changed(event, venue={"fi": "Kuntatalo"})
    assert changed["agenda"][0]["speakers"][1]["name"] == "Kalle Vieras"
    assert "Vieras" not in events.all_that_was_said()


def test_an_answer_warns_of_texts_that_lack_a_language(events: Events) -> None:
    body = a.webinar(title={"fi": "A", "sv": "A"}, venue={"fi": "B"}, questions=[])
    event = events.drafted(body)
    assert event["warnings"] == [{"field": "venue", "language": "sv"}]
    assert events.changed(event, venue={"fi": "B", "sv": "B"})["warnings"] == []


def copies(events: Events, event: Json, *starts: str, **options: Any) -> Any:
    return events.client.post(f"/v1/events/{event['id']}/copies", json={"starts_at": list(starts), **options})


def test_a_copy_moves_with_the_clocks_of_its_zone(events: Events) -> None:
    """On 28 March 2027 Finland's clocks go forward: what began at 9.00 still begins at 9.00."""
    event = events.drafted(
        a.webinar(
            starts_at="2027-03-26T07:00:00Z",
            ends_at="2027-03-26T08:00:00Z",
            registration_opens_at="2027-03-01T07:00:00Z",
            registration_closes_at="2027-03-25T22:00:00Z",
            cancel_until="P1D",
            capacity=7,
            questions=[{"key": "diet", "kind": "text", "label": {"fi": "Ruoka"}, "sensitive": True}],
            agenda=[{"starts_at": "2027-03-26T07:10:00Z", "title": {"fi": "Puhe"}}],
        )
    )
    answer = copies(events, event, "2027-04-02T06:00:00Z")
    assert answer.status_code == 201
    [copy] = answer.json["events"]
    assert (copy["state"], copy["series_id"], copy["capacity"]) == ("draft", None, 7)
    assert copy["ends_at"] == "2027-04-02T07:00:00Z"
    assert copy["registration_opens_at"] == "2027-03-08T07:00:00Z"
    assert copy["registration_closes_at"] == "2027-04-01T21:00:00Z"
    assert copy["agenda"][0]["starts_at"] == "2027-04-02T06:10:00Z"
    assert [question["key"] for question in copy["questions"]] == ["diet"]
    assert copy["calendar"]["uid"] != event["calendar"]["uid"]


def test_a_series_is_found_by_its_id(events: Events) -> None:
    event = events.drafted(a.webinar())
    starts = [instant_text(datetime(2027, month, 1, 9, tzinfo=UTC)) for month in (2, 3, 4)]
    made = copies(events, event, *starts, series=True).json["events"]
    series = {copy["series_id"] for copy in made} | {events.event(event)["series_id"]}
    assert len(series) == 1
    found = events.client.get("/v1/events", query_string={"series_id": series.pop()}).json["items"]
    assert {shown["id"] for shown in found} == {event["id"], *(copy["id"] for copy in made)}


def test_a_workshop_is_not_copied(events: Events) -> None:
    town, seventh = a.organisation(), a.season()
    enrolment = a.enrolment(town, seventh)
    events.hears(a.known(a.SEASONS, seventh), a.known(a.ENROLMENTS, enrolment))
    assert copies(events, events.drafted(a.workshop(enrolment)), a.in_(days=40)).status_code == 409
