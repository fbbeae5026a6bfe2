"""Deletes what was made by mistake, for good: nothing refers to it, and readers get a tombstone."""

from typing import Any

from pymongo import DeleteOne, InsertOne

from services.enrolment.references import check_unreferred
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.journal import JOURNAL, journal_row
from shared.mongo.unit_of_work import UnitOfWork


def delete(uow: UnitOfWork, aggregate: Aggregate[Any], identifier: str) -> Document:
    """The resource, which is gone; who deleted it stays in the journal.

    Raises NotFound, Stale, and Conflict while something refers to it.
    """
    document: Document = uow.get(aggregate, identifier)
    check_unreferred(uow, aggregate.name, identifier)
    remove(uow, aggregate, document)
    return document


def remove(uow: UnitOfWork, aggregate: Aggregate[Any], document: Document) -> None:
    """Deletes the document. Its topic gets `<noun>.deleted` where it has that type, and a tombstone behind it."""
    last = {**document, "version": document["version"] + 1}
    type = f"{aggregate.name.replace(' ', '_')}.deleted"
    uow.write(aggregate.collection, DeleteOne({"_id": document["_id"], "version": document["version"]}))
    if aggregate.topic is None or type in aggregate.message_types:
        state = aggregate.to_public(last)
        row = journal_row(aggregate, last, type, {}, state=state, cause=uow.cause, now=uow.now)
    else:
        row = _unpublished(uow, aggregate, last, type)
    uow.write(JOURNAL, InsertOne(row))
    if aggregate.topic is not None:
        key = aggregate.key(document)
        uow.publish(topic=aggregate.topic, key=key, value=None, sequence=last["version"] + 1)


def _unpublished(uow: UnitOfWork, aggregate: Aggregate[Any], last: Document, type: str) -> Document:
    """Who deleted it and when. The relay carries no row without a topic; the tombstone tells readers."""
    row = journal_row(aggregate, last, next(iter(aggregate.message_types)), {}, state={}, cause=uow.cause, now=uow.now)
    kept = ("_id", "kind", "of", "version", "at", "by", "correlation_id", "causation_id", "expires_at")
    return {**{name: row[name] for name in kept}, "type": type, "value": None}
