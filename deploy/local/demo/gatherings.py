"""The webinar with more registrations than seats, and the two workshops."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.local.demo.checks import WentWrong, figures, until
from deploy.local.demo.people import MUNICIPALITIES, PUBLIC, SHOWN_IN_FULL, Municipality, Person
from deploy.local.demo.told import Json, Registered, Told, at_once

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


def publish_webinar(told: Told) -> str:
    starts_at = thursday(3, hour=14)
    draft = told.coordinator.events.post(
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
    told.checks.equal("the new webinar's state", draft["state"], "draft")
    told.webinar = _event_to(told, draft, "published")
    local = datetime.fromisoformat(told.webinar["starts_at"]).astimezone(FINLAND)
    told.checks.equal("the webinar's weekday and hour in Finland", (local.weekday(), local.hour), (THURSDAY, 14))
    return f"a Teams webinar on Thursday {local:%-d.%-m.%Y} at 14–15 Finnish time with {SEATS} seats is published"


def register_all(told: Told) -> str:
    people = [one for town in MUNICIPALITIES if town.outcome == "active" for one in town.people]
    told.registered = at_once(lambda one: _register(told, one), [*people, *PUBLIC])
    confirmed = [one for one in told.registered if one.answer["state"] == "confirmed"]
    waiting = [one for one in told.registered if one.answer["state"] == "waitlisted"]
    told.wants("registration_confirmed", *(one.person for one in confirmed))
    told.wants("registration_waitlisted", *(one.person for one in waiting))
    told.checks.equal("seats taken", len(confirmed), SEATS)
    told.checks.equal("people in line", len(waiting), len(told.registered) - SEATS)
    line = range(1, len(waiting) + 1)
    told.checks.same("positions as they were answered", [one.answer["position"] for one in waiting], line)
    _check_line(told, [one.id for one in sorted(waiting, key=lambda one: one.answer["position"])])
    first = told.registered[0]
    path, body = _registrations(told), {"contact_id": first.contact_id}
    again = told.coordinator.events.call("POST", path, json=body, fine=(409,)).body
    told.checks.equal("what a second registration is referred to", again.get("existing_id"), first.id)
    return f"{len(told.registered)} registered at once: {len(confirmed)} have a seat, {len(waiting)} stand in line"


def give_up_a_seat(told: Told) -> str:
    leaving = next(one for one in told.registered if one.contact_id and one.answer["state"] == "confirmed")
    line = sorted(
        (one for one in told.registered if one.answer["state"] == "waitlisted"), key=lambda one: one.answer["position"]
    )
    path = f"/v1/registrations/{leaving.id}/transitions"
    told.checks.equal(
        "the cancelled registration", told.coordinator.events.post(path, {"to": "cancelled"})["state"], "cancelled"
    )

    def has_a_seat() -> bool:
        now = told.coordinator.events.get(f"/v1/registrations/{line[0].id}")
        return bool(now["state"] == "confirmed")

    until("the promotion of the first in line", has_a_seat)
    told.cancelled, told.promoted = leaving, line[0]
    told.wants("registration_cancelled", leaving.person)
    told.wants("registration_promoted", line[0].person)
    _check_line(told, [one.id for one in line[1:]])
    return "one seat is given up, and the first in line has it; the others moved up"


def hold_workshops(told: Told) -> str:
    town = next(one for one in MUNICIPALITIES if one.code == SHOWN_IN_FULL)
    name = told.organisations[town.code]["name"]["fi"]
    told.workshop = _ask_for_workshop(told, town, weeks=6, outcome="published")
    told.refused = _ask_for_workshop(told, town, weeks=10, outcome="refused")
    told.wants("workshop_confirmed", *town.people)
    told.wants("workshop_refused", *town.people)
    told.account = told.coordinator.enrolment.get(f"/v1/enrolments/{told.enrolments[town.code]['id']}/workshop-days")
    wanted = {"granted": 6, "reserved": 2 * WORKSHOP_DAYS, "used": 0, "available": 6 - 2 * WORKSHOP_DAYS}
    told.checks.equal("the balance in half days", figures(told.account, *wanted), wanted)
    kinds = [(one["kind"], one["event_id"]) for one in told.account["ledger"] if one["event_id"]]
    told.checks.same(
        "the ledger's answers", kinds, [("reserved", told.workshop["id"]), ("refused", told.refused["id"])]
    )
    return f"{name} gets a workshop of {WORKSHOP_DAYS} days; a second one asks for more than is left, and is refused"


def _register(told: Told, person: Person) -> Registered:
    contact = told.contacts.get(person.email)
    body: dict[str, Any] = {"contact_id": contact["id"]} if contact else {"person": _stranger(person)}
    answer = told.coordinator.events.call("POST", _registrations(told), json=body, fine=(201,))
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


def _check_line(told: Told, wanted: list[str]) -> None:
    """The line stands in this order, its places counted from 1, and every seat is taken."""
    line = told.coordinator.events.every(_registrations(told), state="waitlisted")
    places = {one["position"]: one["id"] for one in line}
    told.checks.equal("the line", places, dict(enumerate(wanted, start=1)))
    seated = told.coordinator.events.every(_registrations(told), state="confirmed")
    told.checks.equal("confirmed registrations", len(seated), SEATS)


def _ask_for_workshop(told: Told, town: Municipality, *, weeks: int, outcome: str) -> Json:
    starts_at = thursday(weeks, hour=9)
    draft = told.coordinator.events.post(
        "/v1/events",
        {
            "kind": "workshop",
            "title": {"fi": "Johtoryhmän ja valtuuston työpaja", "sv": "Verkstad för ledningsgruppen och fullmäktige"},
            "description": {"fi": "Uudistuvan kunnan johtaminen käytännössä.", "sv": "Ledarskap i praktiken."},
            "starts_at": _instant(starts_at),
            "ends_at": _instant(starts_at + timedelta(days=WORKSHOP_DAYS - 1, hours=7)),
            "venue": {"fi": "Kunnantalo, valtuustosali", "sv": "Kommunhuset, fullmäktigesalen"},
            "enrolment_id": told.enrolments[town.code]["id"],
            "days": WORKSHOP_DAYS,
        },
    )
    _event_to(told, draft, "published", now="awaiting_days")

    def decided() -> Json | None:
        event: Json = told.coordinator.events.get(f"/v1/events/{draft['id']}")
        return None if event["state"] == "awaiting_days" else event

    event = until("the answer to the workshop's request for days", decided)
    told.checks.equal("the workshop's state", event["state"], outcome)
    return event


def _event_to(told: Told, event: Json, to: str, *, now: str | None = None) -> Json:
    moved: Json = told.coordinator.events.post(f"/v1/events/{event['id']}/transitions", {"to": to})
    if moved["state"] not in (to, now):
        raise WentWrong(f"the event's state: expected {now or to}, got {moved['state']}")
    return moved


def _registrations(told: Told) -> str:
    return f"/v1/events/{told.webinar['id']}/registrations"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
