"""The sender: claims due deliveries, writes them, hands them to the mail server, and says what came of it.

What is promised: a mail is sent once, unless the sender died (or the connection broke) in the middle
of handing it over; then it is sent again under the same Message-ID. A server that is away costs
nothing but time.
"""

import random
import threading
import time
from datetime import timedelta

from services.notifications.deliveries.commands import Outcome, record_outcomes
from services.notifications.sending import claims, metrics
from services.notifications.sending.domain import (
    BATCH,
    MISSING_LIMIT,
    REFUSED_LIMIT,
    wait_for_a_copy,
    wait_for_the_recipient,
    wait_for_the_server,
)
from services.notifications.sending.mail_composer import MailComposer, Missing, NotToBeSent, OutgoingMail
from services.notifications.sending.smtp import Away, Envelope, OutcomeUnknown, Refused, Session
from services.notifications.templates.markdown import forget_paragraphs
from shared.ids import new_id, utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

FLUSH_SECONDS = 0.1


class Sender:
    """One thread's worth of sending. `stop` may be called from any thread."""

    def __init__(self, db: Database, writer: MailComposer, session: Session) -> None:
        self.db = db
        self.writer = writer
        self.session = session
        self._stopping = threading.Event()
        self._away_for = 0
        self._quiet_until = 0.0
        self._pending_outcomes: list[Outcome] = []
        self._accepted: str | None = None  # taken by the server, and not noted yet
        self._flushed_at = 0.0

    def stop(self) -> None:
        """Finishes the mail in hand and releases the rest."""
        self._stopping.set()

    def run(self) -> bool:
        """Sends one batch; tells whether there was any."""
        if self._stopping.is_set() or time.monotonic() < self._quiet_until:
            return False
        self._flush_outcomes()
        token = new_id()
        claimed = claims.claim(self.db, token, limit=BATCH)
        if not claimed:
            return False
        batch = _Batch(self.db, token, claimed, self._pending_outcomes)
        try:
            self._send(batch)
        finally:
            forget_paragraphs()
            self._flush_outcomes()
            claims.release(self.db, token, [document["_id"] for document in batch.untouched])
        return True

    def _send(self, batch: "_Batch") -> None:
        blocked = claims.behind_another(self.db, batch.claimed)
        written = self.writer.write([one for one in batch.claimed if not one["accepted_at"]])
        late: set[str] = set()
        for document in batch.claimed:
            if self._stopping.is_set():
                return
            registration = document["registration_id"]
            if document["accepted_at"]:
                batch.end(document, "sent", sent_at=document["accepted_at"])
            elif document["_id"] in blocked or (registration and registration in late):
                batch.postpone(document, wait_for_a_copy(0))
            elif not self._deliver(batch, document, written(document)):
                if self._away_for:
                    return
                if registration:
                    late.add(registration)
            if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
                self._flush_outcomes()

    def _deliver(self, batch: "_Batch", document: Document, mail: OutgoingMail | Missing | NotToBeSent) -> bool:
        """Whether the delivery came to its end."""
        if isinstance(mail, Missing):
            return self._miss(batch, document, mail)
        if isinstance(mail, NotToBeSent):
            batch.end(document, mail.state, error=mail.error)
            return True
        try:
            self.session.open()
        except Away as error:
            self._server_away(error)
            return False
        if document["handed_over_at"]:
            metrics.SENT_AGAIN.inc()
            log.warning("sent again, since its outcome is not known", delivery_id=document["_id"])
        accepted, self._accepted = self._accepted, None
        if not claims.hand_over(self.db, document["_id"], batch.token, mail.fields, accepted=accepted):
            batch.abandon(document)
            return True
        return self._hand_over(batch, document, mail)

    def _hand_over(self, batch: "_Batch", document: Document, mail: OutgoingMail) -> bool:
        try:
            self.session.send(Envelope(sender=mail.sender, recipient=mail.recipient, content=mail.content))
        except Away as error:
            self._server_away(error)
            batch.postpone(document, wait_for_a_copy(0))
            return False
        except OutcomeUnknown:
            self._server_away("the connection broke")
            batch.abandon(document, again=True)
            return False
        except Refused as refusal:
            return self._refused(batch, document, refusal)
        self._away_for = 0
        batch.end(document, "sent", sent_at=utc_now())
        self._accepted = document["_id"]
        metrics.MAIL_DELAY.observe(max((utc_now() - document["due_at"]).total_seconds(), 0))
        return True

    def _refused(self, batch: "_Batch", document: Document, refusal: Refused) -> bool:
        self._away_for = 0
        if refusal.for_good or utc_now() - document["due_at"] > REFUSED_LIMIT:
            batch.end(document, "failed", error=f"smtp_{refusal.code}")
            return True
        wait = wait_for_the_recipient(document["attempts"] + 1, random.random())  # noqa: S311
        log.info("put off by the mail server", delivery_id=document["_id"], code=refusal.code)
        batch.postpone(document, wait)
        return False

    def _miss(self, batch: "_Batch", document: Document, missing: Missing) -> bool:
        if utc_now() - document["due_at"] > MISSING_LIMIT:
            batch.end(document, "failed", error=f"unknown_{missing.what}")
            return True
        batch.postpone(document, wait_for_a_copy(document["waits"]), waits=1)
        return False

    def _flush_outcomes(self) -> None:
        """Writes the outcomes known so far; if the database is away they are kept for the next time."""
        if self._pending_outcomes:
            record_outcomes(self.db, self._pending_outcomes, rule="sending")
            self._pending_outcomes.clear()
            self._accepted = None
        self._flushed_at = time.monotonic()

    def _server_away(self, why: object) -> None:
        self._away_for += 1
        self._quiet_until = time.monotonic() + wait_for_the_server(self._away_for, random.random())  # noqa: S311
        metrics.SMTP_AWAY.inc()
        log.warning("the mail server is away", failures=self._away_for, why=str(why))


class _Batch:
    """The claimed deliveries, and what is known of them so far."""

    def __init__(self, db: Database, token: str, claimed: list[Document], outcomes: list[Outcome]) -> None:
        self.db = db
        self.token = token
        self.claimed = claimed
        self._left = {document["_id"]: document for document in claimed}
        self._outcomes = outcomes

    @property
    def untouched(self) -> list[Document]:
        return list(self._left.values())

    def end(self, document: Document, state: str, *, error: str | None = None, **fields: object) -> None:
        self._left.pop(document["_id"])
        self._outcomes.append(Outcome(delivery_id=document["_id"], to=state, error=error, fields=fields))
        metrics.SETTLED.labels(state, document["template"]).inc()

    def postpone(self, document: Document, wait: timedelta, *, waits: int = 0) -> None:
        self._left.pop(document["_id"])
        claims.postpone(self.db, document["_id"], self.token, wait, waits=waits)

    def abandon(self, document: Document, *, again: bool = False) -> None:
        """Another has it, or (`again`) nobody knows: it comes back when the claim runs out, or at once."""
        self._left.pop(document["_id"])
        if again:
            claims.release(self.db, self.token, [document["_id"]])
