"""Check-ins from doors that were offline, and Teams' attendance report."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from services.events.attendance.teams import Attendee, read_report, seconds_in
from shared.ids import new_id
from tests.events import builders as a
from tests.events.conftest import Events, Json


def scan(registration: Json, at: str, **changes: Any) -> Json:
    return {"id": new_id(), "registration_id": registration["id"], "at": at} | changes


def send(events: Events, event: Json, *scans: Json) -> Any:
    return events.client.post(f"/v1/events/{event['id']}/check-ins", json={"check_ins": list(scans)})


def outcomes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["outcome"] for each in answer.json["check_ins"]]


def presence(events: Events, registration: Json) -> tuple[str, str | None, int | None]:
    found = events.registration(registration)
    return found["state"], found["attended_at"], found["minutes"]


def test_scans_in_any_order_and_number_have_the_same_end(events: Events) -> None:
    event = events.published(a.webinar())
    ends = set()
    for number, order in enumerate(permutations(range(3))):
        registration = events.registered(event, person=a.person(number))
        times = ("2026-01-01T09:05:00Z", "2026-01-01T09:00:00Z", "2026-01-01T09:30:00Z")
        scans = [scan(registration, at, minutes=minutes) for at, minutes in zip(times, (10, 55, 5), strict=True)]
        for place in (*order, *order):
            send(events, event, scans[place])
        ends.add(presence(events, registration))
    assert ends == {("attended", "2026-01-01T09:00:00Z", 55)}


def test_a_scan_that_comes_again_after_it_was_taken_back_brings_nothing_back(events: Events) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person())
    first = scan(registration, "2026-01-01T09:00:00Z")
    assert outcomes(send(events, event, first, first)) == ["attended", "known"]
    events.turned(registration, "confirmed")
    assert outcomes(send(events, event, first)) == ["known"]
    assert events.registration(registration)["state"] == "confirmed"


def test_a_door_refuses_those_who_cancelled_and_lets_in_those_in_line(events: Events) -> None:
    event = events.published(a.webinar(capacity=2))
    cancelled, _, _, waiting = (events.registered(event, person=a.person(number)) for number in range(4))
    other = events.registered(events.published(a.webinar()), person=a.person(9))
    events.turned(cancelled, "cancelled")
    at = "2026-01-01T09:00:00Z"
    by_code = {"id": new_id(), "code": waiting["id"], "at": at}
    answer = send(events, event, scan(cancelled, at), scan(other, at), by_code, scan({"id": new_id()}, at))
    assert outcomes(answer) == ["refused", "refused", "attended", "refused"]
    assert events.registration(waiting)["state"] == "attended"


def test_two_doors_that_send_the_same_scans_at_once_count_them_once(events: Events, at_once: Callable) -> None:
    event = events.published(a.webinar())
    registrations = [events.registered(event, person=a.person(number)) for number in range(3)]
    scans = [scan(registration, "2026-01-01T09:00:00Z") for registration in registrations]
    answers = at_once([lambda: send(events, event, *scans)] * 4)
    assert {answer.status_code for answer in answers} <= {200, 409}
    told = [message for message in events.said(a.REGISTRATIONS) if message.change.get("to") == "attended"]
    assert len(told) == 3


REPORT = """1. Summary
Meeting title\tTilannekuva
Attended participants\t4

2. Participants
Name\tFirst Join\tLast Leave\tIn-Meeting Duration\tEmail\tParticipant ID (UPN)\tRole
Meriläinen Aino1 (Yliopisto)\t1/12/22, 2:00:00 PM\t1/12/22, 2:30:00 PM\t30m 5s\tAINO.1@yliopisto.example\t\tPresenter
Aino1 Meriläinen\t1/12/22, 2:31:00 PM\t1/12/22, 3:01:00 PM\t29m 55s\taino.1@yliopisto.example\t\tAttendee
Aino2 Meriläinen (Guest)\t1/12/22, 2:00:00 PM\t1/12/22, 3:30:00 PM\t1h 30m\t\t\tAttendee
Sama Nimi\t1/12/22, 2:00:00 PM\t1/12/22, 3:00:00 PM\t1h\t\t\tAttendee
Outo Vieras\t1/12/22, 2:00:00 PM\t1/12/22, 2:01:00 PM\t59s\touto@muualla.example\t\tAttendee

3. In-Meeting Activities
Name\tJoin Time\tLeave Time\tDuration\tEmail\tRole
Ei Lueta\t1/12/22, 2:00:00 PM\t1/12/22, 3:00:00 PM\t1h\tei@lueta.example\tAttendee
"""


def upload(events: Events, event: Json, text: str = REPORT, *, query: str = "", encoding: str = "utf-16") -> Any:
    path = f"/v1/events/{event['id']}/attendance{query}"
    return events.client.post(path, data=text.encode(encoding), headers={"Content-Type": "text/csv"})


def test_teams_report_is_shown_before_it_counts_and_counts_once(events: Events) -> None:
    event = events.published(a.webinar())
    first, second = (events.registered(event, person=a.person(number)) for number in (1, 2))
    twins = [
        events.registered(event, person=a.person(number, given_name="Sama", family_name="Nimi")) for number in (3, 4)
    ]
    shown = upload(events, event, query="?dry_run=true")
    assert shown.status_code == 200, shown.text
    found = shown.json
    assert {row["registration_id"]: row["minutes"] for row in found["matched"]} == {first["id"]: 60, second["id"]: 90}
    assert [row["name"] for row in found["unmatched"]] == ["Outo Vieras"]
    assert [set(row["registration_ids"]) for row in found["ambiguous"]] == [{twin["id"] for twin in twins}]
    assert events.registration(first)["state"] == "confirmed"
    for _ in range(2):
        upload(events, event)
    assert [presence(events, registration)[::2] for registration in (first, second)] == [
        ("attended", 60),
        ("attended", 90),
    ]
    assert events.registration(twins[0])["state"] == "confirmed"
    assert events.registration(first)["version"] == 3


def test_what_is_no_report_is_refused(events: Events) -> None:
    event = events.published(a.webinar())
    for text in ("", "a,b\n1,2\n", "Name\tEmail\tRole\nAino\taino@x.example\tAttendee\n"):
        assert upload(events, event, text, encoding="utf-8").status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "Nimi;Liittyi;Kesto kokouksessa;Sähköposti\nAino M;klo 9;1 t 2 min 3 s;aino@kunta.example\n",
        "Namn,Ansl,Varaktighet i mötet,E-post\nAino M,9.00,1 tim 2 min 3 sek,aino@kunta.example\n",
        "Full Name\tJoin\tDuration\tEmail\nAino M\t9:00\t01:02:03\tAino@kunta.example\n",
    ],
)
def test_reports_are_read_in_each_language(text: str) -> None:
    assert read_report(text.encode()) == [Attendee(name="Aino M", email="aino@kunta.example", seconds=3723)]


@pytest.mark.parametrize(("text", "seconds"), [("", 0), ("59s", 59), ("2 h", 7200), ("1m 1s", 61), ("joo", 0)])
def test_a_time_is_read(text: str, seconds: int) -> None:
    assert seconds_in(text) == seconds
