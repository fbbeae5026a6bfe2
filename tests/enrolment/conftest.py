"""An enrolment service on a real database, without Kafka in between."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.enrolment.app import SERVICE
from shared.messaging.messages import Message
from shared.mongo.database import Database
from shared.service import Service
from shared.tables import CSV
from tests.contracts.conftest import network
from tests.enrolment import builders as a
from tests.support import Client, feed, outbox

Json = dict[str, Any]
__all__ = ["network"]


class Enrolment:
    """The service under test, and what staff do with it."""

    def __init__(self, db: Database, client: Client) -> None:
        self.db = db
        self.client = client

    def hears(self, *messages: Message | list[Message]) -> None:
        """The messages arrive, one batch each (a list is one batch)."""
        for message in messages:
            feed(self.db, SERVICE.subscriptions, message if isinstance(message, list) else [message])

    def organisation(self, **fields: Any) -> Json:
        return self.created("organisations", a.organisation(**fields))

    def municipality(self, code: str = "837", **fields: Any) -> Json:
        return self.created("organisations", a.municipality(code, **fields))

    def contact(self, organisation: Json, **fields: Any) -> Json:
        return self.created("contacts", a.contact(organisation, **fields))

    def season(self, state: str = "open", **fields: Any) -> Json:
        """A season that managers have taken to `state`."""
        season = self.created("seasons", a.season(**fields))
        for step in ("open", "running", "closed"):
            if season["state"] != state:
                season = self.moved("seasons", season, step)
        return season

    def enrolment(self, state: str = "inquiry", *, season: Json | None = None, **fields: Any) -> Json:
        """An enrolment of a new organisation that staff have taken to `state` by the shortest way."""
        body = a.enrolment(season or self.season(), self.organisation(), **fields)
        enrolment = self.created("enrolments", body)
        for step in WAYS[state]:
            enrolment = self.moved("enrolments", enrolment, step, "So it was agreed.")
        return enrolment

    def created(self, nouns: str, body: Json) -> Json:
        return self._fine(self.client.post(f"/v1/{nouns}", json=body), 201)

    def move(self, nouns: str, thing: Json, to: str, reason: str | None = None, role: str = "manager") -> Any:
        path = f"/v1/{nouns}/{thing['id']}/transitions"
        return self.client.post(path, json={"to": to, "reason": reason}, role=role)

    def moved(self, nouns: str, thing: Json, to: str, reason: str | None = None) -> Json:
        return self._fine(self.move(nouns, thing, to, reason))

    def change(self, nouns: str, thing: Json, *, match: str | None = "*", **fields: Any) -> Any:
        headers = {"If-Match": match} if match else {}
        return self.client.patch(f"/v1/{nouns}/{thing['id']}", json=fields, headers=headers)

    def changed(self, nouns: str, thing: Json, **fields: Any) -> Json:
        return self._fine(self.change(nouns, thing, **fields))

    def shown(self, nouns: str, thing: Json) -> Json:
        return self._fine(self.client.get(f"/v1/{nouns}/{thing['id']}"))

    def listed(self, nouns: str, **query: Any) -> list[str]:
        """The ids of what a list shows."""
        answer = self._fine(self.client.get(f"/v1/{nouns}", query_string={"limit": 200} | query))
        return [item["id"] for item in answer["items"]]

    def history(self, path: str) -> list[str]:
        """The types of the changes, oldest first."""
        return [row["type"] for row in reversed(self._fine(self.client.get(f"/v1/{path}/history"))["items"])]

    def imports(self, nouns: str, table: bytes, *, media: str = CSV, dry_run: bool = False, **headers: str) -> Json:
        """What an import answers."""
        path = f"/v1/{nouns}/import" + ("?dry_run=true" if dry_run else "")
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._fine(self.client.post(path, data=table, content_type=media, headers=names))

    def days(self, enrolment: Json) -> Json:
        return self._fine(self.client.get(f"/v1/enrolments/{enrolment['id']}/workshop-days"))

    def left(self, enrolment: Json) -> tuple[int, int, int, int]:
        """Half days: granted, reserved, used, available."""
        days = self.days(enrolment)
        return days["granted"], days["reserved"], days["used"], days["available"]

    def adjust(self, enrolment: Json, half_days: int, reason: str = "So it was agreed.") -> Any:
        path = f"/v1/enrolments/{enrolment['id']}/workshop-days/adjustments"
        return self.client.post(path, json={"half_days": half_days, "reason": reason})

    def adjusted(self, enrolment: Json, half_days: int) -> Json:
        return self._fine(self.adjust(enrolment, half_days), 201)

    def said(self, topic: str) -> list[Message]:
        return outbox(self.db, topic)

    def types(self, topic: str) -> list[str]:
        return [message.type for message in self.said(topic)]

    @staticmethod
    def _fine(answer: Any, status: int = 200) -> Json:
        assert answer.status_code == status, answer.text
        body: Json = answer.json
        return body


WAYS = {
    "inquiry": [],
    "negotiating": ["negotiating"],
    "enrolled": ["negotiating", "enrolled"],
    "active": ["negotiating", "enrolled", "active"],
    "completed": ["negotiating", "enrolled", "active", "completed"],
    "declined": ["declined"],
    "withdrawn": ["negotiating", "enrolled", "withdrawn"],
}


@pytest.fixture
def enrolment(db_for: Callable[[str], Database], client_of: Callable[[Service], Client]) -> Enrolment:
    return Enrolment(db_for("enrolment"), client_of(SERVICE))


@pytest.fixture
def all_at_once() -> Callable[[Sequence[Callable[[], Any]]], list[Any]]:
    """Runs all of them in threads of their own; returns what they return, in order."""

    def run(actions: Sequence[Callable[[], Any]]) -> list[Any]:
        with ThreadPoolExecutor(len(actions)) as pool:
            return [future.result() for future in [pool.submit(action) for action in actions]]

    return run
