"""The three services side by side on real databases, their messages carried by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts import SERVICES
from ops.erasure.following import Eraser
from services.enrolment.erasures.commands import erase_traces
from services.events.erasure import erasing
from services.notifications.erasure import erase_deliveries
from shared.messaging.messages import Message
from shared.mongo.database import Database
from shared.secrets import Secrets
from shared.service import Service
from tests.support import Client, feed, outbox

Json = dict[str, Any]


class Network:
    """What staff do in all three services. Messages travel when somebody says `catch_up`."""

    def __init__(self, dbs: dict[str, Database], clients: dict[str, Client]) -> None:
        self.dbs = dbs
        self.clients = clients
        self._carried: set[tuple[str, str | None, str]] = set()

    def post(self, service: str, path: str, body: Json, *, role: str = "manager") -> Json:
        return self._fine(self.clients[service].post(path, json=body, role=role))

    def get(self, service: str, path: str) -> Json:
        return self._fine(self.clients[service].get(path))

    def patch(self, service: str, path: str, body: Json) -> Json:
        return self._fine(self.clients[service].patch(path, json=body, headers={"If-Match": "*"}))

    def put(self, service: str, path: str, body: Json) -> Json:
        return self._fine(self.clients[service].put(path, json=body, headers={"If-Match": "*"}))

    def delete(self, service: str, path: str) -> None:
        answer = self.clients[service].delete(path)
        assert answer.status_code == 204, answer.text

    def move(self, service: str, path: str, *states: str, reason: str | None = None) -> Json:
        """Through these states, one after another."""
        moved: Json = {}
        for state in states:
            moved = self.post(service, f"{path}/transitions", {"to": state, "reason": reason})
        return moved

    def catch_up(self) -> None:
        """Everybody reads what everybody has said, until nobody says anything new."""
        while new := [message for message in self.said() if sent(message) not in self._carried]:
            self._carried.update(map(sent, new))
            for service in SERVICES:
                topics = service.subscriptions
                feed(self.dbs[service.name], topics, [message for message in new if message.topic in topics])

    def erasers(self) -> list[Eraser]:
        """What the services' workers do about erasures."""
        secrets = self.clients["events"].app.extensions["uso"][Secrets]
        return [
            Eraser(self.dbs["enrolment"], "enrolment", erase_traces),
            Eraser(self.dbs["events"], "events", erasing(secrets)),
            Eraser(self.dbs["notifications"], "notifications", erase_deliveries),
        ]

    def erase(self) -> bool:
        """What the workers can erase without further messages; tells whether there was anything."""
        busy = False
        for eraser in self.erasers():
            while eraser.step():
                busy = True
        return busy

    def settle(self) -> None:
        """Messages travel and workers erase until there is nothing left to do."""
        self.catch_up()
        while self.erase():
            self.catch_up()

    def said(self) -> list[Message]:
        return [message for db in self.dbs.values() for message in outbox(db)]

    @staticmethod
    def _fine(answer: Any) -> Json:
        assert answer.status_code in (200, 201, 202), answer.text
        body: Json = answer.json
        return body


@pytest.fixture
def network(db_for: Callable[[str], Database], client_of: Callable[[Service], Client]) -> Network:
    dbs = {service.name: db_for(service.name) for service in SERVICES}
    return Network(dbs, {service.name: client_of(service) for service in SERVICES})


def sent(message: Message) -> tuple[str, str | None, str]:
    """Tells a message from others; tombstones have no id of their own."""
    return message.topic, message.key, message.id
