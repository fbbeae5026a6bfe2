"""What happened around an organisation and a contact, in all three services."""

import pytest

from shared.ids import new_id
from tests.enrolment import builders as a
from tests.enrolment.conftest import Enrolment, Json
from tests.support import message

REGISTRATIONS, DELIVERIES = "uso.events.registrations.v1", "uso.notifications.deliveries.v1"


class Life:
    """A contact of Tampere who was at a webinar, was written to and written about."""

    def __init__(self, enrolment: Enrolment) -> None:
        self.enrolment = enrolment
        self.tampere = enrolment.municipality()
        self.anna = enrolment.contact(self.tampere)
        self.inquiry = enrolment.created("enrolments", a.enrolment(enrolment.season(), self.tampere))
        self.note = enrolment.created("notes", {"about": {"kind": "contact", "id": self.anna["id"]}, "text": "Called."})
        event = {"id": new_id(), "version": 2, "kind": "webinar", "title": {"fi": "Syksy", "sv": "Höst"}}
        visit = {"id": new_id(), "version": 2, "event_id": event["id"], "contact_id": self.anna["id"]}
        visit |= {"organisation_id": self.tampere["id"], "state": "attended", "updated_at": "2024-10-01T12:00:00Z"}
        mail = {"id": new_id(), "version": 2, "contact_id": self.anna["id"], "template": "invitation", "state": "sent"}
        mail["updated_at"] = "2024-09-01T12:00:00Z"
        enrolment.hears(
            message(a.EVENTS, "event.created", event),
            message(REGISTRATIONS, "registration.transitioned", visit),
            message(DELIVERIES, "delivery.transitioned", mail),
        )

    def timeline(self, nouns: str, thing: Json, **query: object) -> list[Json]:
        answer = self.enrolment.client.get(f"/v1/{nouns}/{thing['id']}/timeline", query_string=query)
        assert answer.status_code == 200, answer.text
        items: list[Json] = answer.json["items"]
        return items


@pytest.fixture
def life(enrolment: Enrolment) -> Life:
    return Life(enrolment)


def test_a_contacts_timeline_spans_the_three_services_newest_first(life: Life) -> None:
    found = life.timeline("contacts", life.anna)
    assert [entry["kind"] for entry in found] == ["note", "contact", "registration", "delivery"]
    assert found == sorted(found, key=lambda entry: str(entry["at"]), reverse=True)
    assert [entry["by"] for entry in found] == ["test-coordinator", "test-coordinator", None, None]


def test_an_entry_says_it_in_three_languages_and_leads_to_it(life: Life) -> None:
    visit = next(entry for entry in life.timeline("contacts", life.anna) if entry["kind"] == "registration")
    assert visit["text"] == {
        "fi": "Osallistui tapahtumaan: Syksy",
        "sv": "Deltog i ett evenemang: Höst",
        "en": "Attended an event: Syksy",
    }
    assert visit["link"] == f"/v1/registrations/{visit['id']}"
    note = life.timeline("contacts", life.anna)[0]
    assert life.enrolment.client.get(note["link"]).json["text"] == "Called."


def test_an_organisations_timeline_has_its_enrolments_and_its_peoples_events(life: Life) -> None:
    kinds = [entry["kind"] for entry in life.timeline("organisations", life.tampere)]
    assert sorted(kinds) == ["delivery", "enrolment", "organisation", "registration", "workshop days"]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({"kind": "note"}, ["note"]),
        ({"to": "2024-12-31T00:00:00Z"}, ["registration", "delivery"]),
        ({"from": "2024-09-15T00:00:00Z", "to": "2024-12-31T00:00:00Z"}, ["registration"]),
    ],
)
def test_a_timeline_is_narrowed_by_kind_and_time(life: Life, query: Json, kinds: list[str]) -> None:
    assert [entry["kind"] for entry in life.timeline("contacts", life.anna, **query)] == kinds


def test_pages_have_each_entry_once(life: Life) -> None:
    for number in range(12):
        about = {"kind": "contact", "id": life.anna["id"]}
        life.enrolment.created("tasks", {"about": about, "title": f"Call {number}"})
    path, cursor, seen = f"/v1/contacts/{life.anna['id']}/timeline", None, []
    while True:
        query = {"limit": 5, **({"cursor": cursor} if cursor else {})}
        answer = life.enrolment.client.get(path, query_string=query).json
        seen += [entry["id"] for entry in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 16
    assert seen == [entry["id"] for entry in life.timeline("contacts", life.anna)]
    assert life.enrolment.client.get(path, query_string={"cursor": "x"}).status_code == 422


def test_what_was_merged_stands_in_the_timeline_of_the_contact_that_is_left(life: Life) -> None:
    other = life.enrolment.contact(life.tampere, given_name="Anne")
    life.enrolment.client.post(f"/v1/contacts/{life.anna['id']}/merge", json={"into": other["id"]}, role="manager")
    kinds = [entry["kind"] for entry in life.timeline("contacts", other)]
    assert {"registration", "delivery", "note"} <= set(kinds)


def test_many_entries_of_one_instant_are_paged_too(life: Life) -> None:
    """An announcement to all of an organisation: more mails at one moment than a page and its reserve have."""
    mail = {"version": 1, "contact_id": life.anna["id"], "template": "announcement", "state": "sent"}
    mail["updated_at"] = "2024-08-01T12:00:00Z"
    mails = [message(DELIVERIES, "delivery.transitioned", {"id": new_id(), **mail}) for _ in range(150)]
    life.enrolment.hears(mails)
    path, cursor, seen = f"/v1/contacts/{life.anna['id']}/timeline", None, []
    while True:
        query = {"limit": 40, "kind": "delivery", **({"cursor": cursor} if cursor else {})}
        answer = life.enrolment.client.get(path, query_string=query).json
        seen += [entry["id"] for entry in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 151


def test_a_kind_is_found_behind_many_others(life: Life) -> None:
    for number in range(60):
        life.enrolment.changed("enrolments", life.inquiry, source=f"letter {number}")
    [entry] = life.timeline("organisations", life.tampere, kind="organisation", limit=5)
    assert entry["text"]["en"] == "Organisation added"
