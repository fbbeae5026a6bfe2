"""Announcements, reminders and a webhook while all else goes on, and what must be true of them afterwards."""

import json
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.calls import Caller
from tests.faults.observed import Called
from tests.faults.workload import Staff, webinar

# A reminder is worth sending for half of its lead: an outage in a trial is shorter than half an hour.
LEAD, REMINDED_IN = timedelta(hours=1), timedelta(seconds=40)
REGISTERED = 5
PAUSE_SECONDS = (5.0, 20.0)
TEXT = {"subject": {"fi": "Kuulumiset"}, "body": {"fi": "Kaikki **hyvin**."}}
TYPES = ["announcement.*", "event.transitioned"]


class Receiver:
    """The endpoint of a webhook. It refuses one call in ten, and keeps the calls that it has taken."""

    def __init__(self, rng: random.Random) -> None:
        self.called: list[Called] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._lock:
                    taken = rng.random() > 0.1
                    if taken:
                        receiver.called.append(_called(body))
                self.send_response(204 if taken else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """The trial prints what it does; calls are too many."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/in"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _called(body: bytes) -> Called:
    message = json.loads(body)
    type = message["type"].removeprefix("fi.uso.")
    return Called(message_id=message["id"], key=message["subject"], type=type, sequence=message["sequence"])


class AnnouncingStaff(Staff):
    """Writes to the same people again and again, calls some of it off, and holds events that remind people."""

    def __init__(self, caller: Caller, rng: random.Random, *, size: int, receiver: Receiver) -> None:
        super().__init__(caller, rng, "news")
        self._size = size
        self._receiver = receiver
        self._organisation = ""
        self._contacts: list[str] = []

    def invite_people(self) -> None:
        """Makes the organisation, its contacts and the webhook. Called before there is any fault."""
        self._organisation = self.organisation().answer["id"]
        calls = [self.contact(self._organisation) for _ in range(self._size)]
        self._contacts = [call.answer["id"] for call in calls if call.outcome == "done"]
        self.post(
            "notifications", "/v1/webhooks", {"url": self._receiver.url, "types": TYPES}, "webhook.created", tries=5
        )

    def run(self, keep_on: Callable[[], bool]) -> None:
        while keep_on():
            self._announce()
            self._hold_an_event()
            until = time.monotonic() + self.rng.uniform(*PAUSE_SECONDS)
            while keep_on() and time.monotonic() < until:
                time.sleep(0.5)

    def _announce(self) -> None:
        body = {**TEXT, "segment": {"organisation_ids": [self._organisation]}}
        made = self.post("notifications", "/v1/announcements", body, "announcement.created", tries=5)
        if made.outcome != "done":
            return
        path = f"/v1/announcements/{made.answer['id']}"
        for _ in range(2):  # somebody presses the button twice
            self.move("notifications", path, "scheduled", "announcement.transitioned", tries=5)
        if self.rng.random() < 0.2:
            self.move("notifications", path, "cancelled", "announcement.transitioned", reason="So be it", tries=5)

    def _hold_an_event(self) -> None:
        starts = datetime.now(UTC) + LEAD + REMINDED_IN
        times = {"starts_at": _text(starts), "ends_at": _text(starts + timedelta(hours=1))}
        made = self.post(
            "events", "/v1/events", {**webinar(100, "Pian"), **times, "reminders": ["PT1H"]}, "event.created", tries=5
        )
        if made.outcome != "done":
            return
        path = f"/v1/events/{made.answer['id']}"
        self.move("events", path, "published", "event.transitioned", tries=5)
        for contact in self.rng.sample(self._contacts, min(REGISTERED, len(self._contacts))):
            self.post("events", f"{path}/registrations", {"contact_id": contact}, "registration.created", tries=5)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
