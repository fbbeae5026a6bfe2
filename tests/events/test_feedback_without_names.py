"""Anonymous feedback, certificates for those who stayed, and the list of participants: through HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.events.people.retention import forget_guests
from tests.events import builders as a
from tests.events.conftest import Events, Json

QUESTION = {"key": "useful", "kind": "yes_no", "label": {"fi": "Oliko hyötyä?"}}


def link_of(events: Events, registration: Json) -> str:
    ends = datetime.now(UTC) + timedelta(days=60)
    return f"/public/registrations/{events.secrets.sign('registrations', registration['id'], expires_at=ends)}"


def visit(events: Events, path: str, body: Json | None = None) -> Any:
    if body is None:
        return events.client.get(path, role=None)
    return events.client.post(path, json=body, role=None)


def who_came(events: Events, event: Json, count: int) -> list[Json]:
    found = [events.registered(event, person=a.person(number)) for number in range(count)]
    return [events.turned(each, "attended") for each in found]


def test_anonymous_feedback_tells_nobody_who_gave_it(events: Events) -> None:
    event = events.published(a.webinar(feedback_anonymous=True, feedback_questions=[QUESTION]))
    first, second = who_came(events, event, 2)
    body = {"score": 2, "comment": "Liian pitkä", "answers": {"useful": False}}
    given = visit(events, f"{link_of(events, first)}/feedback", body).json
    assert (given["feedback"], "feedback" in given["actions"]) == (None, False)
    again = visit(events, f"{link_of(events, first)}/feedback", body)
    assert (again.status_code, "cannot be changed" in again.json["detail"]) == (409, True)
    assert visit(events, f"{link_of(events, second)}/feedback", {"score": 5}).status_code == 200
    shown = events.registration(first)
    history = events.client.get(f"/v1/registrations/{first['id']}/history").text
    for told in (str(shown), history, events.all_that_was_said()):
        assert "Liian" not in told
        assert "'score'" not in told
        assert '"score"' not in told
    listed = events.client.get(f"/v1/events/{event['id']}/anonymous-feedback").json["items"]
    assert sorted(listed, key=lambda row: row["score"]) == [
        {"score": 2, "comment": "Liian pitkä", "answers": {"useful": False}},
        {"score": 5, "comment": None, "answers": {}},
    ]
    summary = events.client.get(f"/v1/events/{event['id']}/summary").json
    assert (summary["scores"]["count"], summary["scores"]["mean"]) == (2, 3.5)
    assert summary["feedback"] == [{"key": "useful", "answers": {"false": 1}}]


def test_of_anonymous_feedback_the_scores_stay_when_the_texts_go(events: Events) -> None:
    event = events.published(a.webinar(feedback_anonymous=True))
    [came] = who_came(events, event, 1)
    visit(events, f"{link_of(events, came)}/feedback", {"score": 3, "comment": "Kiitos, terveisin Aino"})
    past = datetime.now(UTC) - timedelta(days=401)
    events.db["anonymous_feedback"].update_one({}, {"$set": {"ends_at": past}})
    forget_guests(events.db, days=400)
    path = f"/v1/events/{event['id']}/anonymous-feedback"
    assert events.client.get(path).json["items"] == [{"score": 3, "comment": None, "answers": {}}]


@pytest.mark.parametrize(("minutes", "status"), [(44, 409), (45, 200), (None, 200)])
def test_a_certificate_is_for_those_who_stayed_long_enough_where_it_is_known(
    events: Events, minutes: int | None, status: int
) -> None:
    event = events.published(a.webinar(certificate_minutes=45))
    [came] = who_came(events, event, 1)
    scan = {"id": came["id"], "registration_id": came["id"], "at": event["starts_at"], "minutes": minutes}
    if minutes is not None:
        events.client.post(f"/v1/events/{event['id']}/check-ins", json={"check_ins": [scan]})
    path = link_of(events, came)
    assert visit(events, f"{path}/certificate.pdf").status_code == status
    assert events.client.get(f"/v1/registrations/{came['id']}/certificate.pdf").status_code == status
    assert ("certificate" in visit(events, path).json["actions"]) == (status == 200)


def test_participants_see_those_who_agreed_and_nobody_else(events: Events) -> None:
    event = events.published(a.webinar(capacity=3, participant_list=True))
    path = f"/v1/events/{event['id']}/registrations"
    agreed, silent, late, waits = (
        events.client.post(path, json={"person": a.person(number), "listed": number != 2}).json
        for number in (1, 2, 3, 4)
    )
    events.turned(late, "cancelled")  # the seat goes to the fourth, who agreed too
    seen = visit(events, f"{link_of(events, silent)}/participants").json["items"]
    assert [each["name"] for each in seen] == ["Aino1 Meriläinen", "Aino4 Meriläinen"]
    assert seen[0] == {"name": "Aino1 Meriläinen", "organisation": "Esimerkkiyliopisto"}
    assert visit(events, f"{link_of(events, late)}/participants").status_code == 409
    assert visit(events, link_of(events, agreed), {"listed": False}).json["listed"] is False
    seen = visit(events, f"{link_of(events, waits)}/participants").json["items"]
    assert [each["name"] for each in seen] == ["Aino4 Meriläinen"]


def test_without_a_list_of_participants_there_is_none(events: Events) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person())
    assert visit(events, f"{link_of(events, registration)}/participants").status_code == 409
    assert "participants" not in visit(events, link_of(events, registration)).json["actions"]
