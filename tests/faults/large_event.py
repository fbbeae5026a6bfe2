"""An event that hundreds are registered for is changed, called off or completed while all else goes on."""

import random
import time
from collections.abc import Callable

from tests.faults.calls import Caller
from tests.faults.workload import Staff, webinar

# Long enough for the mails about one change to be under way when the next change comes.
PAUSE_SECONDS = (20.0, 60.0)
CHANGES = 4
# Between two people's registrations: this party must not take all of the machine.
BREATH_SECONDS = 0.1


class LargeEventStaff(Staff):
    """Fills one large event after another with the same people, changes its venue a few times, and ends it."""

    def __init__(self, caller: Caller, rng: random.Random, *, size: int) -> None:
        super().__init__(caller, rng, "large")
        self._size = size
        self._contacts: list[str] = []

    def invite_people(self) -> None:
        """Makes the contacts. Called before there is any fault."""
        organisation = self.organisation().answer["id"]
        calls = [self.contact(organisation) for _ in range(self._size)]
        self._contacts = [call.answer["id"] for call in calls if call.outcome == "done"]

    def run(self, keep_on: Callable[[], bool]) -> None:
        while keep_on():
            event = self._fill(keep_on)
            for _ in range(CHANGES):
                self._rest(keep_on)
                if event and keep_on():
                    self._change(event)
            if event and keep_on():
                to = self.rng.choice(["cancelled", "completed"])
                self.move("events", f"/v1/events/{event}", to, "event.transitioned", reason="So be it", tries=5)

    def _fill(self, keep_on: Callable[[], bool]) -> str | None:
        body = {**webinar(10 * self._size, "Suuri"), "venue": "Sali"}
        call = self.post("events", "/v1/events", body, "event.created", tries=5)
        if call.outcome != "done":
            return None
        event: str = call.answer["id"]
        self.move("events", f"/v1/events/{event}", "published", "event.transitioned", tries=5)
        for contact in self._contacts:
            if keep_on():
                path = f"/v1/events/{event}/registrations"
                self.post("events", path, {"contact_id": contact}, "registration.created", tries=5)
                time.sleep(BREATH_SECONDS)
        return event

    def _change(self, event: str) -> None:
        self.count += 1
        path = f"/v1/events/{event}"
        shown = self.caller.get("events", path)
        if shown:
            self.patch("events", path, {"venue": f"Sali {self.count}"}, "event.updated", shown["version"])

    def _rest(self, keep_on: Callable[[], bool]) -> None:
        until = time.monotonic() + self.rng.uniform(*PAUSE_SECONDS)
        while keep_on() and time.monotonic() < until:
            time.sleep(0.5)
