"""The sender: claims due deliveries, writes their mails, hands them to the mail server and records the outcomes.

A mail is sent once, unless the sender dies or the connection breaks while the mail is handed over: then it is sent
again under the same Message-ID. A mail server that is away delays the mails and loses none. A mail that cannot be
written or sent delays no other mail.
"""

import threading
import time
from collections.abc import Sequence

from services.notifications.deliveries.commands import Outcome, record_outcomes
from services.notifications.deliveries.domain import LANES
from services.notifications.sending import claims, metrics
from services.notifications.sending.batch import Batch
from services.notifications.sending.domain import (
    BATCH,
    MISSING_LIMIT,
    REFUSED_LIMIT,
    UNKNOWN_LIMIT,
    Held,
    Missing,
    NotToBeSent,
)
from services.notifications.sending.mail_composer import MailComposer, OutgoingMail, Written
from services.notifications.sending.pace import Pace
from services.notifications.sending.smtp import Away, Envelope, OutcomeUnknown, Refused, Session
from services.notifications.sending.tracing import record_mail
from services.notifications.sending.waits import wait_for_projection, wait_for_recipient, wait_for_server
from services.notifications.templates.markdown import forget_paragraphs
from shared.ids import new_id, utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.errors import is_transient
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# On a slow machine a shorter time makes a transaction of every few mails.
FLUSH_SECONDS = 0.5
# Until a sender looks again when the server has got all that it may have in this minute.
FULL_SECONDS = 1.0


class Sender:
    """Sends the mails in `lanes`, in one thread. Any thread may call `stop`."""

    def __init__(
        self,
        db: Database,
        writer: MailComposer,
        session: Session,
        *,
        lanes: Sequence[int] = LANES,
        pace: Pace | None = None,
    ) -> None:
        self.db = db
        self.writer = writer
        self.session = session
        self.lanes = lanes
        self.pace = pace or Pace(db)
        self._stopping = threading.Event()
        self._limit = BATCH
        self._away_for = 0
        self._quiet_until = 0.0
        self._pending_outcomes: list[Outcome] = []
        self._accepted: str | None = None  # the server has taken this mail, and the note of it goes with the next claim
        self._flushed_at = 0.0

    def stop(self) -> None:
        """Finishes the mail in hand and releases the rest."""
        self._stopping.set()

    def run(self) -> bool:
        """Sends one batch. Returns whether there were due deliveries."""
        if self._stopping.is_set() or time.monotonic() < self._quiet_until:
            return False
        self._flush_outcomes()
        token = new_id()
        claimed = self._claim(token)
        if not claimed:
            return False
        batch = Batch(self.db, token, claimed, self._pending_outcomes)
        try:
            with batch.watched():
                self._send(batch)
            self._limit = min(BATCH, self._limit * 2)
        except Exception as error:  # noqa: BLE001 - raised again when it is an outage
            self._halve(batch, error)
        finally:
            forget_paragraphs()
            self._flush_outcomes()
            batch.release()
        return True

    def _claim(self, token: str) -> list[Document]:
        room = self.pace.take(self._limit)
        if room == 0:
            self._quiet_until = time.monotonic() + FULL_SECONDS
            return []
        claimed = claims.claim(self.db, token, lanes=self.lanes, limit=room)
        self.pace.give_back(room - len(claimed))
        return claimed

    def _halve(self, batch: Batch, error: Exception) -> None:
        """Halves the size of the next batches, until the delivery that makes them fail is alone in its batch."""
        if is_transient(error):
            raise error
        log.error("a batch of mails failed", size=len(batch.claimed), error=type(error).__name__)
        if len(batch.claimed) == 1 and batch.is_ours(batch.claimed[0]):
            batch.end(batch.claimed[0], "failed", error=f"sending_{type(error).__name__}")
        self._limit = max(1, min(self._limit, len(batch.claimed)) // 2)
        self._quiet_until = time.monotonic() + wait_for_server(1)

    def _send(self, batch: Batch) -> None:
        blocked = claims.behind_another(self.db, batch.claimed)
        written = self.writer.write([document for document in batch.claimed if not document["accepted_at"]])
        late: set[str] = set()
        for document in batch.claimed:
            if self._stopping.is_set():
                return
            if not batch.is_ours(document):
                continue
            registration = document["registration_id"]
            if document["accepted_at"]:
                batch.end(document, "sent", sent_at=document["accepted_at"])
            elif document["_id"] in blocked or (registration and registration in late):
                batch.postpone(document, wait_for_projection(0))
            elif not self._deliver(batch, document, written(document)):
                if self._away_for:
                    return
                if registration:
                    late.add(registration)
            if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
                self._flush_outcomes()

    def _deliver(self, batch: Batch, document: Document, mail: Written) -> bool:
        """Sends the delivery. Returns whether it came to its end."""
        if isinstance(mail, Missing):
            return self._miss(batch, document, mail)
        if isinstance(mail, Held):
            batch.postpone(document, mail.wait)
            return False
        if isinstance(mail, NotToBeSent):
            batch.end(document, mail.state, error=mail.error)
            return True
        if document.get("unknowns", 0) >= UNKNOWN_LIMIT:
            batch.end(document, "failed", error="outcome_unknown")
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
        with batch.in_hand(document):
            if not claims.hand_over(self.db, document["_id"], batch.token, mail.fields, accepted=accepted):
                batch.abandon(document)
                return True
            return self._hand_over(batch, document, mail)

    def _hand_over(self, batch: Batch, document: Document, mail: OutgoingMail) -> bool:
        began_at = time.time()
        try:
            reply = self.session.send(Envelope(sender=mail.sender, recipient=mail.recipient, content=mail.content))
        except Away as error:
            # It goes behind the others: when this mail makes the server hang up, the other mails are sent first.
            self._server_away(error)
            batch.postpone(document, wait_for_projection(document["waits"]), waits=1)
            return False
        except OutcomeUnknown:
            self._server_away("the connection broke")
            batch.postpone_in_doubt(document)
            return False
        except Refused as refusal:
            return self._refused(batch, document, mail, refusal)
        self._away_for = 0
        batch.end(document, "sent", sent_at=utc_now(), server=reply.to_document())
        self._accepted = document["_id"]
        record_mail(self.db, document, began_at)
        metrics.MAIL_DELAY.observe(max((utc_now() - document["due_at"]).total_seconds(), 0))
        return True

    def _refused(self, batch: Batch, document: Document, mail: OutgoingMail, refusal: Refused) -> bool:
        self._away_for = 0
        server = refusal.reply.to_document()
        if refusal.for_good or utc_now() - document["due_at"] > REFUSED_LIMIT:
            bad = mail.recipient if refusal.reply.address_is_bad else None
            batch.end(document, "failed", error=f"smtp_{refusal.reply.code}", bad_address=bad, server=server)
            return True
        wait = wait_for_recipient(document["attempts"] + 1)
        if (refusal.reply.enhanced_code or "").startswith("4.7."):
            self.pace.slow_down()
        log.info("postponed by the mail server", delivery_id=document["_id"], code=refusal.reply.code)
        batch.postpone(document, wait, fields={"server": server})
        return False

    def _miss(self, batch: Batch, document: Document, missing: Missing) -> bool:
        if utc_now() - document["due_at"] > MISSING_LIMIT:
            batch.end(document, "failed", error=f"unknown_{missing.what}")
            return True
        batch.postpone(document, wait_for_projection(document["waits"]), waits=1)
        return False

    def _flush_outcomes(self) -> None:
        """Writes the outcomes so far. While the database is away they are kept for the next flush."""
        if self._pending_outcomes:
            record_outcomes(self.db, self._pending_outcomes, rule="sending")
            self._pending_outcomes.clear()
            self._accepted = None
        self._flushed_at = time.monotonic()

    def _server_away(self, why: object) -> None:
        self._away_for += 1
        self._quiet_until = time.monotonic() + wait_for_server(self._away_for)
        metrics.SMTP_AWAY.inc()
        if str(why) == "421":
            self.pace.slow_down()
        log.warning("the mail server is away", failures=self._away_for, why=str(why))
