"""Announcements: to whom, why not, once each, and stopped and gone on with where they were."""

import contextlib
import itertools

import pytest

from services.notifications.announcements import sending
from services.notifications.announcements.sending import send_announcements
from services.notifications.projections import CONTACTS
from shared.ids import new_id
from shared.messaging.messages import TOMBSTONE_SEQUENCE
from tests.notifications import builders as a
from tests.notifications.test_contents import text_of
from tests.support import message, outbox

SEGMENTS = "uso.enrolment.segments.v1"

TEXT = {
    "subject": {"fi": "Kevään ohjelma", "sv": "Vårens program"},
    "body": {"fi": "Ohjelma on **julkaistu**.", "sv": "Programmet har **publicerats**."},
}


def drafted(notifications, **changes) -> dict:
    made = notifications.client.post("/v1/announcements", role="manager", json={**TEXT, "segment": {}} | changes)
    assert made.status_code == 201, made.json
    return made.json


def moved(notifications, announcement: dict, to: str, status: int = 200):
    path = f"/v1/announcements/{announcement['id']}/transitions"
    answer = notifications.client.post(path, role="manager", json={"to": to})
    assert answer.status_code == status, answer.json
    return answer.json


def goes_out(notifications, *, portion: int = 200):
    while send_announcements(notifications.db, portion=portion):
        notifications.sends()
    return notifications.mailbox.mails


def recipients(notifications, announcement: dict, limit: int = 50) -> list[dict]:
    found, cursor = [], ""
    while True:
        path = f"/v1/announcements/{announcement['id']}/recipients?limit={limit}{cursor}"
        page = notifications.client.get(path).json
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
def people(notifications) -> dict[str, dict]:
    """Contacts of an enrolled and of another organisation, one without address, one who wants none of it."""
    tampere = a.organisation(wellbeing_county={"fi": "Pirkanmaa"})
    borga = a.organisation(name={"sv": "Borgå"}, wellbeing_county={"fi": "Itä-Uusimaa", "sv": "Östra Nyland"})
    season = a.season()
    aino = a.contact(organisation_id=tampere["id"])
    bertil = a.contact(organisation_id=borga["id"], language="sv", role="elected")
    celia = a.contact(organisation_id=tampere["id"], language="en")
    mute = a.contact(organisation_id=tampere["id"], email=None)
    tired = a.contact(organisation_id=tampere["id"])
    gone = a.contact(organisation_id=tampere["id"])
    enrolment = a.enrolment(tampere, season, aino, celia, mute, tired, gone, state="active")
    other = a.enrolment(borga, season, bertil, state="inquiry")
    notifications.hears(
        a.known(a.ORGANISATIONS, tampere, borga),
        a.known(a.SEASONS, season),
        a.known(a.CONTACTS, aino, bertil, celia, mute, tired, gone),
        a.known(a.ENROLMENTS, enrolment, other),
    )
    notifications.client.put(
        f"/v1/contacts/{tired['id']}/preferences",
        json={"announcements": False, "reminders": True, "feedback_requests": True},
        headers={"If-Match": "*"},
    )
    notifications.client.post("/v1/suppressions", json={"email": gone["email"]})
    return {
        "aino": aino, "bertil": bertil, "celia": celia, "mute": mute, "tired": tired, "gone": gone,
        "season": season, "tampere": tampere, "borga": borga,
    }  # fmt: skip


def test_who_gets_it_and_why_not_is_told_before_and_is_what_happens(notifications, people) -> None:
    announcement = drafted(notifications, segment={"season_id": people["season"]["id"], "enrolment_states": ["active"]})
    told = {row["contact_id"]: (row["language"], row["excluded"]) for row in recipients(notifications, announcement, 2)}
    assert told == {
        people["aino"]["id"]: ("fi", None),
        people["celia"]["id"]: ("fi", None),  # there is no English text: all of the mail is Finnish
        people["mute"]["id"]: (None, "no_address"),
        people["tired"]["id"]: (None, "opted_out"),
        people["gone"]["id"]: (None, "suppressed_address"),
    }
    moved(notifications, announcement, "scheduled")
    mails = goes_out(notifications)
    assert sorted(notifications.mailbox.recipients) == sorted(people[who]["email"] for who in ("aino", "celia"))
    assert {mail["Content-Language"] for mail in mails} == {"fi"}
    assert "Ohjelma on julkaistu." in text_of(mails[0])
    assert mails[0]["List-Unsubscribe"]
    by_contact = {row["contact_id"]: row["error"] for row in notifications.deliveries()}
    assert by_contact == {contact: excluded for contact, (_, excluded) in told.items()}
    shown = notifications.client.get(f"/v1/announcements/{announcement['id']}").json
    assert (shown["state"], shown["recipients"]) == ("sent", 5)
    progress = notifications.client.get(f"/v1/announcements/{announcement['id']}/progress").json
    assert progress["deliveries"] == {"sent": 2, "suppressed": 2, "failed": 1}
    assert progress["not_sent"] == {"no_address": 1, "opted_out": 1, "suppressed_address": 1}


@pytest.mark.parametrize(
    ("segment", "names"),
    [
        ({"roles": ["elected"]}, {"bertil"}),
        ({"wellbeing_counties": ["östra nyland"]}, {"bertil"}),
        ({"organisation_ids": "borga"}, {"bertil"}),
        ({"season_id": "season", "enrolment_states": ["inquiry"]}, {"bertil"}),
        ({"season_id": "season", "roles": ["developer"]}, set()),
    ],
)
def test_a_segment_is_all_that_is_given_together(notifications, people, segment, names) -> None:
    for field, value in list(segment.items()):
        if isinstance(value, str):
            segment[field] = people[value]["id"] if field == "season_id" else [people[value]["id"]]
    announcement = drafted(notifications, segment=segment)
    assert {row["contact_id"] for row in recipients(notifications, announcement)} == {
        people[name]["id"] for name in names
    }


def test_an_announcement_waits_when_its_segment_was_deleted_meanwhile(notifications, people) -> None:
    segment = {"id": new_id(), "version": 1, "name": "Elected", "roles": ["elected"]}
    notifications.hears(a.known(SEGMENTS, segment))
    announcement = drafted(notifications, segment={"name": "Elected"})
    moved(notifications, announcement, "scheduled")
    notifications.hears(message(SEGMENTS, "tombstone", None, key=segment["id"], sequence=TOMBSTONE_SEQUENCE))
    assert goes_out(notifications) == []
    path = f"/v1/announcements/{announcement['id']}"
    assert notifications.client.get(path).json["state"] == "paused"
    [paused, *_] = notifications.client.get(f"{path}/history").json["items"]
    assert paused["change"]["reason"] == "There is no segment of this name any more."


def test_the_registered_of_an_event_get_it_strangers_among_them(notifications, people) -> None:
    event = a.event()
    sealed = notifications.secrets.seal('{"given_name": "Outi", "email": "outi@muu.example", "language": "sv"}')
    stranger = a.registration(event, None, person_sealed=sealed)
    waiting = a.registration(event, people["bertil"], state="waitlisted", position=1)
    notifications.hears(
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, a.registration(event, people["aino"]), stranger, waiting),
    )
    announcement = drafted(notifications, segment={"event_id": event["id"]})
    moved(notifications, announcement, "scheduled")
    goes_out(notifications)
    assert sorted(notifications.mailbox.recipients) == sorted([people["aino"]["email"], "outi@muu.example"])


def crowd(notifications, count: int) -> None:
    rows = [
        {
            "_id": new_id(),
            "sequence": 1,
            "given_name": "A",
            "family_name": "B",
            "email": f"a{number}@k.example",
            "language": "fi",
        }
        for number in range(count)
    ]
    notifications.db[CONTACTS.collection].insert_many(rows)


def test_a_paused_announcement_goes_on_where_it_stopped_and_each_gets_it_once(notifications, in_threads) -> None:
    crowd(notifications, 130)
    announcement = drafted(notifications)
    moved(notifications, announcement, "scheduled")
    send_announcements(notifications.db, portion=50)  # begins, and makes the first fifty
    moved(notifications, announcement, "paused")
    assert not send_announcements(notifications.db, portion=50)
    assert notifications.sends() == []
    moved(notifications, announcement, "sending")
    notifications.make_due()

    def work() -> None:
        while send_announcements(notifications.db, portion=20):
            notifications.sender().run()

    in_threads([work, work])
    goes_out(notifications)
    assert len(notifications.mailbox.recipients) == 130
    assert len(set(notifications.mailbox.recipients)) == 130
    moved(notifications, announcement, "scheduled", 409)
    moved(notifications, announcement, "sent", 409)


def test_one_that_is_pressed_twice_while_workers_die_reaches_each_once(notifications, monkeypatch) -> None:
    crowd(notifications, 70)
    announcement = drafted(notifications)
    moved(notifications, announcement, "scheduled")
    moved(notifications, announcement, "scheduled", 409)
    usual, portions = sending.add_deliveries, itertools.count()

    class Killed(BaseException):
        pass

    def dies_every_other_time(uow, wanted):
        made = usual(uow, wanted)
        uow.flush()
        if next(portions) % 2 == 0:
            raise Killed
        return made

    monkeypatch.setattr(sending, "add_deliveries", dies_every_other_time)
    for _ in range(12):
        with contextlib.suppress(Killed):
            send_announcements(notifications.db, portion=20)
    assert len(notifications.deliveries()) == 70
    notifications.sends()
    assert send_announcements(notifications.db, portion=20), "its end"
    assert not send_announcements(notifications.db, portion=20)
    assert len(notifications.mailbox.recipients) == len(set(notifications.mailbox.recipients)) == 70
    shown = notifications.client.get(f"/v1/announcements/{announcement['id']}").json
    assert (shown["state"], shown["recipients"]) == ("sent", 70)


def test_what_is_left_of_a_cancelled_announcement_is_not_sent(notifications) -> None:
    crowd(notifications, 40)
    announcement = drafted(notifications)
    moved(notifications, announcement, "scheduled")
    send_announcements(notifications.db, portion=20)
    moved(notifications, announcement, "cancelled")
    assert goes_out(notifications, portion=20) == []
    notifications.sends()
    assert {(row["state"], row["error"]) for row in notifications.deliveries()} == {
        ("cancelled", "announcement_cancelled")
    }
    assert len(notifications.deliveries()) == 20


def test_it_is_sent_at_its_time_and_not_before(notifications) -> None:
    crowd(notifications, 1)
    announcement = drafted(notifications, send_at=a.in_(hours=1))
    moved(notifications, announcement, "scheduled")
    assert not send_announcements(notifications.db)
    sooner = notifications.client.patch(
        f"/v1/announcements/{announcement['id']}", json={"send_at": a.in_(seconds=-1)}, headers={"If-Match": "*"}
    )
    assert sooner.status_code == 200
    assert len(goes_out(notifications)) == 1
    late = notifications.client.patch(
        f"/v1/announcements/{announcement['id']}", json={"send_at": None}, headers={"If-Match": "*"}
    )
    assert late.status_code == 409


def test_staff_send_a_test_to_themselves(notifications) -> None:
    crowd(notifications, 3)
    announcement = drafted(notifications, reply_to="maija@verkosto.example")
    answer = notifications.client.post(
        f"/v1/announcements/{announcement['id']}/test", json={"email": "maija@verkosto.example", "language": "sv"}
    )
    assert answer.status_code == 202
    (mail,) = notifications.sends()
    assert notifications.mailbox.recipients == ["maija@verkosto.example"]
    assert mail["Subject"] == "[Test] Vårens program"
    assert mail["Reply-To"] == "maija@verkosto.example"
    assert "maija" not in str(notifications.deliveries())
    assert notifications.client.get(f"/v1/announcements/{announcement['id']}").json["state"] == "draft"


@pytest.mark.parametrize(
    "changes",
    [
        {"body": {"fi": "Vain suomeksi"}},
        {"body": {"fi": "  ", "sv": "text"}},
        {"body": {"fi": "[" * 5000, "sv": "text"}},
        {"segment": {"enrolment_states": ["active"]}},
        {"segment": {"nothing": 1}},
        {"reply_to": "nobody"},
    ],
)
def test_an_announcement_that_could_not_be_sent_is_refused(notifications, changes) -> None:
    answer = notifications.client.post("/v1/announcements", json={**TEXT, "segment": {}} | changes)
    assert answer.status_code == 422


def test_only_a_manager_sends_it_and_its_text_stays_off_the_topic(notifications) -> None:
    announcement = drafted(notifications)
    path = f"/v1/announcements/{announcement['id']}/transitions"
    assert notifications.client.post(path, role="coordinator", json={"to": "scheduled"}).status_code == 403
    moved(notifications, announcement, "scheduled")
    told = outbox(notifications.db, "uso.notifications.announcements.v1")
    assert [message.type for message in told] == ["announcement.created", "announcement.transitioned"]
    assert not any("julkaistu" in str(message.state) or "Kevään" in str(message.state) for message in told)
