"""What the seats of an event should look like: slow, simple, and written without a look at the service."""

from typing import Any

SEATED = ("confirmed", "offered", "attended", "absent")
STEPS = {
    "confirmed": {"cancelled", "attended", "absent"},
    "waitlisted": {"cancelled", "attended"},
    "offered": {"cancelled", "confirmed"},
    "attended": {"confirmed", "absent"},
    "absent": {"attended", "confirmed"},
    "cancelled": set(),
}


class Model:
    """The people of one event in the order of arrival. `event` holds the limits, `promoted` what a free seat means."""

    def __init__(self, event: dict[str, Any], promoted: str = "confirmed") -> None:
        self.event = event
        self.promoted = promoted
        self.people: list[dict[str, Any]] = []

    def register(self, contact: dict[str, Any], mode: str | None) -> None:
        if any(person["contact"] == contact and person["state"] != "cancelled" for person in self.people):
            return
        person = {"contact": contact, "mode": mode, "state": "waitlisted", "held_key": None}
        if self.may_sit(person):
            self.seat(person, "confirmed")
        self.people.append(person)

    def step(self, contact: dict[str, Any], to: str) -> None:
        for person in self.people:
            if person["contact"] == contact and to in STEPS[person["state"]]:
                person["state"] = to
                if to == "cancelled":
                    person["held_key"] = None
        self.settle()

    def change(self, **fields: Any) -> None:
        self.event = {**self.event, **fields}
        self.settle()

    def settle(self) -> None:
        """Seats the first in line who may sit, until nobody may."""
        while ready := [person for person in self.line() if self.may_sit(person)]:
            self.seat(ready[0], self.promoted)

    def line(self) -> list[dict[str, Any]]:
        """The people in line as they are served: of the organisation with the fewest seats first, in a fair line."""
        waiting = [person for person in self.people if person["state"] == "waitlisted"]
        if self.event["waitlist_order"] == "organisations":
            waiting.sort(
                key=lambda person: self.seats_of(person["contact"]["organisation_id"])
            )  # keeps equals in order
        return waiting

    def seat(self, person: dict[str, Any], state: str) -> None:
        hold = self.hold_of(person)
        person.update(state=state, held_key=hold["key"] if hold else None)

    def seated(self) -> list[dict[str, Any]]:
        return [person for person in self.people if person["state"] in SEATED]

    def seats_of(self, organisation: str) -> int:
        return [person["contact"]["organisation_id"] for person in self.seated()].count(organisation)

    def left(self, hold: dict[str, Any]) -> int:
        used = [person["held_key"] for person in self.seated()].count(hold["key"])
        return max(0, int(hold["seats"]) - used)

    def hold_of(self, person: dict[str, Any]) -> dict[str, Any] | None:
        for hold in self.event["holds"]:
            contact = person["contact"]
            is_for = hold.get("organisation_id") == contact["organisation_id"] or hold.get("role") == contact["role"]
            if person["mode"] != "online" and is_for and self.left(hold):
                found: dict[str, Any] = hold
                return found
        return None

    def may_sit(self, person: dict[str, Any]) -> bool:
        most = self.event["max_per_organisation"]
        if most is not None and self.seats_of(person["contact"]["organisation_id"]) >= most:
            return False
        online = person["mode"] == "online"
        capacity = self.event["online_capacity" if online else "capacity"]
        if capacity is None:
            return True
        taken = sum((each["mode"] == "online") == online for each in self.seated())
        kept = 0 if online or self.hold_of(person) else sum(self.left(hold) for hold in self.event["holds"])
        return bool(taken + kept < capacity)
