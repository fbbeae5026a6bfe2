"""People who are no contacts: the organisation that they count for, and when they are forgotten."""

from datetime import timedelta

from services.events.people.retention import forget_guests
from services.events.questions.answers import SENSITIVE
from services.events.registrations.store import REGISTRATIONS
from shared.ids import utc_now
from shared.mongo.journal import JOURNAL
from tests.events import builders as a
from tests.events.conftest import Events


def test_a_guest_counts_for_the_organisation_of_their_domain(events: Events) -> None:
    porvoo, joint = a.organisation(), a.organisation()
    events.hears(
        a.known(
            a.CONTACTS,
            a.contact(porvoo, email="anna@porvoo.example"),
            a.contact(porvoo, email="only.one@gmail.com"),
            a.contact(porvoo, email="anna@joint.example"),
            a.contact(joint, email="eero@joint.example"),
        )
    )
    event = events.published(a.webinar(max_per_organisation=1))
    people = ("x@Porvoo.example", "y@porvoo.example", "z@gmail.com", "w@joint.example", "v@new.example")
    made = [events.registered(event, person=a.person(email=email)) for email in people]
    assert [one["organisation_id"] for one in made] == [porvoo["id"], porvoo["id"], None, None, None]
    assert [one["state"] for one in made] == ["confirmed", "waitlisted", "confirmed", "confirmed", "confirmed"]


def test_guests_are_forgotten_after_a_time_and_the_figures_stay(events: Events) -> None:
    diet = {"key": "diet", "kind": "text", "label": {"fi": "Ruoka"}, "sensitive": True}
    wish = {"key": "wish", "kind": "text", "label": {"fi": "Toive"}}
    contact = a.contact()
    events.hears(a.known(a.CONTACTS, contact))
    event, coming = (events.published(a.webinar(questions=[diet, wish])) for _ in range(2))
    path = f"/v1/events/{event['id']}/registrations"
    answers = {"diet": "vegaani", "wish": "hiljaisuus"}
    guest = events.client.post(path, json={"person": a.person(), "answers": answers}).json
    kept, later = events.registered(event, contact=contact), events.registered(coming, person=a.person())
    events.turned(guest, "attended")
    events.client.post(f"/v1/registrations/{guest['id']}/feedback", json={"score": 4, "comment": "Olen Aino"})
    long_ago = utc_now() - timedelta(days=31)
    events.db["events"].update_one({"_id": event["id"]}, {"$set": {"ends_at": long_ago}})
    events.db[REGISTRATIONS.collection].update_many({}, {"$set": {"created_at": long_ago - timedelta(days=1)}})
    assert not forget_guests(events.db, days=32)
    assert forget_guests(events.db, days=30)
    assert not forget_guests(events.db, days=30)
    shown = events.registration(guest)
    assert (shown["person"], shown["answers"], shown["feedback"]) == (None, {}, {"score": 4, "comment": None})
    assert events.registration(later)["person"] is not None
    assert events.registration(kept)["contact_id"] == contact["id"]
    assert events.db[SENSITIVE].count_documents({}) == 0
    sealed = [row for row in events.db[JOURNAL].find({"of": guest["id"]}) if "gAAAA" in str(row)]
    assert sealed == []
    assert events.client.get(f"/v1/events/{event['id']}/summary").json["scores"]["mean"] == 4
