"""Applies the rules to a batch of messages, with a few queries for the whole batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import DeleteOne, InsertOne, UpdateMany

from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import (
    Because,
    NewDelivery,
    dedup_key_for_message,
    dedup_key_for_registration,
)
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.preferences.store import PREFERENCES
from services.notifications.rules.fan_outs import Everyone, Telling, tell_everyone
from services.notifications.rules.recipients import NotHereYet, Recipient, References
from services.notifications.rules.table import Rule
from services.notifications.rules.waiting_messages import WAITING, waiting_row
from shared.cause import Cause
from shared.instants import parse_instant
from shared.messaging.messages import Message
from shared.mongo.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class RuleBook:
    """A subscription's handler; it is given each message id once."""

    name: str
    rules: Sequence[Rule]

    @property
    def types(self) -> frozenset[str]:
        return frozenset(rule.on for rule in self.rules)

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        self.follow(uow, [message for message in messages if message.state is not None])

    def follow(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        """Makes the deliveries that the messages call for. A message whose projection has not arrived waits."""
        references = References(uow, messages)
        wanted: list[tuple[Cause, NewDelivery]] = []
        for message in messages:
            for rule in self.rules:
                if rule.on != message.type or not rule.when(message):
                    continue
                if isinstance(rule.to, Everyone):
                    tell_everyone(uow, _telling(rule, rule.to, message))
                    continue
                try:
                    wanted += [
                        (message.cause, new_delivery(rule, message, recipient))
                        for recipient in rule.to(references, message)
                    ]
                except NotHereYet:
                    uow.write(WAITING, InsertOne(waiting_row(self.name, rule.name, message, uow.now)))
        add_deliveries(uow, wanted)


def _because(rule: Rule, message: Message) -> Because:
    return Because(rule=rule.name, actor=message.actor, message_id=message.id, message_type=message.type)


def _telling(rule: Rule, to: Everyone, message: Message) -> Telling:
    return Telling(
        rule=rule.name,
        template=rule.template,
        event_id=message.key,
        to=to,
        because=_because(rule, message),
        correlation_id=message.correlation_id,
        personalisation=rule.personalisation(message),
        once_a_registration=rule.once_a_registration,
        delay=rule.delay,
        gathers=rule.gathers,
    )


def new_delivery(rule: Rule, message: Message, recipient: Recipient) -> NewDelivery:
    """The delivery that `rule` makes of `message` for `recipient`."""
    because = _because(rule, message)
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
        due_at=_not_before(message),
    )


def _not_before(message: Message) -> datetime | None:
    """The delay of a mail to an unconfirmed address, which gets few mails an hour: the registration says until when."""
    text = (message.state or {}).get("mail_not_before")
    return parse_instant(text) if text else None


def forget_a_contact(uow: UnitOfWork, message: Message) -> None:
    """The erasure of a contact: it deletes their mails' texts and their choices."""
    uow.write(
        DELIVERIES.collection,
        UpdateMany({"contact_id": message.key}, {"$unset": {"subject": "", "text": ""}}),
    )
    uow.write(PREFERENCES.collection, DeleteOne({"_id": message.key}))
