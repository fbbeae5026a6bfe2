"""What a mail says to its recipient, and what of it is kept."""

import re
from datetime import timedelta

from services.notifications.deliveries.retention import forget_old_texts
from services.notifications.deliveries.store import DELIVERIES
from shared.ids import utc_now
from tests.notifications import builders as a
from tests.notifications.test_rules import calendar
from tests.notifications.test_sending import registered


def text_of(mail) -> str:
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_the_recipients_own_links_are_in_the_mail_and_not_in_what_staff_read(notifications) -> None:
    registered(notifications)
    (mail,) = notifications.sends()
    (token,) = re.findall(r"https://events\.example/public/registrations/(\S+)", text_of(mail))
    (delivery,) = notifications.deliveries()
    shown = notifications.client.get(f"/v1/deliveries/{delivery['_id']}").json
    assert "https://events.example/public/registrations/…" in shown["text"]
    assert token not in repr(delivery)
    assert not re.search(r"/public/(registrations|preferences)/[A-Za-z0-9]", repr(delivery))


def test_texts_of_mails_go_after_ninety_days_and_the_delivery_stays(notifications) -> None:
    registered(notifications)
    notifications.sends()
    (delivery,) = notifications.deliveries()
    assert timedelta(days=89) < delivery["text_expires_at"] - utc_now() <= timedelta(days=90)
    forget_old_texts(notifications.db)
    assert notifications.deliveries()[0]["text"]
    notifications.db[DELIVERIES.collection].update_many({}, {"$set": {"text_expires_at": utc_now()}})
    forget_old_texts(notifications.db)
    shown = notifications.client.get(f"/v1/deliveries/{delivery['_id']}").json
    assert (shown["subject"], shown["text"], shown["state"]) == (None, None, "sent")


def test_the_line_is_told_of_a_change_and_of_its_place_but_not_where_to_join(notifications) -> None:
    aino, bertil, cecilia, event = a.contact(), a.contact(), a.contact(), a.event()
    seated = a.registration(event, aino)
    first = a.registration(event, bertil, state="waitlisted", position=7)
    second = a.registration(event, cecilia, state="waitlisted", position=8)
    notifications.hears(
        a.known(a.CONTACTS, aino, bertil, cecilia),
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, seated, first, second),
        a.changed(event, online_url="https://meet.example/uusi"),
    )
    mails = {mail["To"].addresses[0].addr_spec: mail for mail in notifications.sends()}
    assert "https://meet.example/uusi" in text_of(mails[aino["email"]])
    assert "Ilmoittautumisesi on edelleen voimassa" in text_of(mails[aino["email"]])
    for who, place in ((bertil, 1), (cecilia, 2)):
        mail = mails[who["email"]]
        assert "meet.example" not in mail.as_string()
        assert f"paikkasi jonossa on nyt {place}." in text_of(mail)
        assert "voimassa" not in text_of(mail)
        assert calendar(mail) is None


def seconds_later(notifications, seconds: int) -> None:
    """What is queued came so much later."""
    due_at = utc_now() + timedelta(seconds=seconds)
    notifications.db[DELIVERIES.collection].update_many({"state": "queued"}, {"$set": {"due_at": due_at}})


def test_registering_again_after_cancelling_ends_in_the_calendar(notifications) -> None:
    aino, event = a.contact(), a.event()
    first = a.registration(event, aino)
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", first),
    )
    notifications.sends()
    notifications.hears(a.became(a.REGISTRATIONS, "registration.transitioned", first, "cancelled"))
    notifications.db[DELIVERIES.collection].update_many(
        {"state": "queued"}, {"$set": {"due_at": utc_now() + timedelta(seconds=5)}}
    )
    notifications.sends()
    again = a.registration(event, aino)
    notifications.hears(a.came(a.REGISTRATIONS, "registration.created", again))
    notifications.db[DELIVERIES.collection].update_many(
        {"state": "queued"}, {"$set": {"due_at": utc_now() + timedelta(seconds=9)}}
    )
    requested, cancelled, requested_again = [calendar(mail) for mail in notifications.sends()]
    stamps = [re.findall(r"DTSTAMP:(\S+)", entry)[0] for entry in (requested, cancelled, requested_again)]
    assert stamps == sorted(set(stamps)), "each is newer than the one before"
    assert "METHOD:CANCEL" in cancelled
    assert "STATUS" not in cancelled, "the event goes on without this attendee"
    assert "STATUS:CONFIRMED" in requested_again


def test_nobody_is_told_of_a_place_that_they_gave_up_meanwhile(notifications) -> None:
    _, _, (registration,) = registered(notifications)
    notifications.hears(a.became(a.REGISTRATIONS, "registration.transitioned", registration, "cancelled"))
    notifications.sends()
    assert {row["template"]: (row["state"], row["error"]) for row in notifications.deliveries()} == {
        "registration_confirmed": ("cancelled", "registration_cancelled"),
        "registration_cancelled": ("sent", None),
    }


def test_a_saved_text_that_fails_for_a_mail_gives_way_to_the_packaged_one(notifications) -> None:
    registered(notifications)
    text = {"subject": "{{ event.venue|length }}", "body": "Tervetuloa", "key": "registration_confirmed"}
    now = utc_now()
    notifications.db["templates"].insert_one(
        {
            "_id": "registration_confirmed.fi",
            "language": "fi",
            "version": 2,
            "created_at": now,
            "updated_at": now,
            **text,
        }
    )
    (mail,) = notifications.sends()
    assert mail["Subject"].startswith("Ilmoittautuminen vahvistettu")
    assert notifications.states() == ["sent"]


def test_a_mail_asks_exchange_for_no_automatic_reply(notifications) -> None:
    registered(notifications)
    (mail,) = notifications.sends()
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_answers_go_to_the_coordinator_of_the_event_or_of_the_enrolment(notifications) -> None:
    me = {"name": "Kaija Öhman", "email": f"{'kaija.' * 9}ohman@verkosto.example", "language": "fi", "digest": "off"}
    notifications.client.put("/v1/staff/me", json=me, headers={"If-Match": '"1"'})
    aino, tampere, season = a.contact(), a.organisation(), a.season()
    looked_after, other = a.event(coordinator="test-coordinator"), a.event(coordinator="somebody-unknown")
    notifications.hears(
        [*a.known(a.CONTACTS, aino), *a.known(a.ORGANISATIONS, tampere), *a.known(a.SEASONS, season)],
        a.known(a.EVENTS, looked_after, other),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(looked_after, aino)),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(other, aino)),
        a.came(a.ENROLMENTS, "enrolment.created", a.enrolment(tampere, season, aino, coordinator="test-coordinator")),
    )
    assert [mail["Reply-To"] for mail in notifications.sends()] == [me["email"], None, me["email"]]
