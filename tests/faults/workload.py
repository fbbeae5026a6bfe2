"""What the clients do: several members of staff at work at once, all of it drawn from one seed."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from tests.faults.calls import Call, Caller

STEPS = {"inquiry": "negotiating", "negotiating": "enrolled", "enrolled": "active", "active": "completed"}
START = datetime.now(UTC) + timedelta(days=30)


@dataclass
class Shared:
    """What all writers reach for: events with few seats, and active enrolments with workshop days."""

    season: str
    enrolments: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


def webinar(capacity: int, name: str) -> dict[str, Any]:
    """An open event with so many seats, and no reminders."""
    return {
        "kind": "webinar",
        "title": {"fi": name},
        "starts_at": START.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ends_at": (START + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "capacity": capacity,
        "reminders": [],
    }


class Staff:
    """A member of staff: makes calls of known intent, and remembers what is theirs."""

    def __init__(self, caller: Caller, rng: random.Random, name: str) -> None:
        self.caller = caller
        self.rng = rng
        self.name = name
        self.count = 0

    def post(self, service: str, path: str, body: dict[str, Any], tells: str, *, tries: int = 0) -> Call:
        return self._make(Call(id=self._id(), service=service, method="POST", path=path, body=body, tells=tells), tries)

    def patch(self, service: str, path: str, body: dict[str, Any], tells: str, version: int) -> Call:
        call = Call(id=self._id(), service=service, method="PATCH", path=path, body=body, tells=tells, if_match=version)
        return self._make(call, 0)

    def _make(self, call: Call, tries: int) -> Call:
        # Some are repeated at once, some only when all is well again.
        return self.caller.call(call, tries=tries or self.rng.choice((1, 2, 5)))

    def organisation(self) -> Call:
        self.count += 1
        body = {"kind": "other", "name": {"fi": f"{self.name} {self.count}"}, "population": 0}
        return self.post("enrolment", "/v1/organisations", body, "organisation.created")

    def contact(self, organisation: str) -> Call:
        """One in twenty has an address that no server takes, one in twenty one that is taken at the second offer."""
        self.count += 1
        kind = self.rng.choices(["", "gone.", "busy."], [18, 1, 1])[0]
        body = {
            "given_name": "Aino",
            "family_name": f"{self.name}{self.count}",
            "email": f"{kind}{self.name}.{self.count}@people.example",
            "organisation_id": organisation,
            "role": self.rng.choice(["officeholder", "elected", "developer"]),
            "language": self.rng.choice(["fi", "sv", "en"]),
        }
        return self.post("enrolment", "/v1/contacts", body, "contact.created")

    def enrol(self, season: str, organisation: str, contacts: list[str]) -> Call:
        body = {"season_id": season, "organisation_id": organisation, "contact_ids": contacts}
        return self.post("enrolment", "/v1/enrolments", body, "enrolment.created")

    def move(self, service: str, path: str, to: str, tells: str, *, reason: str | None = None, tries: int = 0) -> Call:
        body = {"to": to, **({"reason": reason} if reason else {})}
        return self.post(service, f"{path}/transitions", body, tells, tries=tries)

    def _id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))


class Writer(Staff):
    """Does one thing after another until told to stop."""

    def __init__(self, caller: Caller, rng: random.Random, name: str, shared: Shared, *, pause: float) -> None:
        super().__init__(caller, rng, name)
        self.shared = shared
        self.pause = pause
        self.organisations: dict[str, int] = {}
        self.contacts: dict[str, int] = {}
        self.enrolments: dict[str, str] = {}
        self.registrations: list[str] = []
        self.events: list[str] = []
        self.workshops: list[str] = []
        self.things: list[tuple[int, Callable[[], None]]] = [
            (2, self.add_organisation), (4, self.change_organisation), (3, self.add_contact), (4, self.change_contact),
            (2, self.enrol_somebody), (4, self.move_an_enrolment), (12, self.register), (5, self.cancel_a_registration),
            (4, self.check_in), (2, self.publish_an_event), (2, self.change_an_event), (1, self.cancel_an_event),
            (2, self.ask_for_a_workshop), (2, self.end_a_workshop),
        ]  # fmt: skip

    def run(self, keep_on: Callable[[], bool]) -> None:
        self.add_organisation()
        self.add_contact()
        while keep_on():
            [thing] = self.rng.choices([thing for _, thing in self.things], [weight for weight, _ in self.things])
            thing()
            time.sleep(self.rng.uniform(0, 2 * self.pause))

    def add_organisation(self) -> None:
        call = self.organisation()
        if call.outcome == "done":
            self.organisations[call.answer["id"]] = 1

    def change_organisation(self) -> None:
        self._change("/v1/organisations", self.organisations, {"population": self.count}, "organisation.updated")

    def add_contact(self) -> None:
        if self.organisations:
            call = self.contact(self._one(self.organisations))
            if call.outcome == "done":
                self.contacts[call.answer["id"]] = 1

    def change_contact(self) -> None:
        self._change("/v1/contacts", self.contacts, {"title": f"Title {self.count}"}, "contact.updated")

    def enrol_somebody(self) -> None:
        if self.organisations:
            contacts = [self._one(self.contacts)] if self.contacts else []
            call = self.enrol(self.shared.season, self._one(self.organisations), contacts)
            if call.outcome == "done":
                self.enrolments[call.answer["id"]] = "inquiry"

    def move_an_enrolment(self) -> None:
        going_on = [enrolment for enrolment, state in self.enrolments.items() if state in STEPS]
        if not going_on:
            return
        enrolment = self.rng.choice(going_on)
        to = STEPS[self.enrolments[enrolment]]
        if self.rng.random() < 0.1:
            to = "declined" if to in ("negotiating", "enrolled") else "withdrawn"
        call = self.move("enrolment", f"/v1/enrolments/{enrolment}", to, "enrolment.transitioned", reason="So be it")
        if call.outcome == "done":
            self.enrolments[enrolment] = to
        elif call.outcome == "unknown":
            self.enrolments.pop(enrolment)

    def register(self) -> None:
        if not self.contacts:
            return
        path = f"/v1/events/{self.rng.choice(self.shared.events[-8:])}/registrations"
        call = self.post("events", path, {"contact_id": self._one(self.contacts)}, "registration.created")
        if call.outcome == "done":
            self.registrations.append(call.answer["id"])

    def cancel_a_registration(self) -> None:
        self._move_a_registration("cancelled")

    def check_in(self) -> None:
        self._move_a_registration("attended")

    def publish_an_event(self) -> None:
        call = self.post("events", "/v1/events", webinar(self.rng.randint(1, 4), self.name), "event.created")
        if call.outcome == "done":
            event = call.answer["id"]
            self.move("events", f"/v1/events/{event}", "published", "event.transitioned", tries=5)
            self.events.append(event)
            self.shared.events.append(event)

    def change_an_event(self) -> None:
        if not self.events:
            return
        path = f"/v1/events/{self.rng.choice(self.events)}"
        event = self.caller.get("events", path)
        if event:
            self.patch("events", path, {"capacity": event["capacity"] + 1}, "event.updated", event["version"])

    def cancel_an_event(self) -> None:
        if len(self.events) > 1:
            self._move_an_event(self.events.pop(0), self.rng.choice(["cancelled", "completed"]))

    def ask_for_a_workshop(self) -> None:
        body = {
            **webinar(5, f"{self.name} workshop"),
            "kind": "workshop",
            "enrolment_id": self.rng.choice(self.shared.enrolments),
            "days": self.rng.choice([0.5, 1, 1.5]),
        }
        call = self.post("events", "/v1/events", body, "event.created")
        if call.outcome == "done":
            self._move_an_event(call.answer["id"], "published")
            self.workshops.append(call.answer["id"])

    def end_a_workshop(self) -> None:
        if self.workshops:
            workshop = self.workshops.pop(self.rng.randrange(len(self.workshops)))
            self._move_an_event(workshop, self.rng.choice(["cancelled", "cancelled", "completed"]))

    def _move_an_event(self, event: str, to: str) -> None:
        self.move("events", f"/v1/events/{event}", to, "event.transitioned", reason="So be it")

    def _move_a_registration(self, to: str) -> None:
        if self.registrations:
            registration = self.registrations.pop(self.rng.randrange(len(self.registrations)))
            self.move("events", f"/v1/registrations/{registration}", to, "registration.transitioned")

    def _change(self, path: str, versions: dict[str, int], body: dict[str, Any], tells: str) -> None:
        if not versions:
            return
        self.count += 1
        one = self._one(versions)
        call = self.patch("enrolment", f"{path}/{one}", body, tells, versions[one])
        if call.outcome == "done":
            versions[one] += 1
        else:
            versions.pop(one)

    def _one(self, of: dict[str, Any]) -> str:
        return self.rng.choice(list(of))


def prepare(staff: Staff, *, enrolments: int = 4, events: int = 3) -> Shared:
    """A running season with active enrolments, and events that anybody may register for."""
    days = {"starts_on": "2030-01-01", "ends_on": "2031-12-31"}
    season = {"number": 1, "name": {"fi": "Kausi"}, **days, "package": {"workshop_days": 3}}
    shared = Shared(season=_id(staff.post("enrolment", "/v1/seasons", season, "season.created")))
    for to in ("open", "running"):
        staff.move("enrolment", f"/v1/seasons/{shared.season}", to, "season.transitioned", tries=5)
    for _ in range(enrolments):
        organisation = _id(staff.organisation())
        contacts = [_id(staff.contact(organisation)) for _ in range(2)]
        enrolment = _id(staff.enrol(shared.season, organisation, contacts))
        for to in ("negotiating", "enrolled", "active"):
            staff.move("enrolment", f"/v1/enrolments/{enrolment}", to, "enrolment.transitioned", tries=5)
        shared.enrolments.append(enrolment)
    for capacity in range(2, 2 + events):
        event = _id(staff.post("events", "/v1/events", webinar(capacity, "Yhteinen"), "event.created"))
        staff.move("events", f"/v1/events/{event}", "published", "event.transitioned", tries=5)
        shared.events.append(event)
    return shared


def _id(call: Call) -> str:
    assert call.outcome == "done", f"{call.method} {call.path} answered {call.status} before there was any fault"
    identifier: str = call.answer["id"]
    return identifier


class Worker(Protocol):
    """Somebody at work: `run` goes on until `keep_on` says no."""

    def run(self, keep_on: Callable[[], bool]) -> None: ...


class AtWork:
    """Each of `workers` with a thread of its own, until `finish` or the caller has made `most` calls."""

    def __init__(self, caller: Caller, workers: Sequence[Worker], *, most: int) -> None:
        self._stop = threading.Event()
        self._most = most
        self.caller = caller
        self.failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(worker,), daemon=True) for worker in workers]
        for thread in self._threads:
            thread.start()

    def _run(self, worker: Worker) -> None:
        try:
            worker.run(lambda: not self._stop.is_set() and len(self.caller.calls) < self._most)
        except BaseException as error:  # noqa: BLE001 - said by `finish`
            self.failures.append(error)

    def finish(self) -> None:
        """Lets each end its present call. Raises the first error of a worker."""
        self._stop.set()
        for thread in self._threads:
            thread.join(180)
        if self.failures:
            raise self.failures[0]
