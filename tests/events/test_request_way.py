"""How many of the service's files a request passes: from its route until its change stands in the outbox.

The events here have no questions of their own: checking answers is the questions' part.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from shared.mongo.unit_of_work import UnitOfWork
from tests.events import builders as a
from tests.events.conftest import Events

SERVICE = Path(__file__).parents[2] / "services" / "events"
# Route, admission, seats by rule and in the database, the person: a reader keeps no more in mind.
MOST_FILES = 5


class Way:
    """The service's files whose functions ran between a view's first line and the last flush of its transaction."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self._passed: set[str] = set()
        self._begun = False

    def of(self, request: Callable[[], Any]) -> Any:
        sys.setprofile(self._note)
        try:
            return request()
        finally:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(SERVICE):
            name = path.relative_to(SERVICE).as_posix()
            self._begun = self._begun or path.name == "api.py"  # before its view the schemas read the body
            if self._begun:
                self._passed.add(name)
        elif event == "return" and frame.f_code is UnitOfWork.flush.__code__:
            self.files |= self._passed


def test_a_contact_s_registration_passes_five_files(events: Events) -> None:
    way = Way()
    event = events.published(a.webinar(capacity=1, max_per_organisation=1))
    organisation = a.organisation()
    contact = a.contact(organisation)
    events.hears(a.known(a.ORGANISATIONS, organisation), a.known(a.CONTACTS, contact))
    answer = way.of(lambda: events.register(event, contact=contact))
    assert answer.status_code == 201
    assert {"registrations/api.py", "registrations/admission.py", "registrations/seating.py"} <= way.files
    assert len(way.files) <= MOST_FILES, way.files


def test_a_registration_by_the_public_form_passes_five_files(events: Events) -> None:
    way = Way()
    event = events.published(a.webinar(capacity=1, max_per_organisation=1, confirm_address=True))
    path = f"/public/events/{event['id']}/registrations"
    answer = way.of(lambda: events.client.post(path, json={"person": a.person()}))
    assert answer.status_code == 202
    assert {"public/api.py", "registrations/admission.py", "registrations/seating.py"} <= way.files
    assert len(way.files) <= MOST_FILES, way.files


def test_a_cancellation_that_lets_in_the_next_passes_five_files(events: Events) -> None:
    way = Way()
    event = events.published(a.webinar(capacity=1))
    seated = events.registered(event, person=a.person())
    events.registered(event, person=a.person(2))
    answer = way.of(lambda: events.turn(seated, "cancelled"))
    assert answer.status_code == 200
    assert events.seats(event)["waiting"] == 0
    assert {"registrations/api.py", "registrations/commands.py", "registrations/seats.py"} <= way.files
    assert len(way.files) <= MOST_FILES, way.files


def test_an_event_s_publication_passes_five_files(events: Events) -> None:
    way = Way()
    event = events.drafted(a.webinar())
    path = f"/v1/events/{event['id']}/transitions"
    answer = way.of(lambda: events.client.post(path, json={"to": "published"}))
    assert answer.status_code == 200
    assert {"events/api.py", "events/commands.py"} <= way.files
    assert len(way.files) <= MOST_FILES, way.files
