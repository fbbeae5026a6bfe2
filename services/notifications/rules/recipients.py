"""The recipients of a message's mails: from the message itself if it names them, otherwise from the projections."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.notifications.projections import ENROLMENTS, EVENTS
from shared.messaging.messages import Message
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A contact, or the person behind a registration; and the resources that the delivery is about."""

    contact_id: str | None = None
    registration_id: str | None = None
    event_id: str | None = None
    enrolment_id: str | None = None
    language: str | None = None

    @property
    def id(self) -> str:
        return self.contact_id or self.registration_id or ""


class NotHereYet(Exception):
    """A projection that the rule needs has not arrived: the message waits for it."""


class References:
    """The projections that a batch of messages needs, read once."""

    def __init__(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        self.uow = uow
        self._event_ids = {str((message.state or {}).get("event_id") or "") for message in messages} - {""}
        self._events: Mapping[str, Document] | None = None

    def event_state(self, identifier: str) -> str | None:
        """The event's state in the projection."""
        if self._events is None:
            found = self.uow.find(EVENTS.collection, {"_id": {"$in": list(self._event_ids)}}, projection={"state": 1})
            self._events = {event["_id"]: event for event in found}
        return self._events.get(identifier, {}).get("state")

    def enrolment(self, identifier: str) -> Document | None:
        """The enrolment; None when it was erased. Raises NotHereYet."""
        found = self.uow.find_one(ENROLMENTS.collection, {"_id": identifier})
        if found is None:
            raise NotHereYet
        return unless_erased(found)


Recipients = Callable[[References, Message], Iterable[Recipient]]


def registered(state: Mapping[str, Any], identifier: str) -> Recipient:
    """The person of this registration."""
    return Recipient(
        contact_id=state.get("contact_id"),
        registration_id=identifier,
        event_id=state.get("event_id"),
        language=state.get("language"),
    )


def contacts_of_the_enrolment(references: References, message: Message) -> list[Recipient]:
    return _contacts((message.state or {}).get("contact_ids"), enrolment_id=message.key)


def contacts_of_the_workshops_enrolment(references: References, message: Message) -> list[Recipient]:
    enrolment_id = (message.state or {}).get("enrolment_id")
    enrolment = references.enrolment(enrolment_id) if enrolment_id else None
    return _contacts((enrolment or {}).get("contact_ids"), enrolment_id=enrolment_id, event_id=message.key)


def the_registered(references: References, message: Message) -> list[Recipient]:
    return [registered(message.state or {}, message.key)]


def the_registered_unless_the_event_is_cancelled(references: References, message: Message) -> list[Recipient]:
    return [] if _event_state(references, message) == "cancelled" else the_registered(references, message)


def the_registered_of_a_cancelled_event(references: References, message: Message) -> list[Recipient]:
    return the_registered(references, message) if _event_state(references, message) == "cancelled" else []


def who_came_after_all(references: References, message: Message) -> list[Recipient]:
    """The person whose check-in arrives after the event's end."""
    return the_registered(references, message) if _event_state(references, message) == "completed" else []


def the_invited(references: References, message: Message) -> list[Recipient]:
    state = message.state or {}
    return [
        Recipient(contact_id=state.get("contact_id"), event_id=state.get("event_id"), language=state.get("language"))
    ]


def _event_state(references: References, message: Message) -> str | None:
    return references.event_state(str((message.state or {}).get("event_id")))


def _contacts(identifiers: Any, **about: str | None) -> list[Recipient]:
    return [Recipient(contact_id=identifier, **about) for identifier in dict.fromkeys(identifiers or ())]
