"""Retries the rules whose projection has not arrived, for as long as another service may be away."""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from pymongo import DeleteOne, UpdateOne

from services.notifications.deliveries.commands import add_deliveries
from services.notifications.rules.fan_outs import Everyone
from services.notifications.rules.policies import RuleBook, new_delivery
from services.notifications.rules.recipients import NotHereYet, References
from services.notifications.rules.table import Rule
from services.notifications.rules.waiting_messages import WAITING
from shared.backoff import backoff
from shared.cause import own_initiative
from shared.ids import utc_now
from shared.messaging.messages import Message
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# Topics keep every record for so long, so the other service's relay may be away and publish that late.
PATIENCE = timedelta(days=3)
# A projection that arrives late is followed within a minute.
LONGEST_REST_SECONDS = 60.0
BATCH = 100


def follow_waiting(db: Database, books: Iterable[RuleBook]) -> bool:
    """Tries the waiting messages that are due. Returns whether a rule could be followed."""
    rules = {(book.name, rule.name, rule.on): rule for book in books for rule in book.rules}
    followed = False
    for row in list(db[WAITING].find({"next_at": {"$lte": utc_now()}}).sort("next_at", 1).limit(BATCH)):
        rule = rules.get((row["book"], row["rule"], row["message"]["type"]))
        followed = db.transact(partial(_follow, row=row, rule=rule), cause=own_initiative("waiting")) or followed
    return followed


def _follow(uow: UnitOfWork, row: Document, rule: Rule | None) -> bool:
    if uow.find_one(WAITING, {"_id": row["_id"]}) is None:
        return False  # another worker was quicker
    message = Message(**row["message"])
    if rule is None or isinstance(rule.to, Everyone):
        log.error("gave up on a message: its rule no longer exists", rule=row["rule"], message_id=message.id)
        uow.write(WAITING, DeleteOne({"_id": row["_id"]}))
        return True
    try:
        found = list(rule.to(References(uow, [message]), message))
    except NotHereYet:
        return _wait_on(uow, row)
    uow.write(WAITING, DeleteOne({"_id": row["_id"]}))
    add_deliveries(uow, [(message.cause, new_delivery(rule, message, recipient)) for recipient in found])
    return True


def _wait_on(uow: UnitOfWork, row: Document) -> bool:
    if uow.now - row["at"] >= PATIENCE:
        log.error("gave up on a message: the resource it refers to never arrived", rule=row["rule"], row=row["_id"])
        uow.write(WAITING, DeleteOne({"_id": row["_id"]}))
        return True
    rest = timedelta(seconds=backoff(row["tries"] + 1, first=0.1, most=LONGEST_REST_SECONDS))
    later = {"$set": {"next_at": uow.now + rest}, "$inc": {"tries": 1}}
    uow.write(WAITING, UpdateOne({"_id": row["_id"]}, later))
    return False
