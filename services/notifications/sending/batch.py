"""A sender's batch of claimed deliveries, and their outcomes so far."""

import contextlib
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pymongo.errors import PyMongoError

from services.notifications.deliveries.commands import Outcome
from services.notifications.sending import claims, metrics
from services.notifications.sending.domain import CLAIM
from services.notifications.sending.waits import wait_after_unknown
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

# A mail server that takes longer than this for one mail must not hold up the rest of the batch: other senders get it.
PATIENCE_SECONDS = 1.0
RENEW_SECONDS = CLAIM.total_seconds() / 3


class Batch:
    """Claimed deliveries. Each is ended, postponed or abandoned; the rest are released."""

    def __init__(self, db: Database, token: str, claimed: list[Document], outcomes: list[Outcome]) -> None:
        self.db = db
        self.token = token
        self.claimed = claimed
        self._left = {document["_id"]: document for document in claimed}
        self._noted: set[str] = set()
        self._claimed_at = time.monotonic()
        self._outcomes = outcomes
        self._lock = threading.Lock()
        self._in_hand: tuple[str, float] | None = None
        self._done = threading.Event()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watches, in a thread of its own, for an SMTP dialogue that takes long."""
        watch = threading.Thread(target=self._watch, name="claim", daemon=True)
        watch.start()
        try:
            yield
        finally:
            self._done.set()
            watch.join()

    def hand_over(
        self, mails: Sequence[tuple[Document, Mapping[str, Any]]], accepted: Sequence[str]
    ) -> Collection[str]:
        """Notes that these deliveries are handed over now, each with its fields. Returns those that may be."""
        ids = [document["_id"] for document, _ in mails]
        if time.monotonic() - self._claimed_at > RENEW_SECONDS:
            claims.renew(self.db, ids, self.token)
        with self._lock:  # before the note is written: whoever releases them meanwhile takes it back
            self._noted |= {document["_id"] for document, _ in mails if not document["handed_over_at"]}
        begun = claims.hand_over(
            self.db, self.token, dict(zip(ids, (fields for _, fields in mails), strict=True)), accepted=accepted
        )
        for document, fields in mails:
            document.update(fields, attempts=document["attempts"] + 1)
        return begun

    @contextlib.contextmanager
    def in_hand(self, document: Document) -> Iterator[bool]:
        """Renews the claim on this delivery for as long as the server takes. False: it was released meanwhile."""
        with self._lock:
            ours = self._left.pop(document["_id"], None) is not None
            self._in_hand = (document["_id"], time.monotonic()) if ours else None
        try:
            yield ours
        finally:
            with self._lock:
                self._in_hand = None

    def is_ours(self, document: Document) -> bool:
        """Whether the batch still holds the delivery: it may have been released while another mail took long."""
        with self._lock:
            return document["_id"] in self._left

    def end(
        self,
        document: Document,
        state: str,
        *,
        error: str | None = None,
        bad_address: str | None = None,
        **fields: object,
    ) -> None:
        self._take(document)
        self._outcomes.append(
            Outcome(
                delivery_id=document["_id"],
                to=state,
                error=error,
                fields=fields,
                bad_address=bad_address,
                document=document,
            )
        )
        metrics.SETTLED.labels(state, document["template"]).inc()

    def postpone(
        self, document: Document, wait: timedelta, *, waits: int = 0, fields: Mapping[str, Any] | None = None
    ) -> None:
        self._take(document)
        claims.postpone(self.db, document["_id"], self.token, wait, waits=waits, fields=fields)

    def postpone_in_doubt(self, document: Document) -> None:
        self._take(document)
        wait = wait_after_unknown(document.get("unknowns", 0))
        claims.postpone_in_doubt(self.db, document["_id"], self.token, wait)

    def abandon(self, document: Document) -> None:
        """Drops a delivery that another sender has, or that was cancelled."""
        self._take(document)

    def release(self) -> None:
        """Releases the rest of the deliveries, so that other senders can claim them."""
        with self._lock:
            left, self._left = list(self._left), {}
            noted = [identifier for identifier in left if identifier in self._noted]
        claims.release(self.db, self.token, left, taken_back=noted)

    def _take(self, document: Document) -> None:
        with self._lock:
            self._left.pop(document["_id"], None)

    def _watch(self) -> None:
        renewed = time.monotonic()
        while not self._done.wait(PATIENCE_SECONDS / 2):
            with self._lock:
                in_hand = self._in_hand
            if in_hand is None or time.monotonic() - in_hand[1] < PATIENCE_SECONDS:
                renewed = time.monotonic()
                continue
            with contextlib.suppress(PyMongoError):  # without the release the claims run out, as after a crash
                self.release()
                if time.monotonic() - renewed > RENEW_SECONDS:
                    claims.renew(self.db, [in_hand[0]], self.token)
                    renewed = time.monotonic()
