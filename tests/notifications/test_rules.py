"""Which message leads to which e-mail, to whom, in which language."""

import json

import pytest

from services.notifications.app import BOOKS
from services.notifications.rules.waiting import follow_waiting
from services.notifications.rules.waiting_messages import WAITING
from shared.ids import utc_now
from tests.notifications import builders as a
from tests.support import outbox
from tests.support.messages import outbox_text

DELIVERIES = "uso.notifications.deliveries.v1"


def test_an_enrolment_is_confirmed_as_received_to_each_of_its_contacts(notifications) -> None:
    tampere, season = a.organisation(), a.season()
    aino, bertil = a.contact(), a.contact(given_name="Bertil", language="sv")
    enrolment = a.enrolment(tampere, season, aino, bertil)
    notifications.hears(
        a.known(a.ORGANISATIONS, tampere),
        a.known(a.SEASONS, season),
        a.known(a.CONTACTS, aino, bertil),
        a.came(a.ENROLMENTS, "enrolment.created", enrolment),
    )
    notifications.sends()
    assert sorted(notifications.mailbox.recipients) == sorted([aino["email"], bertil["email"]])
    found = notifications.deliveries(template="enrolment_received")
    assert {row["contact_id"]: row["language"] for row in found} == {aino["id"]: "fi", bertil["id"]: "sv"}
    assert {row["enrolment_id"] for row in found} == {enrolment["id"]}


def test_an_enrolment_that_becomes_enrolled_is_confirmed_and_other_steps_are_not_told(notifications) -> None:
    aino = a.contact()
    enrolment = a.enrolment(a.organisation(), a.season(), aino)
    notifications.hears(
        a.became(a.ENROLMENTS, "enrolment.transitioned", enrolment, "negotiating"),
        a.became(a.ENROLMENTS, "enrolment.transitioned", enrolment, "enrolled"),
        a.became(a.ENROLMENTS, "enrolment.transitioned", enrolment, "active"),
    )
    assert notifications.templates() == ["enrolment_confirmed"]


def test_a_registration_is_confirmed_in_the_contacts_language_with_a_calendar_entry(notifications) -> None:
    bertil, event = a.contact(given_name="Bertil", language="sv"), a.event()
    registration = a.registration(event, bertil)
    notifications.hears(
        a.known(a.CONTACTS, bertil),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", registration),
    )
    (mail,) = notifications.sends()
    assert "Bertil" in mail["To"]
    assert "Lägesbild" in mail.get_body(("plain",)).get_content()
    assert "METHOD:REQUEST" in calendar(mail)
    (delivery,) = notifications.deliveries()
    assert (delivery["template"], delivery["state"], delivery["language"]) == ("registration_confirmed", "sent", "sv")
    assert delivery["message_id"] == mail["Message-ID"]
    assert delivery["because"]["rule"] == "registration_confirmed"
    assert delivery["because"]["actor"] == "test-coordinator"


def test_who_stands_in_line_is_told_their_place_and_of_the_promotion(notifications) -> None:
    aino, event = a.contact(), a.event()
    registration = a.registration(event, aino, state="waitlisted", position=4)
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", registration),
        a.became(a.REGISTRATIONS, "registration.promoted", registration, "confirmed", position=None),
    )
    first, second = notifications.sends()
    assert notifications.templates() == ["registration_waitlisted", "registration_promoted"]
    assert "4" in first.get_body(("plain",)).get_content()
    assert calendar(first) is None
    assert "METHOD:REQUEST" in calendar(second)


def test_a_cancelled_registration_takes_the_entry_out_of_the_calendar(notifications) -> None:
    aino, bertil, event = a.contact(), a.contact(), a.event()
    confirmed, waiting = a.registration(event, aino), a.registration(event, bertil, state="waitlisted", position=1)
    notifications.hears(
        a.known(a.CONTACTS, aino, bertil),
        a.known(a.EVENTS, event),
        a.became(a.REGISTRATIONS, "registration.transitioned", confirmed, "cancelled"),
        a.became(a.REGISTRATIONS, "registration.transitioned", waiting, "cancelled", position=None),
    )
    first, second = notifications.sends()
    assert notifications.templates() == ["registration_cancelled", "registration_cancelled"]
    assert "METHOD:CANCEL" in calendar(first)
    assert calendar(second) is None


def test_a_person_who_is_no_contact_is_written_to_by_their_sealed_address(notifications) -> None:
    event = a.event()
    person = {"given_name": "Ulla", "family_name": "Ek", "email": "ulla@home.example", "language": "sv"}
    sealed = notifications.secrets.seal(json.dumps(person))
    registration = a.registration(event, None, person_sealed=sealed, language="sv")
    notifications.hears(a.known(a.EVENTS, event), a.came(a.REGISTRATIONS, "registration.created", registration))
    (mail,) = notifications.sends()
    assert notifications.mailbox.recipients == ["ulla@home.example"]
    assert "Lägesbild" in mail.get_body(("plain",)).get_content()
    assert notifications.deliveries()[0]["contact_id"] is None


def test_a_moved_event_is_told_to_everyone_with_a_place_or_in_line_and_to_nobody_else(notifications) -> None:
    people = [a.contact() for _ in range(4)]
    event = a.event()
    states = ["confirmed", "waitlisted", "cancelled", "confirmed"]
    registrations = [a.registration(event, who, state=state) for who, state in zip(people, states, strict=True)]
    notifications.hears(
        a.known(a.CONTACTS, *people),
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, *registrations),
        a.changed(event, starts_at=a.in_(days=40), ends_at=a.in_(days=40, hours=1)),
    )
    mails = notifications.sends()
    assert set(notifications.templates()) == {"event_changed"}
    assert sorted(notifications.mailbox.recipients) == sorted(people[i]["email"] for i in (0, 1, 3))
    assert all("SEQUENCE:2" in calendar(mail) for mail in mails if calendar(mail))
    assert sum(calendar(mail) is not None for mail in mails) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"title": {"fi": "Uusi nimi"}},
        {"starts_at": a.in_(days=29)},
        {"ends_at": a.in_(days=31)},
        {"timezone": "Europe/Stockholm"},
        {"venue": {"fi": "Kuntatalo"}},
        {"online_url": "https://meet.example/toinen"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_change_that_people_rely_on_is_told(notifications, change) -> None:
    aino, event = a.contact(), a.event()
    notifications.hears(
        [
            *a.known(a.CONTACTS, aino),
            *a.known(a.EVENTS, event),
            *a.known(a.REGISTRATIONS, a.registration(event, aino)),
        ],
        a.changed(event, **change),
    )
    notifications.sends()
    assert notifications.templates() == ["event_changed"]


def test_a_change_that_nobody_relies_on_is_not_told(notifications) -> None:
    aino, event = a.contact(), a.event()
    draft = a.event(state="draft")
    notifications.hears(
        a.known(a.EVENTS, event, draft),
        a.known(a.REGISTRATIONS, a.registration(event, aino), a.registration(draft, aino)),
        a.changed(event, capacity=40),
        a.changed(draft, starts_at=a.in_(days=2)),
    )
    assert notifications.templates() == []


def test_a_cancelled_event_is_told_once_with_the_reason_and_leaves_the_calendar(notifications) -> None:
    aino, bertil, event = a.contact(), a.contact(language="en"), a.event()
    notifications.hears(
        a.known(a.CONTACTS, aino, bertil),
        a.known(a.EVENTS, event),
        a.known(
            a.REGISTRATIONS,
            a.registration(event, aino),
            a.registration(event, bertil, state="waitlisted", position=1),
        ),
        a.became(a.EVENTS, "event.transitioned", event, "cancelled", reason="the speaker is ill"),
    )
    mails = notifications.sends()
    assert notifications.templates() == ["event_cancelled", "event_cancelled"]
    assert all("the speaker is ill" in mail.get_body(("plain",)).get_content() for mail in mails)
    assert sum("METHOD:CANCEL" in (calendar(mail) or "") for mail in mails) == 1


def test_those_who_came_are_asked_for_feedback_and_get_a_certificate(notifications) -> None:
    came, stayed, event = a.contact(), a.contact(), a.event(starts_at=a.in_(hours=-2), ends_at=a.in_(hours=-1))
    notifications.hears(
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, a.registration(event, came, state="attended"), a.registration(event, stayed)),
        a.became(a.EVENTS, "event.transitioned", event, "completed"),
    )
    found = sorted((row["template"], row["contact_id"]) for row in notifications.deliveries())
    assert found == [("certificate", came["id"]), ("feedback_request", came["id"])]


def test_feedback_is_asked_of_everyone_with_a_place_when_nobody_was_checked_in(notifications) -> None:
    people, event = [a.contact(), a.contact()], a.event()
    notifications.hears(
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, *(a.registration(event, who) for who in people)),
        a.became(a.EVENTS, "event.transitioned", event, "completed"),
    )
    assert {row["contact_id"] for row in notifications.deliveries()} == {who["id"] for who in people}


def test_a_check_in_that_is_heard_of_after_the_events_end_puts_it_right(notifications) -> None:
    came, stayed, event = a.contact(), a.contact(), a.event()
    first, second = a.registration(event, came), a.registration(event, stayed)
    notifications.hears(
        a.known(a.CONTACTS, came, stayed),
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, first, second),
        a.became(a.EVENTS, "event.transitioned", event, "completed"),
        a.became(a.REGISTRATIONS, "registration.transitioned", first, "attended"),
    )
    notifications.make_due()
    notifications.sends()
    assert notifications.mailbox.recipients == [came["email"]] * 2
    assert {(row["template"], row["contact_id"]): row["error"] for row in notifications.deliveries()} == {
        ("feedback_request", came["id"]): None,
        ("feedback_request", stayed["id"]): "not_attended",
        ("certificate", came["id"]): None,
    }


def test_a_workshop_that_was_granted_its_days_or_refused_them_is_told_to_the_enrolments_contacts(notifications) -> None:
    aino, tampere, season = a.contact(), a.organisation(), a.season()
    enrolment = a.enrolment(tampere, season, aino)
    granted = a.event(kind="workshop", enrolment_id=enrolment["id"], state="awaiting_days", days=1.5)
    refused = a.event(kind="workshop", enrolment_id=enrolment["id"], state="awaiting_days", days=2)
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.ORGANISATIONS, tampere),
        a.known(a.SEASONS, season),
        a.known(a.ENROLMENTS, enrolment),
        a.became(a.EVENTS, "event.transitioned", granted, "published"),
        a.became(a.EVENTS, "event.transitioned", refused, "refused", reason="not enough days"),
    )
    notifications.sends()
    assert notifications.templates() == ["workshop_confirmed", "workshop_refused"]
    assert notifications.states() == ["sent", "sent"]


def test_a_workshop_whose_enrolment_is_not_known_yet_waits_for_it(notifications) -> None:
    def follow() -> bool:
        notifications.db[WAITING].update_many({}, {"$set": {"next_at": utc_now()}})
        return follow_waiting(notifications.db, BOOKS.values())

    aino = a.contact()
    enrolment = a.enrolment(a.organisation(), a.season(), aino)
    workshop = a.event(kind="workshop", enrolment_id=enrolment["id"], state="awaiting_days", days=1)
    message = a.became(a.EVENTS, "event.transitioned", workshop, "published")
    notifications.hears(message)
    assert not follow()
    assert notifications.templates() == []
    notifications.hears(a.known(a.ENROLMENTS, enrolment))
    assert follow()
    assert not follow()
    assert [(row["template"], row["contact_id"]) for row in notifications.deliveries()] == [
        ("workshop_confirmed", aino["id"])
    ]


def test_the_same_messages_again_make_nothing_new(notifications) -> None:
    people, event = [a.contact(), a.contact()], a.event()
    registrations = [a.registration(event, who) for who in people]
    messages = [
        a.came(a.EVENTS, "event.created", event),
        *(a.came(a.REGISTRATIONS, "registration.created", registration) for registration in registrations),
        a.changed(event, venue={"fi": "Kaupungintalo"}),
        a.became(a.EVENTS, "event.transitioned", event, "cancelled", reason="ice"),
    ]
    notifications.hears(*messages)
    before = notifications.templates()
    assert sorted(before) == ["event_cancelled"] * 2 + ["event_changed"] * 2 + ["registration_confirmed"] * 2
    notifications.hears(messages, *messages)
    assert notifications.templates() == before


def test_a_registration_that_is_heard_of_after_its_event_was_cancelled_is_told_of_it_once(notifications) -> None:
    aino, event = a.contact(), a.event()
    registration = a.registration(event, aino)
    created = a.came(a.REGISTRATIONS, "registration.created", registration)
    cancelled = a.became(a.EVENTS, "event.transitioned", event, "cancelled", reason="ice")
    notifications.hears(cancelled, created, [cancelled, created])
    assert sorted(notifications.templates()) == ["event_cancelled", "registration_confirmed"]


def test_messages_from_many_topics_in_any_order_come_to_the_same(notifications) -> None:
    aino, event = a.contact(), a.event()
    registration = a.registration(event, aino)
    notifications.hears(a.came(a.REGISTRATIONS, "registration.created", registration))
    assert notifications.sends() == []
    assert notifications.states() == ["queued"]
    notifications.hears(a.known(a.EVENTS, event))
    notifications.make_due()
    assert notifications.sends() == []
    notifications.hears(a.known(a.CONTACTS, aino))
    notifications.make_due()
    assert len(notifications.sends()) == 1
    assert notifications.states() == ["sent"]


def test_nothing_personal_stands_in_the_outbox(notifications) -> None:
    aino, event = a.contact(given_name="Aino-Kaisa", family_name="Salmiakki"), a.event()
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(event, aino)),
    )
    notifications.sends()
    text = outbox_text(notifications.db)
    assert not [word for word in ("Aino", "Salmiakki", aino["email"], "kunta.example") if word in text]
    assert [message.change["to"] for message in outbox(notifications.db, DELIVERIES)] == ["queued", "sent"]
    assert outbox(notifications.db, DELIVERIES)[-1].sequence == notifications.deliveries()[0]["version"]


def calendar(mail) -> str | None:
    """The calendar that came with the mail."""
    for part in mail.walk():
        if part.get_content_type() == "text/calendar":
            content = part.get_content()
            return content if isinstance(content, str) else content.decode()
    return None


def test_an_offered_place_is_told_with_its_end_and_a_transferred_one_with_a_calendar_entry(notifications) -> None:
    aino, event = a.contact(), a.event()
    registration = a.registration(event, aino, state="waitlisted")
    offered = {"held_until": "2022-12-01T12:00:00Z", "awaits": "answer"}
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, registration),
        a.became(a.REGISTRATIONS, "registration.offered", registration, "offered", **offered),
        a.became(a.REGISTRATIONS, "registration.transferred", registration, "confirmed"),
    )
    first, second = notifications.sends()
    assert "Vastaa viimeistään to 1.12.2022 klo 14.00." in first.get_body(("plain",)).get_content()
    assert calendar(first) is None
    assert "METHOD:REQUEST" in calendar(second)


def test_an_unconfirmed_address_is_asked_first_and_confirmed_afterwards(notifications) -> None:
    aino, event = a.contact(), a.event()
    registration = a.registration(event, aino, state="offered", awaits="address")
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", registration),
        a.came(a.REGISTRATIONS, "registration.asked_again", registration),
        a.became(a.REGISTRATIONS, "registration.transitioned", registration, "confirmed", calendar_sequence=7),
        a.came(a.REGISTRATIONS, "registration.asked_again", registration),
    )
    mails = notifications.sends()
    assert notifications.templates() == [
        "confirm_address",
        "confirm_address",
        "registration_confirmed",
        "already_registered",
    ]
    assert "SEQUENCE:7" in calendar(mails[2])
    assert [calendar(mail) for mail in (mails[0], mails[3])] == [None, None]


def test_who_gets_neither_a_place_nor_a_line_hears_why(notifications) -> None:
    aino, event = a.contact(), a.event()
    refused = a.registration(event, aino, state="refused", refused_because="organisation_full")
    notifications.hears(
        a.known(a.CONTACTS, aino), a.known(a.EVENTS, event), a.came(a.REGISTRATIONS, "registration.created", refused)
    )
    (mail,) = notifications.sends()
    assert "organisaatiosi paikat ovat täynnä" in mail.get_body(("plain",)).get_content()


def test_a_mail_that_may_not_come_yet_waits(notifications) -> None:
    aino, event = a.contact(), a.event()
    registration = a.registration(event, aino, mail_not_before=a.in_(minutes=30))
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", registration),
    )
    assert notifications.sends() == []
    assert notifications.states() == ["scheduled"]
