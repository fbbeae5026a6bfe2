"""Several people at once, a colleague instead, one more by staff's word, and changes of one's own registration."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.events import builders as a
from tests.events.conftest import Events, Json
from tests.events.test_public import visit
from tests.pages.scenes import own_path


def colleagues(events: Events, count: int = 2, **changes: Any) -> list[Json]:
    town = a.organisation()
    found = [a.contact(town, given_name=f"N{number}", **changes) for number in range(count)]
    events.hears(a.known(a.ORGANISATIONS, town), a.known(a.CONTACTS, *found))
    return found


def transfer(events: Events, registration: Json, contact: Json) -> Any:
    return events.client.post(f"/v1/registrations/{registration['id']}/transfer", json={"contact_id": contact["id"]})


def batch(events: Events, event: Json, *people: Json, mode: str = "all_or_none") -> Any:
    body = {"registrations": [{"person": person} for person in people], "mode": mode}
    return events.client.post(f"/v1/events/{event['id']}/registrations/batch", json=body)


def states(events: Events, event: Json) -> list[str]:
    return [registration["state"] for registration in events.registrations(event)]


def test_a_transferred_seat_stays_taken_and_both_hear_of_it(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    leaver, comer = colleagues(events)
    before = events.registered(event, contact=leaver)
    events.registered(event, person=a.person(9))
    told = len(events.said(a.REGISTRATIONS))
    made = transfer(events, before, comer)
    assert made.status_code == 201
    assert (made.json["contact_id"], made.json["state"]) == (comer["id"], "confirmed")
    assert (made.json["transferred_from"], made.json["queue_number"]) == (before["id"], before["queue_number"])
    assert events.registration(before)["state"] == "cancelled"
    assert sorted(states(events, event)) == ["cancelled", "confirmed", "waitlisted"]
    assert events.seats(event)["taken"] == 1
    messages = {message.type: message for message in events.said(a.REGISTRATIONS)[told:]}
    assert set(messages) == {"registration.transferred", "registration.transitioned"}
    assert messages["registration.transitioned"].change["transferred_to"] == made.json["id"]
    sequences = [message.state["calendar_sequence"] for message in messages.values() if message.state]
    assert min(sequences) > before["calendar_sequence"]


def test_a_place_in_line_goes_to_the_colleague_too(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    seated = events.registered(event, person=a.person(1))
    leaver, comer = colleagues(events)
    waiting = events.registered(event, contact=leaver)
    events.registered(event, person=a.person(2))
    made = transfer(events, waiting, comer).json
    assert (made["state"], made["position"]) == ("waitlisted", 1)
    events.turned(seated, "cancelled")
    assert events.registration(made)["state"] == "confirmed"


def test_a_place_goes_to_a_colleague_only_and_to_nobody_twice(events: Events) -> None:
    event = events.published(a.webinar())
    leaver, comer = colleagues(events)
    [stranger] = colleagues(events, 1)
    registration = events.registered(event, contact=leaver)
    assert transfer(events, registration, stranger).status_code == 409
    events.registered(event, contact=comer)
    assert transfer(events, registration, comer).status_code == 409
    assert events.registration(registration)["state"] == "confirmed"


def test_of_two_who_transfer_at_once_one_succeeds(events: Events, at_once: Callable) -> None:
    event = events.published(a.webinar(capacity=1))
    leaver, *comers = colleagues(events, 4)
    registration = events.registered(event, contact=leaver)
    answers = at_once([lambda comer=comer: transfer(events, registration, comer) for comer in comers])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert sorted(states(events, event)) == ["cancelled", "confirmed"]
    assert events.seats(event)["taken"] == 1


def test_one_gives_ones_place_away_by_the_link_and_the_old_link_opens_nothing_of_the_colleagues(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    registration = events.registered(event, person=a.person(1))
    path = own_path(events, registration).removeprefix("/public")
    own = visit(events, f"{path}/transfer", {"person": a.person(2)})
    assert (own.status_code, own.json["state"], own.json["actions"]) == (200, "cancelled", [])
    assert visit(events, path, {"to": "cancelled"}).status_code == 409
    [seated] = events.registrations(event, state="confirmed")
    assert seated["person"]["email"] == "aino.2@yliopisto.example"


@pytest.mark.parametrize("known", ["registered", "a contact of others"])
def test_what_one_hears_of_an_address_by_the_link_is_the_same_whatever_it_is(events: Events, known: str) -> None:
    event = events.published(a.webinar())
    registration = events.registered(event, person=a.person(1))
    if known == "registered":
        events.registered(event, person=a.person(2))
    else:
        colleagues(events, 1, email="aino.2@yliopisto.example")
    path = own_path(events, registration).removeprefix("/public")
    refused = visit(events, f"{path}/transfer", {"person": a.person(2)})
    assert (refused.status_code, refused.json["detail"]) == (409, "This person cannot take the place: it stays yours.")


def test_a_batch_is_registered_as_a_whole_or_not_at_all(events: Events) -> None:
    event = events.published(a.webinar(capacity=2))
    refused = batch(events, event, *(a.person(number) for number in (1, 2, 3)))
    assert refused.status_code == 409
    assert [entry["index"] for entry in refused.json["refused"]] == [2]
    assert states(events, event) == []
    assert events.seats(event)["taken"] == 0
    done = batch(events, event, a.person(1), a.person(2)).json
    assert [registration["person"]["given_name"] for registration in done["registered"]] == ["Aino1", "Aino2"]
    assert events.types(a.REGISTRATIONS) == ["registration.created"] * 2


def test_of_a_batch_as_many_as_there_are_seats(events: Events) -> None:
    event = events.published(a.webinar(capacity=2))
    events.registered(event, person=a.person(1))
    done = batch(events, event, *(a.person(number) for number in (1, 2, 3, 3)), mode="as_many_as_fit").json
    assert [registration["person"]["given_name"] for registration in done["registered"]] == ["Aino2"]
    assert [entry["index"] for entry in done["refused"]] == [0, 2, 3]
    assert states(events, event) == ["confirmed"] * 2


def test_staff_let_one_more_in_and_say_why(events: Events) -> None:
    event = events.published(a.webinar(capacity=1, max_per_organisation=1))
    first, second = colleagues(events)
    events.registered(event, contact=first)
    path = f"/v1/events/{event['id']}/registrations"
    body = {"contact_id": second["id"], "override": {"reason": "puhuja"}}
    made = events.client.post(path, json=body)
    assert (made.status_code, made.json["state"]) == (201, "confirmed")
    assert events.said(a.REGISTRATIONS)[-1].change["reason"] == "puhuja"
    assert events.seats(event)["taken"] == 2
    assert events.client.post(path, json=body | {"override": {}}).status_code == 422


def test_staff_move_somebody_up_with_a_reason(events: Events) -> None:
    event = events.published(a.webinar(capacity=1))
    for number in (1, 2):
        events.registered(event, person=a.person(number))
    last = events.registered(event, person=a.person(3))
    assert events.turn(last, "confirmed").status_code == 422
    path = f"/v1/registrations/{last['id']}/transitions"
    moved = events.client.post(path, json={"to": "confirmed", "reason": "esiintyy"})
    assert (moved.status_code, moved.json["state"]) == (200, "confirmed")
    assert states(events, event) == ["confirmed", "waitlisted", "confirmed"]
    assert events.types(a.REGISTRATIONS)[-1] == "registration.promoted"


def test_the_language_of_a_registration_can_be_changed_by_staff_and_by_the_link(events: Events) -> None:
    registration = events.registered(events.published(a.webinar()), person=a.person())
    by_staff = events.client.patch(
        f"/v1/registrations/{registration['id']}", json={"language": "en"}, headers={"If-Match": '"1"'}
    )
    assert (by_staff.status_code, by_staff.json["language"], by_staff.headers["ETag"]) == (200, "en", '"2"')
    path = own_path(events, registration).removeprefix("/public")
    assert visit(events, path, {"language": "fi"}).json["language"] == "fi"
    assert visit(events, path, {"language": "fi", "to": "cancelled"}).status_code == 422
    assert visit(events, path, {}).status_code == 422


def test_too_late_to_cancel_is_too_late_to_change(events: Events) -> None:
    registration = events.registered(events.published(a.webinar(cancel_until="P60D")), person=a.person())
    path = own_path(events, registration).removeprefix("/public")
    assert visit(events, path, {"language": "fi"}).status_code == 409
    assert visit(events, f"{path}/transfer", {"person": a.person(2)}).status_code == 409
