"""Calls the webhooks that have calls due, each in a thread of its own. Runs in the worker."""

import threading
import time
from collections.abc import Sequence

from pymongo.errors import PyMongoError

from services.notifications.webhooks import calling, lines
from services.notifications.webhooks.addresses import Network
from services.notifications.webhooks.calling import Called, Calling
from services.notifications.webhooks.replaying import queue_replay
from services.notifications.webhooks.retries import GIVE_UP_AFTER
from services.notifications.webhooks.stopping import stop_calling
from services.notifications.webhooks.store import WEBHOOKS
from shared.ids import new_id, utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.secrets import Secrets
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# After this time the caller looks the webhook up again: its address, its secrets and its state may have changed.
ROUND_SECONDS = 30.0
# As many as there may be webhooks: with fewer threads, slow webhooks would keep other webhooks from their calls.
THREADS = 100


class WebhookCaller:
    """Calls the webhooks. Several threads and several workers may use it."""

    def __init__(self, db: Database, secrets: Secrets, *, allowed: Sequence[Network] = ()) -> None:
        self.db = db
        self.secrets = secrets
        self.allowed = allowed
        self._stopping = threading.Event()
        self._running: dict[str, threading.Thread] = {}

    def stop(self) -> None:
        """Starts no further call. The calls under way end within fifteen seconds."""
        self._stopping.set()

    def run(self) -> bool:
        """Starts a thread for each webhook that has calls due and no thread yet. Does not wait for the threads."""
        self._running = {name: thread for name, thread in self._running.items() if thread.is_alive()}
        if self._stopping.is_set():
            return False
        for webhook_id in lines.with_calls_due(self.db, utc_now()):
            if webhook_id not in self._running and len(self._running) < THREADS:
                thread = threading.Thread(target=self._serve, args=(webhook_id,), name="webhook", daemon=True)
                self._running[webhook_id] = thread
                thread.start()
        return False

    def _serve(self, webhook_id: str) -> None:
        try:
            self.serve(webhook_id)
        except PyMongoError as error:  # the claim ends by itself, and another round begins
            log.warning("a webhook's calls were interrupted", webhook_id=webhook_id, error=type(error).__name__)

    def serve(self, webhook_id: str) -> None:
        """Calls one webhook until no call is due, its endpoint refuses all calls, or half a minute has passed."""
        token = new_id()
        line = lines.claim(self.db, webhook_id, token)
        if line is None:
            return
        changes: Document = {}
        webhook = self.db[WEBHOOKS.collection].find_one({"_id": webhook_id, "state": "active"})
        if webhook is not None:
            queue_replay(self.db, webhook, line.get("replay"))
            session = Calling(self.db, self.secrets, webhook, self.allowed)
            try:
                changes = self._round(session, line, token)
            finally:
                session.close()
        lines.release(self.db, webhook_id, token, changes)

    def _round(self, session: Calling, line: Document, token: str) -> Document:
        ends = time.monotonic() + ROUND_SECONDS
        changes: Document = {}
        while time.monotonic() < ends and not self._stopping.is_set():
            rows = calling.next_calls(self.db, session.webhook["_id"], utc_now())
            if not rows or not lines.renew(self.db, session.webhook["_id"], token):
                break
            called = session.call(rows)
            calling.note(self.db, called, utc_now())
            if _is_gone(called):
                stop_calling(self.db, session.webhook["_id"], to="gone", why="410")
                break
            if any(each.answer is None or each.answer.is_taken for each in called):
                line = {**line, **lines.after_a_success()}
                changes = lines.after_a_success()
                if asked := calling.asked_to_wait(called, utc_now()):
                    return {**changes, "next_at": utc_now() + asked}
                continue
            return self._failed(session, line, called)
        return changes

    def _failed(self, session: Calling, line: Document, called: Sequence[Called]) -> Document:
        now = utc_now()
        changes = lines.after_failures(line, now, asked_to_wait=calling.asked_to_wait(called, now))
        if now - changes["failing_since"] >= GIVE_UP_AFTER:
            stop_calling(self.db, session.webhook["_id"], to="dead", why=_why(called))
        return changes


def _is_gone(called: Sequence[Called]) -> bool:
    return any(each.answer is not None and each.answer.status == 410 for each in called)


def _why(called: Sequence[Called]) -> str:
    answers = [each.answer for each in called if each.answer is not None]
    last = answers[-1] if answers else None
    return str(last.status or last.error) if last else ""
