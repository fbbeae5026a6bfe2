"""An events service on a real database, without Kafka in between."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from services.events.app import SERVICE
from services.events.registrations.seats import SEATS
from shared.messaging.messages import Message
from shared.mongo.database import Database
from shared.secrets import Secrets
from shared.service import Service
from shared.settings import Settings
from tests.support import Client, feed, outbox
from tests.support.messages import outbox_text

Json = dict[str, Any]


class Events:
    """The service under test, and what staff do with it."""

    def __init__(self, db: Database, secrets: Secrets, client: Client) -> None:
        self.db = db
        self.secrets = secrets
        self.client = client

    def hears(self, *messages: Message | list[Message]) -> None:
        """The messages arrive, one batch each (a list is one batch)."""
        for message in messages:
            feed(self.db, SERVICE.subscriptions, message if isinstance(message, list) else [message])

    def drafted(self, body: Json) -> Json:
        return self._fine(self.client.post("/v1/events", json=body), 201)

    def published(self, body: Json) -> Json:
        """A new event after `to: published`; a workshop waits for its days then."""
        return self.moved(self.drafted(body), "published")

    def moved(self, event: Json, to: str, reason: str | None = None) -> Json:
        return self._fine(self.client.post(f"/v1/events/{event['id']}/transitions", json={"to": to, "reason": reason}))

    def patch(self, event: Json, **fields: Any) -> Any:
        return self.client.patch(f"/v1/events/{event['id']}", json=fields, headers={"If-Match": "*"})

    def changed(self, event: Json, **fields: Any) -> Json:
        return self._fine(self.patch(event, **fields))

    def event(self, event: Json) -> Json:
        return self._fine(self.client.get(f"/v1/events/{event['id']}"))

    def register(self, event: Json, *, headers: Json | None = None, **who: Any) -> Any:
        """The answer to a registration of `contact` or `person`."""
        body = {"contact_id": who["contact"]["id"]} if "contact" in who else {"person": who["person"]}
        return self.client.post(f"/v1/events/{event['id']}/registrations", json=body, headers=headers)

    def registered(self, event: Json, **who: Any) -> Json:
        return self._fine(self.register(event, **who), 201)

    def turn(self, registration: Json, to: str) -> Any:
        return self.client.post(f"/v1/registrations/{registration['id']}/transitions", json={"to": to})

    def turned(self, registration: Json, to: str) -> Json:
        return self._fine(self.turn(registration, to))

    def registration(self, registration: Json) -> Json:
        return self._fine(self.client.get(f"/v1/registrations/{registration['id']}"))

    def registrations(self, event: Json, **query: Any) -> list[Json]:
        path = f"/v1/events/{event['id']}/registrations"
        items: list[Json] = self._fine(self.client.get(path, query_string={"limit": 200} | query))["items"]
        return items

    def seats(self, event: Json) -> Json:
        seats = self.db[SEATS].find_one({"_id": event["id"]})
        assert seats is not None
        return seats

    def said(self, topic: str) -> list[Message]:
        return outbox(self.db, topic)

    def types(self, topic: str) -> list[str]:
        return [message.type for message in self.said(topic)]

    def all_that_was_said(self) -> str:
        return outbox_text(self.db)

    @staticmethod
    def _fine(answer: Any, status: int = 200) -> Json:
        assert answer.status_code == status, answer.text
        body: Json = answer.json
        return body


@pytest.fixture
def events(
    db_for: Callable[[str], Database], settings_for: Callable[..., Settings], client_of: Callable[[Service], Client]
) -> Events:
    settings = settings_for("events")
    secrets = Secrets(sealing_keys=settings.sealing_keys, signing_keys=settings.signing_keys)
    return Events(db_for("events"), secrets, client_of(SERVICE))


@pytest.fixture
def at_once() -> Callable[[Sequence[Callable[[], Any]]], list[Any]]:
    """Runs all of them in threads of their own, begun together; returns what they return, in order."""

    def run(actions: Sequence[Callable[[], Any]]) -> list[Any]:
        start = threading.Barrier(len(actions))
        results: list[Any] = [None] * len(actions)

        def one(number: int) -> None:
            start.wait()
            results[number] = actions[number]()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(len(actions))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run
