"""The sender: claims due deliveries, writes their mails, hands them to the mail server and records the outcomes.

A mail is sent once, unless the sender dies or the connection breaks while the mail is handed over: then it is sent
again under the same Message-ID. A mail server that is away delays the mails and loses none. A mail that cannot be
written or sent delays no other mail.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence

from services.notifications.deliveries.commands import Outcome, record_outcomes
from services.notifications.deliveries.domain import LANES, URGENT
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
Ready = tuple[Document, OutgoingMail]
Writes = Callable[[Document], Written]

# Until a sender looks again when the server has got all that it may have in this minute.
FULL_SECONDS = 1.0


class Sender:
    """Sends the mails in `lanes`, in one thread. Any thread may call `stop`.

    If the sender dies, at most `in_doubt` mails have an unknown outcome, and of the urgent ones at most one.
    """

    def __init__(
        self,
        db: Database,
        writer: MailComposer,
        session: Session,
        *,
        lanes: Sequence[int] = LANES,
        pace: Pace | None = None,
        in_doubt: int = 1,
    ) -> None:
        self.db = db
        self.writer = writer
        self.session = session
        self.lanes = lanes
        self.pace = pace or Pace(db)
        self.in_doubt = in_doubt
        self._stopping = threading.Event()
        self._limit = BATCH
        self._away_for = 0
        self._quiet_until = 0.0
        self._pending_outcomes: list[Outcome] = []
        self._accepted: list[str] = []  # the server has taken these mails, and the note of them goes with the next
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
        late: set[str] = set()  # registrations with a mail that was put off: their later mails wait for it
        ready: list[Ready] = []
        for document in batch.claimed:
            if self._stopping.is_set():
                return
            if not batch.is_ours(document):
                continue
            if document["accepted_at"]:
                batch.end(document, "sent", sent_at=document["accepted_at"])
                continue
            if ready and document["lane"] == URGENT and not self._hand_over(batch, ready, late):
                return
            mail = self._mail_of(batch, document, blocked, late, written)
            if mail is None:
                continue
            ready.append((document, mail))
            if len(ready) >= self._bound(document) and not self._hand_over(batch, ready, late):
                return
        self._hand_over(batch, ready, late)

    def _bound(self, document: Document) -> int:
        return 1 if document["lane"] == URGENT else self.in_doubt

    def _mail_of(
        self, batch: Batch, document: Document, blocked: Collection[str], late: set[str], written: Writes
    ) -> OutgoingMail | None:
        """The mail to hand over; None when there is none now, and the delivery was ended or put off."""
        registration = document["registration_id"]
        if document["_id"] in blocked or (registration and registration in late):
            batch.postpone(document, wait_for_projection(0))
            return None
        mail = written(document)
        if isinstance(mail, OutgoingMail):
            if document.get("unknowns", 0) < UNKNOWN_LIMIT:
                return mail
            batch.end(document, "failed", error="outcome_unknown")
        elif isinstance(mail, NotToBeSent):
            batch.end(document, mail.state, error=mail.error)
        elif isinstance(mail, Held):
            batch.postpone(document, mail.wait)
            late.add(registration)
        elif not self._miss(batch, document, mail):
            late.add(registration)
        return None

    def _hand_over(self, batch: Batch, ready: list[Ready], late: set[str]) -> bool:
        """Notes that these mails are handed over, and sends them. Returns False when the batch ends here."""
        mails, ready[:] = list(ready), []
        if not mails:
            return True
        try:
            self.session.open()
        except Away as error:
            self._server_away(error)
            return False
        accepted, self._accepted = self._accepted, []
        begun = batch.hand_over([(document, mail.fields) for document, mail in mails], accepted)
        for document, mail in mails:
            if self._stopping.is_set():
                return False
            if document["_id"] not in begun:
                batch.abandon(document)
            elif document["registration_id"] and document["registration_id"] in late:
                batch.postpone(document, wait_for_projection(0))
            elif not self._send_one(batch, document, mail):
                if self._away_for:
                    return False
                late.add(document["registration_id"])
            if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
                self._flush_outcomes()
        return True

    def _send_one(self, batch: Batch, document: Document, mail: OutgoingMail) -> bool:
        """Sends the mail. Returns whether the delivery came to its end."""
        with batch.in_hand(document) as is_ours:
            if not is_ours:
                return True
            if document["handed_over_at"]:
                metrics.SENT_AGAIN.inc()
                log.warning("sent again, since its outcome is not known", delivery_id=document["_id"])
            document["handed_over_at"] = utc_now()
            return self._offer(batch, document, mail)

    def _offer(self, batch: Batch, document: Document, mail: OutgoingMail) -> bool:
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
        self._accepted.append(document["_id"])
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
        wait = wait_for_recipient(document["attempts"])
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
            self._accepted.clear()
        self._flushed_at = time.monotonic()

    def _server_away(self, why: object) -> None:
        self._away_for += 1
        self._quiet_until = time.monotonic() + wait_for_server(self._away_for)
        metrics.SMTP_AWAY.inc()
        if str(why) == "421":
            self.pace.slow_down()
        log.warning("the mail server is away", failures=self._away_for, why=str(why))
