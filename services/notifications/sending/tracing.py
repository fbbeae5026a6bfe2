"""The last span of a trace: the mail."""

from opentelemetry.trace import SpanKind

from shared.messaging.spans import traceparent_of
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL
from shared.telemetry.spans import SPANS


def record_mail(db: Database, delivery: Document, began_at: float) -> None:
    """From the handing over to the server's answer, in the trace of the message that made the delivery."""
    if not SPANS.are_wanted:
        return
    made = db[JOURNAL].find_one({"of": delivery["_id"]}, {"value": 1}, sort=[("_id", 1)]) or {}
    SPANS.record(
        f"send {delivery['template']}",
        kind=SpanKind.CLIENT,
        began_at=began_at,
        parent=traceparent_of(made.get("value")),
        attributes={"uso.delivery.id": delivery["_id"]},
    )
