"""Messages in, deliveries out: the rules applied to a batch in as few queries as it takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from pymongo import DeleteOne, IndexModel, InsertOne, UpdateMany

from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import (
    Because,
    NewDelivery,
    dedup_key_for_message,
    dedup_key_for_registration,
)
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.preferences.store import PREFERENCES
from services.notifications.rules.recipients import NotHereYet, Recipient, References
from services.notifications.rules.table import Rule
from shared.cause import Cause, own_initiative
from shared.messaging.messages import Message
from shared.mongo.database import SEEN, Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

WAITING = "waiting_messages"
WAITING_INDEXES = {WAITING: [IndexModel("at", name="at")]}
PATIENCE = timedelta(minutes=10)
BATCH = 100


@dataclass(frozen=True, kw_only=True)
class RuleBook:
    """A subscription's handler: each rule has its effect once for each message id."""

    name: str
    rules: Sequence[Rule]

    @property
    def types(self) -> frozenset[str]:
        return frozenset(rule.on for rule in self.rules)

    def apply(self, work: UnitOfWork, messages: Sequence[Message]) -> None:
        mine = {f"{self.name}:{one.id}": one for one in messages if one.type in self.types and one.state is not None}
        if not mine:
            return
        seen = {row["_id"] for row in work.find(SEEN, {"_id": {"$in": list(mine)}}, projection={"_id": 1})}
        fresh = [message for identifier, message in mine.items() if identifier not in seen]
        work.write(SEEN, *(InsertOne({"_id": f"{self.name}:{message.id}", "at": work.now}) for message in fresh))
        self.follow(work, fresh)

    def follow(self, work: UnitOfWork, messages: Sequence[Message]) -> None:
        """Makes the deliveries that the messages call for; a message that lacks a copy waits for it."""
        references = References(work, messages)
        wanted: list[tuple[Cause, NewDelivery]] = []
        for message in messages:
            for rule in self.rules:
                if rule.on != message.type or not rule.when(message):
                    continue
                if rule.also is not None:
                    rule.also(work.due_to(message.cause), message)
                try:
                    wanted += [
                        (message.cause, new_delivery(rule, message, one)) for one in rule.to(references, message)
                    ]
                except NotHereYet:
                    row = {"_id": f"{rule.name}:{message.id}", "book": self.name, "at": work.now}
                    work.write(WAITING, InsertOne({**row, "rule": rule.name, "message": asdict(message)}))
        add_deliveries(work, wanted)


def new_delivery(rule: Rule, message: Message, recipient: Recipient) -> NewDelivery:
    """The delivery that `rule` makes of `message` for `recipient`."""
    because = Because(rule=rule.name, actor=message.actor, message_id=message.id, message_type=message.type)
    return NewDelivery(
        template=rule.template,
        because=because,
        dedup_key=dedup_key_for_registration(rule.name, recipient.registration_id)
        if rule.once_a_registration and recipient.registration_id
        else dedup_key_for_message(because, recipient.id),
        contact_id=recipient.contact_id,
        language=recipient.language,
        event_id=recipient.event_id,
        registration_id=recipient.registration_id,
        enrolment_id=recipient.enrolment_id,
        personalisation=rule.personalisation(message),
        delay=rule.delay,
    )


def follow_waiting(db: Database, rules: Sequence[Rule]) -> bool:
    """Tries the messages again that lacked a copy; after ten minutes they are given up."""
    moved = False
    by_name = {(rule.name, rule.on): rule for rule in rules}
    for row in db[WAITING].find().sort("at", 1).limit(BATCH):
        message = Message(**row["message"])
        rule = by_name[row["rule"], message.type]

        def work(uow: UnitOfWork, row: dict[str, object] = row, message: Message = message, rule: Rule = rule) -> bool:
            if uow.find_one(WAITING, {"_id": row["_id"]}) is None:
                return False
            uow.write(WAITING, DeleteOne({"_id": row["_id"]}))
            try:
                found = list(rule.to(References(uow, [message]), message))
            except NotHereYet:
                if uow.now - row["at"] < PATIENCE:  # type: ignore[operator]
                    raise
                log.error(  # noqa: TRY400 - there is nothing to see in the traceback
                    "message given up: what it refers to never came", rule=rule.name, message_id=message.id
                )
                return True
            add_deliveries(uow, [(message.cause, new_delivery(rule, message, one)) for one in found])
            return True

        try:
            moved = db.transact(work, cause=own_initiative("waiting")) or moved
        except NotHereYet:
            continue
    return moved


def forget_a_contact(work: UnitOfWork, message: Message) -> None:
    """When a contact is erased: what was written to them, and what they chose, go as well."""
    work.write(
        DELIVERIES.collection,
        UpdateMany({"contact_id": message.key}, {"$unset": {"subject": "", "text": ""}}),
    )
    work.write(PREFERENCES.collection, DeleteOne({"_id": message.key}))
