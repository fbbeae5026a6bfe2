"""The webinar with more registrations than seats, and the two workshops."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.demo.checks import WentWrong, figures, until
from deploy.local.demo.people import MUNICIPALITIES, PUBLIC, SHOWN_IN_FULL, Municipality, Person
from deploy.local.demo.story_state import Json, Registered, StoryState, at_once

FINLAND = ZoneInfo("Europe/Helsinki")
THURSDAY = 3
SEATS = 24
TITLE = {
    "fi": "Uudistuvan kunnan johtaminen: strategiasta arkeen",
    "sv": "Att leda en kommun i förnyelse: från strategi till vardag",
    "en": "Leading a renewing municipality: from strategy to everyday work",
}
DESCRIPTION = {
    "fi": "Valtakunnallinen Teams-webinaari: kuntien strategiakyselyn tulokset ja kolme esimerkkiä.",
    "sv": "Nationellt Teams-webbinarium: resultaten av strategienkäten till kommunerna och tre exempel.",
    "en": "A national Teams webinar: the results of the municipalities' strategy survey, and three examples.",
}
WORKSHOP_DAYS = 2


def thursday(weeks: int, *, hour: int) -> datetime:
    """A Thursday at least so many weeks away, at this hour of Finnish time."""
    day = datetime.now(FINLAND).date() + timedelta(weeks=weeks)
    day += timedelta(days=(THURSDAY - day.weekday()) % 7)
    return datetime.combine(day, time(hour), FINLAND)


def publish_webinar(story: StoryState) -> str:
    starts_at = thursday(3, hour=14)
    draft = story.coordinator.events.post(
        "/v1/events",
        {
            "kind": "webinar",
            "title": TITLE,
            "description": DESCRIPTION,
            "starts_at": _instant(starts_at),
            "ends_at": _instant(starts_at + timedelta(hours=1)),
            "timezone": "Europe/Helsinki",
            "online_url": "https://teams.example/l/meetup-join/season-7-strategy",
            "capacity": SEATS,
            "waitlist": True,
            "registration_closes_at": _instant(starts_at - timedelta(days=1)),
            "audience": {"open_to": "public"},
        },
    )
    story.checks.equal("the new webinar's state", draft["state"], "draft")
    story.webinar = _event_to(story, draft, "published")
    local = datetime.fromisoformat(story.webinar["starts_at"]).astimezone(FINLAND)
    story.checks.equal("the webinar's weekday and hour in Finland", (local.weekday(), local.hour), (THURSDAY, 14))
    return f"a Teams webinar on Thursday {local:%-d.%-m.%Y} at 14–15 Finnish time with {SEATS} seats is published"


def register_all(story: StoryState) -> str:
    people = [person for town in MUNICIPALITIES if town.outcome == "active" for person in town.people]
    story.registered = at_once(lambda person: _register(story, person), [*people, *PUBLIC])
    confirmed = [registration for registration in story.registered if registration.answer["state"] == "confirmed"]
    waiting = [registration for registration in story.registered if registration.answer["state"] == "waitlisted"]
    story.wants("registration_confirmed", *(registration.person for registration in confirmed))
    story.wants("registration_waitlisted", *(registration.person for registration in waiting))
    story.checks.equal("seats taken", len(confirmed), SEATS)
    story.checks.equal("people in line", len(waiting), len(story.registered) - SEATS)
    line = range(1, len(waiting) + 1)
    story.checks.same(
        "positions as they were answered", [registration.answer["position"] for registration in waiting], line
    )
    _check_line(
        story,
        [registration.id for registration in sorted(waiting, key=lambda registration: registration.answer["position"])],
    )
    first = story.registered[0]
    path, body = _registrations(story), {"contact_id": first.contact_id}
    again = story.coordinator.events.call("POST", path, json=body, fine=(409,)).body
    story.checks.equal("what a second registration is referred to", again.get("existing_id"), first.id)
    return f"{len(story.registered)} registered at once: {len(confirmed)} have a seat, {len(waiting)} stand in line"


def give_up_a_seat(story: StoryState) -> str:
    leaving = next(
        registration
        for registration in story.registered
        if registration.contact_id and registration.answer["state"] == "confirmed"
    )
    line = sorted(
        (registration for registration in story.registered if registration.answer["state"] == "waitlisted"),
        key=lambda registration: registration.answer["position"],
    )
    path = f"/v1/registrations/{leaving.id}/transitions"
    story.checks.equal(
        "the cancelled registration", story.coordinator.events.post(path, {"to": "cancelled"})["state"], "cancelled"
    )

    def has_a_seat() -> bool:
        now = story.coordinator.events.get(f"/v1/registrations/{line[0].id}")
        return bool(now["state"] == "confirmed")

    until("the promotion of the first in line", has_a_seat)
    story.cancelled, story.promoted = leaving, line[0]
    story.wants("registration_cancelled", leaving.person)
    story.wants("registration_promoted", line[0].person)
    _check_line(story, [place.id for place in line[1:]])
    return "one seat is given up, and the first in line has it; the others moved up"


def hold_workshops(story: StoryState) -> str:
    town = next(municipality for municipality in MUNICIPALITIES if municipality.code == SHOWN_IN_FULL)
    name = story.organisations[town.code]["name"]["fi"]
    story.workshop = _ask_for_workshop(story, town, weeks=6, outcome="published")
    story.refused = _ask_for_workshop(story, town, weeks=10, outcome="refused")
    story.wants("workshop_confirmed", *town.people)
    story.wants("workshop_refused", *town.people)
    story.account = story.coordinator.enrolment.get(f"/v1/enrolments/{story.enrolments[town.code]['id']}/workshop-days")
    wanted = {"granted": 6, "reserved": 2 * WORKSHOP_DAYS, "used": 0, "available": 6 - 2 * WORKSHOP_DAYS}
    story.checks.equal("the balance in half days", figures(story.account, *wanted), wanted)
    kinds = [(entry["kind"], entry["event_id"]) for entry in story.account["ledger"] if entry["event_id"]]
    story.checks.same(
        "the ledger's answers", kinds, [("reserved", story.workshop["id"]), ("refused", story.refused["id"])]
    )
    return f"{name} gets a workshop of {WORKSHOP_DAYS} days; a second one asks for more than is left, and is refused"


def _register(story: StoryState, person: Person) -> Registered:
    contact = story.contacts.get(person.email)
    body: dict[str, Any] = {"contact_id": contact["id"]} if contact else {"person": _stranger(person)}
    answer = story.coordinator.events.call("POST", _registrations(story), json=body, fine=(201,))
    return Registered(
        id=answer.body["id"],
        person=person,
        contact_id=contact["id"] if contact else None,
        answer=answer.body,
        answered_at=answer.at,
    )


def _stranger(person: Person) -> Json:
    return {
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email": person.email,
        "organisation": "Example University",
        "language": person.language,
    }


def _check_line(story: StoryState, wanted: list[str]) -> None:
    """The line stands in this order, its places counted from 1, and every seat is taken."""
    line = story.coordinator.events.every(_registrations(story), state="waitlisted")
    places = {place["position"]: place["id"] for place in line}
    story.checks.equal("the line", places, dict(enumerate(wanted, start=1)))
    seated = story.coordinator.events.every(_registrations(story), state="confirmed")
    story.checks.equal("confirmed registrations", len(seated), SEATS)


def _ask_for_workshop(story: StoryState, town: Municipality, *, weeks: int, outcome: str) -> Json:
    starts_at = thursday(weeks, hour=9)
    draft = story.coordinator.events.post(
        "/v1/events",
        {
            "kind": "workshop",
            "title": {"fi": "Johtoryhmän ja valtuuston työpaja", "sv": "Verkstad för ledningsgruppen och fullmäktige"},
            "description": {"fi": "Uudistuvan kunnan johtaminen käytännössä.", "sv": "Ledarskap i praktiken."},
            "starts_at": _instant(starts_at),
            "ends_at": _instant(starts_at + timedelta(days=WORKSHOP_DAYS - 1, hours=7)),
            "venue": {"fi": "Kunnantalo, valtuustosali", "sv": "Kommunhuset, fullmäktigesalen"},
            "enrolment_id": story.enrolments[town.code]["id"],
            "days": WORKSHOP_DAYS,
        },
    )
    _event_to(story, draft, "published", now="awaiting_days")

    def decided() -> Json | None:
        event: Json = story.coordinator.events.get(f"/v1/events/{draft['id']}")
        return None if event["state"] == "awaiting_days" else event

    event = until("the answer to the workshop's request for days", decided)
    story.checks.equal("the workshop's state", event["state"], outcome)
    return event


def _event_to(story: StoryState, event: Json, to: str, *, now: str | None = None) -> Json:
    moved: Json = story.coordinator.events.post(f"/v1/events/{event['id']}/transitions", {"to": to})
    if moved["state"] not in (to, now):
        raise WentWrong(f"the event's state: expected {now or to}, got {moved['state']}")
    return moved


def _registrations(story: StoryState) -> str:
    return f"/v1/events/{story.webinar['id']}/registrations"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
