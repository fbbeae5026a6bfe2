"""The backlog of the relay, for operators: correctness never depends on it.

The relay's lease has the highest id of the rows committed to Kafka, up to a second late. Ids grow with the time at
which a command ran, so the rows above that id wait. A row of a command that took longer than its neighbours may be
missing from the count for a moment.
"""

from ops.store import audit
from shared.ids import utc_now
from shared.lease import relay_lease
from shared.messaging.unsendable import skip_unsendable, unsendable_rows
from shared.mongo.aggregates import Document
from shared.mongo.database import LEASES, Database
from shared.mongo.journal import JOURNAL
from shared.mongo.unit_of_work import UnitOfWork

# Counting more takes longer than an operator waits. So many are an alarm in any case.
COUNT_LIMIT = 100_000


def outbox(db: Database, service: str) -> Document:
    """The number of waiting rows (up to 100,000), the age of the oldest in seconds, and the leading relay."""
    now = utc_now()
    lease = db[LEASES].find_one({"_id": relay_lease(service)}) or {}
    leads = lease.get("until") is not None and lease["until"] > now
    # Ids of messages are UUIDs: a row of an Idempotency-Key ("key:…") sorts behind all of them.
    waiting = {"_id": {"$gt": lease.get("reached") or "", "$lt": "g"}, "topic": {"$type": "string"}}
    oldest = db[JOURNAL].find_one(waiting, {"at": 1}, sort=[("_id", 1)])
    return {
        "depth": db[JOURNAL].count_documents(waiting, limit=COUNT_LIMIT),
        "oldest_seconds": 0.0 if oldest is None else max((now - oldest["at"]).total_seconds(), 0.0),
        "relay_leads": leads,
        "leader": lease["holder"].partition(" ")[0] if leads else None,
        "as_of": lease.get("noted_at"),
        "blocking": [row for row in unsendable_rows(db) if row["state"] == "blocking"],
    }


def skip_row(uow: UnitOfWork, identifier: str, *, reason: str) -> Document:
    """Lets the relay past a row that Kafka will never take. Raises NotFound; Conflict when it was skipped before."""
    row = skip_unsendable(uow, identifier, reason=reason)
    about = {"topic": row["topic"], "kind": row["kind"], "bytes": row["bytes"]}
    audit(uow, "skip_row", of=identifier, reason=reason, about=about)
    return row
