"""Makes the calls of one webhook: the oldest call of each key first, several keys at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne

from services.notifications.webhooks.addresses import Network, Refused, resolve
from services.notifications.webhooks.domain import KEPT_FOR
from services.notifications.webhooks.endpoint import Answer, Endpoint
from services.notifications.webhooks.retries import GIVE_UP_AFTER, retry_after, wait_for_the_call
from services.notifications.webhooks.signing import signed_headers
from services.notifications.webhooks.store import CALLS, MESSAGES
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.secrets import Secrets

# So many keys at the same time: an endpoint that needs 100 ms takes 80 messages a second.
SIDE_BY_SIDE = 8
LOOKED_AT = 200
KEPT_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Called:
    """A call and its answer. `answer` is None when the message was deleted meanwhile."""

    row: Document
    answer: Answer | None
    at: datetime


def next_calls(db: Database, webhook_id: str, now: datetime, *, limit: int = SIDE_BY_SIDE) -> list[Document]:
    """The oldest waiting call of several keys. Leaves out a key whose oldest call waits for its next try."""
    waiting: Document = {"webhook_id": webhook_id, "state": "waiting"}
    resting = db[CALLS].distinct("key", {**waiting, "next_at": {"$gt": now}})
    found = db[CALLS].find({**waiting, "key": {"$nin": resting}}).sort("_id", 1).limit(LOOKED_AT)
    first: dict[str, Document] = {}
    for row in found:
        known = first.setdefault(row["key"], row)
        # Two workers' clocks may differ by more than the time between two messages: the version decides.
        if row["sequence"] < known["sequence"]:
            first[row["key"]] = row
    return list(first.values())[:limit]


class Calling:
    """Makes a webhook's calls over kept connections to one address, in threads of its own. Use it from one thread."""

    def __init__(self, db: Database, secrets: Secrets, webhook: Document, allowed: Sequence[Network]) -> None:
        self.db = db
        self.webhook = webhook
        self._secrets = secrets
        self._endpoints: list[Endpoint] = []
        self._pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE, thread_name_prefix="webhook call")
        self._refused: str | None = None
        try:
            target = resolve(webhook["url"], allowed=allowed)
            self._endpoints = [Endpoint(target) for _ in range(SIDE_BY_SIDE)]
        except Refused as refusal:
            self._refused = str(refusal)

    def close(self) -> None:
        self._pool.shutdown()
        for endpoint in self._endpoints:
            endpoint.close()

    def call(self, rows: Sequence[Document]) -> list[Called]:
        """Makes these calls (at most eight) at the same time."""
        found = self.db[MESSAGES].find({"_id": {"$in": [row["message_id"] for row in rows]}})
        messages = {message["_id"]: message for message in found}
        return list(
            self._pool.map(self._one, range(len(rows)), rows, [messages.get(row["message_id"]) for row in rows])
        )

    def _one(self, slot: int, row: Document, message: Document | None) -> Called:
        now = utc_now()
        if message is None:
            return Called(row=row, answer=None, at=now)
        if self._refused:
            return Called(row=row, answer=Answer(status=None, error="refused_address"), at=now)
        body = bytes(message["value"])
        headers = signed_headers(self._live_secrets(now), message_id=row["message_id"], at=now, body=body)
        return Called(row=row, answer=self._endpoints[slot].post(body, headers), at=now)

    def _live_secrets(self, now: datetime) -> list[str]:
        sealed = [self.webhook["secret_sealed"]]
        if self.webhook["old_secret_sealed"] and self.webhook["old_secret_until"] > now:
            sealed.append(self.webhook["old_secret_sealed"])
        return [self._secrets.unseal(each) for each in sealed]


def note(db: Database, called: Sequence[Called], now: datetime) -> None:
    """Writes the outcomes of the calls."""
    db[CALLS].bulk_write([UpdateOne({"_id": each.row["_id"]}, _update(each, now)) for each in called], ordered=False)


def asked_to_wait(called: Sequence[Called], now: datetime) -> timedelta | None:
    """The longest wait that an answer asks for."""
    waits = [retry_after(each.answer.retry_after, now) for each in called if each.answer and not each.answer.is_taken]
    return max((wait for wait in waits if wait is not None), default=None)


def _update(called: Called, now: datetime) -> Document:
    answer, row = called.answer, called.row
    if answer is None:
        return {"$set": {"state": "erased", "finished_at": now, "next_at": None}}
    attempt = {"at": called.at, "status": answer.status, "error": answer.error, "milliseconds": answer.milliseconds}
    attempts = row["attempts"] + 1
    fields: dict[str, Any] = {"attempts": attempts, "first_tried_at": row["first_tried_at"] or called.at}
    if answer.is_taken:
        fields |= {"state": "delivered", "finished_at": now, "next_at": None}
    elif now - fields["first_tried_at"] >= GIVE_UP_AFTER:
        # The endpoint takes other calls. A call that it always refuses must not hold up its key for ever.
        fields |= {"state": "failed", "finished_at": now, "next_at": None}
    else:
        wait = wait_for_the_call(attempts)
        asked = asked_to_wait([called], now)
        fields |= {"next_at": now + (max(wait, asked) if asked else wait), "expires_at": now + KEPT_FOR}
    return {"$set": fields, "$push": {"tries": {"$each": [attempt], "$slice": -KEPT_TRIES}}}
