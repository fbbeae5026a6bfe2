"""Removes a person's traces from a whole database, collection by collection, in portions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import DeleteOne, ReplaceOne

from ops.erasure.person import Person
from shared.cause import own_initiative
from shared.errors import Gone
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import DEAD_LETTER_COUNTS, LEASES, OFFSETS, SEEN, Database
from shared.mongo.idempotency import ROW_PREFIX, refusal_of
from shared.mongo.journal import JOURNAL
from shared.mongo.unit_of_work import UnitOfWork

# A portion is read at once: a hundred journal rows of a megabyte still fit into a worker's memory.
PORTION = 100
# These collections hold only ids and numbers.
IMPERSONAL = frozenset({OFFSETS, LEASES, SEEN, DEAD_LETTER_COUNTS})


def personal_collections(db: Database, *, without: str) -> list[str]:
    """The collections that may hold personal data, sorted by name."""
    names = set(db.raw.list_collection_names()) - IMPERSONAL - {without}
    return sorted(name for name in names if not name.startswith("system."))


def redact_portion(db: Database, person: Person, collection: str, after: Any) -> Any:
    """Redacts a portion of documents behind the id `after` (None: the first). Returns its last id; None at the end."""
    query = {} if after is None else {"_id": {"$gt": after}}
    found = list(db[collection].find(query).sort("_id", 1).limit(PORTION))
    touched = [document["_id"] for document in found if _redacted(person, document) is not document]
    if touched:
        aggregate = next((each for each in db.aggregates if each.collection == collection), None)
        db.transact(lambda uow: _redact(uow, person, collection, aggregate, touched), cause=own_initiative("erasure"))
    return found[-1]["_id"] if len(found) == PORTION else None


def _redact(
    uow: UnitOfWork, person: Person, collection: str, aggregate: Aggregate[Any] | None, ids: Sequence[Any]
) -> None:
    for document in uow.find(collection, {"_id": {"$in": ids}}):
        redacted = _redacted(person, document)
        if redacted is document:
            continue
        if redacted["_id"] != document["_id"]:  # a document whose id is the person's address is deleted
            uow.write(collection, DeleteOne({"_id": document["_id"]}))
        elif aggregate and (type := _type_of_a_change(aggregate, document, redacted)):
            # `before` is redacted too: the message must not show the removed values.
            uow.save(aggregate, redacted, {"redacted_at": uow.now}, type)
        else:
            uow.write(collection, ReplaceOne({"_id": document["_id"]}, redacted))


def _redacted(person: Person, document: Document) -> Document:
    """The document without the person. An Idempotency-Key whose answer named them answers 410 from now on."""
    if str(document["_id"]).startswith(ROW_PREFIX) and "fingerprint" in document:
        outcome = {name: document[name] for name in ("result", "refusal") if name in document}
        if person.mentioned_in(outcome) and outcome.get("refusal") != GONE:
            kept = {name: document[name] for name in ("_id", "fingerprint", "expires_at")}
            return {**kept, "refusal": GONE}
        return document
    redacted: Document = person.redacted(document)
    return redacted


def _type_of_a_change(aggregate: Aggregate[Any], before: Document, after: Document) -> str | None:
    """The type of the message about the redaction; None for an aggregate without a topic."""
    if aggregate.topic is None or aggregate.to_public(before) == aggregate.to_public(after):
        return None
    return next((name for name in aggregate.message_types if name.endswith(".updated")), None)


def without_fields(uow: UnitOfWork, query: Mapping[str, Any], *names: str) -> None:
    """Nulls these fields in the journal rows that `query` finds, in the state and in the change."""
    for row in uow.find(JOURNAL, query):
        if row.get("value"):
            message = json.loads(row["value"])
            for part in (message["data"]["state"], message["data"]["change"].get("changed") or {}):
                part.update({name: None for name in names if name in part})
            value = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
            uow.write(JOURNAL, ReplaceOne({"_id": row["_id"]}, {**row, "value": value}))


GONE = refusal_of(Gone("The person whom this answer was about has been erased."))
