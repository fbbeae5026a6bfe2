"""Invited, answered, not yet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.events import builders as a
from tests.events.conftest import Events, Json

INVITATIONS = "uso.events.invitations.v1"


def leaders(events: Events, count: int = 1, **changes: Any) -> list[Json]:
    """Contacts of one organisation, known here."""
    town = a.organisation()
    found = [a.contact(town, given_name=f"N{number}", **changes) for number in range(count)]
    events.hears(a.known(a.ORGANISATIONS, town), a.known(a.CONTACTS, *found))
    return found


def invite(events: Events, event: Json, *contacts: Json) -> Any:
    body = {"contact_ids": [contact["id"] for contact in contacts]}
    return events.client.post(f"/v1/events/{event['id']}/invitations", json=body)


def invited(events: Events, event: Json, contact: Json) -> tuple[str, str]:
    """The id of the contact's new invitation, and the address in its mail."""
    [invitation] = invite(events, event, contact).json["invited"]
    ends = datetime.now(UTC) + timedelta(days=60)
    return invitation[
        "id"
    ], f"/public/invitations/{events.secrets.sign('invitations', invitation['id'], expires_at=ends)}"


def answer(events: Events, path: str, **body: Any) -> Any:
    return events.client.post(path, json=body, role=None)


def summary(events: Events, event: Json) -> Json:
    body: Json = events.client.get(f"/v1/events/{event['id']}/invitations/summary").json
    return body


def test_each_contact_is_invited_once(events: Events) -> None:
    event = events.published(a.webinar())
    first, second = leaders(events, 2)
    assert [invitation["contact_id"] for invitation in invite(events, event, first).json["invited"]] == [first["id"]]
    again = invite(events, event, first, second, second).json
    assert [invitation["contact_id"] for invitation in again["invited"]] == [second["id"]]
    assert again["invited_before"] == [first["id"]]
    assert events.types(INVITATIONS) == ["invitation.created"] * 2


def test_two_who_invite_the_same_contact_at_once_make_one_invitation(events: Events, at_once: Callable) -> None:
    event = events.published(a.webinar())
    [leader] = leaders(events)
    answers = at_once([lambda: invite(events, event, leader)] * 4)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert summary(events, event)["asked"] == 1


def test_a_yes_gives_a_seat_even_where_the_audience_is_another(events: Events) -> None:
    event = events.published(a.webinar(audience={"open_to": "public", "roles": ["elected"]}))
    [leader] = leaders(events, role="developer")
    identifier, path = invited(events, event, leader)
    own = answer(events, path, answer="accepted").json
    assert (own["state"], own["answers"]) == ("accepted", [])
    assert answer(events, path, answer="accepted").status_code == 200
    [registration] = events.registrations(event)
    assert (registration["state"], registration["contact_id"]) == ("confirmed", leader["id"])
    shown = events.client.get(f"/v1/invitations/{identifier}").json
    assert (shown["registration_id"], shown["version"]) == (registration["id"], 2)
    page = events.client.get(f"/public/registrations/{own['registration_token']}", role=None)
    assert page.json["state"] == "confirmed"


def test_a_yes_of_somebody_who_is_registered_already_keeps_their_registration(events: Events) -> None:
    event = events.published(a.webinar())
    [leader] = leaders(events)
    registration = events.registered(event, contact=leader)
    identifier, path = invited(events, event, leader)
    assert answer(events, path, answer="accepted").status_code == 200
    assert events.client.get(f"/v1/invitations/{identifier}").json["registration_id"] == registration["id"]


def test_a_no_keeps_its_reason_inside_and_may_become_a_yes(events: Events) -> None:
    event = events.published(a.webinar())
    [leader] = leaders(events)
    identifier, path = invited(events, event, leader)
    own = answer(events, path, answer="declined", reason="Olen silloin lomalla").json
    assert (own["state"], own["answers"]) == ("declined", ["accepted", "replaced"])
    assert events.client.get(f"/v1/invitations/{identifier}").json["reason"] == "Olen silloin lomalla"
    assert "lomalla" not in events.all_that_was_said()
    assert answer(events, path, answer="accepted").json["state"] == "accepted"
    assert [message.change.get("to") for message in events.said(INVITATIONS)] == [None, "declined", "accepted"]


def test_a_colleague_comes_instead_and_counts_for_the_same_organisation(events: Events) -> None:
    event = events.published(a.webinar(max_per_organisation=1))
    [leader] = leaders(events)
    _, path = invited(events, event, leader)
    own = answer(events, path, answer="declined", colleague=a.person(7)).json
    assert (own["state"], own["registration_token"]) == ("replaced", None)
    [registration] = events.registrations(event)
    assert registration["person"]["email"] == "aino.7@yliopisto.example"
    assert registration["organisation_id"] == leader["organisation_id"]
    assert "aino.7" not in events.all_that_was_said()


def test_one_names_another_than_oneself(events: Events) -> None:
    event = events.published(a.webinar())
    [leader] = leaders(events)
    _, path = invited(events, event, leader)
    refused = answer(events, path, answer="declined", colleague=a.person(email=leader["email"]))
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["colleague.email"])


@pytest.mark.parametrize(
    "body", [{}, {"answer": "replaced"}, {"answer": "accepted", "reason": "x"}, {"answer": "declined", "to": "x"}]
)
def test_an_answer_is_a_yes_or_a_no(events: Events, body: Json) -> None:
    event = events.published(a.webinar())
    _, path = invited(events, event, leaders(events)[0])
    assert answer(events, path, **body).status_code == 422


def test_a_yes_to_a_full_event_without_a_line_is_refused_and_changes_nothing(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, waitlist=False))
    events.registered(event, person=a.person())
    _, path = invited(events, event, leaders(events)[0])
    assert answer(events, path, answer="accepted").status_code == 409
    assert events.client.get(path, role=None).json["state"] == "sent"


def test_the_silent_are_reminded_once(events: Events) -> None:
    event = events.published(a.webinar())
    yes, silent = leaders(events, 2)
    _, path = invited(events, event, yes)
    invite(events, event, silent)
    answer(events, path, answer="accepted")
    remind = f"/v1/events/{event['id']}/invitations/remind"
    assert [events.client.post(remind).json for _ in range(2)] == [{"reminded": 1}, {"reminded": 0}]
    reminded = [message for message in events.said(INVITATIONS) if message.type == "invitation.reminded"]
    assert [message.state["contact_id"] for message in reminded if message.state] == [silent["id"]]


def test_staff_see_the_answers_of_each_organisation(events: Events) -> None:
    event = events.published(a.webinar())
    first, second = leaders(events, 2)
    [other] = leaders(events)
    _, path = invited(events, event, first)
    invite(events, event, second, other)
    answer(events, path, answer="declined")
    found = summary(events, event)
    assert (found["asked"], found["by_state"]) == (3, {"declined": 1, "sent": 2})
    assert [(row["asked"], row["by_state"]) for row in found["by_organisation"]] == [
        (2, {"declined": 1, "sent": 1}),
        (1, {"sent": 1}),
    ]
    listed = events.client.get(
        f"/v1/events/{event['id']}/invitations",
        query_string={"state": "sent", "organisation_id": first["organisation_id"]},
    ).json["items"]
    assert [invitation["contact_id"] for invitation in listed] == [second["id"]]


def test_nobody_is_invited_to_a_draft_or_to_what_has_begun(events: Events) -> None:
    [leader] = leaders(events)
    draft = events.drafted(a.webinar())
    begun = events.published(a.webinar(starts_at=a.in_(hours=-1), ends_at=a.in_(hours=1)))
    assert [invite(events, event, leader).status_code for event in (draft, begun)] == [409, 409]
    unknown = events.client.post(f"/v1/events/{begun['id']}/invitations", json={"contact_ids": [begun["id"]]})
    assert (unknown.status_code, list(unknown.json["errors"])) == (422, ["contact_ids.0"])


def test_a_link_of_another_kind_opens_no_invitation(events: Events) -> None:
    event = events.published(a.webinar())
    identifier, _ = invited(events, event, leaders(events)[0])
    token = events.secrets.sign("registrations", identifier, expires_at=None)
    assert events.client.get(f"/public/invitations/{token}", role=None).status_code == 404


def test_a_yes_answers_the_events_own_questions(events: Events) -> None:
    lunch = {"key": "lunch", "kind": "yes_no", "label": {"fi": "Lounas?"}, "required": True}
    diet = {"key": "diet", "kind": "text", "label": {"fi": "Ruokavalio"}, "sensitive": True}
    event = events.published(a.webinar(questions=[lunch, diet], capacity=1, online_capacity=1))
    [leader] = leaders(events)
    _, path = invited(events, event, leader)
    refused = answer(events, path, answer="accepted")
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["answers.lunch"])
    given = {"lunch": True, "diet": "Kasvis"}
    assert answer(events, path, answer="accepted", answers=given, mode="online").status_code == 200
    assert answer(events, path, answer="accepted").status_code == 200
    [registration] = events.registrations(event)
    assert (registration["answers"], registration["mode"]) == ({"lunch": True}, "online")
    asked = events.client.get(f"/v1/events/{event['id']}/sensitive-answers").json["questions"]
    assert [each["answers"] for each in asked] == [["Kasvis"]]
    assert answer(events, path, answer="declined", answers=given).status_code == 422
