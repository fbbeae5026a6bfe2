"""The table of all rules: the message, the e-mail that it leads to, and the recipients."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from services.notifications.rules.fan_outs import Everyone
from services.notifications.rules.recipients import (
    Recipients,
    contacts_of_the_enrolment,
    contacts_of_the_workshops_enrolment,
    the_invited,
    the_registered,
    the_registered_of_a_cancelled_event,
    the_registered_unless_the_event_is_cancelled,
    who_came_after_all,
)
from shared.messaging.messages import Message

Condition = Callable[[Message], bool]
NO_DELAY = timedelta(0)
# Check-ins of an event's end may arrive after the message of its completion.
THE_LAST_CHECK_INS = timedelta(seconds=2)
NOTICED_CHANGES = ("title", "starts_at", "ends_at", "timezone", "venue", "online_url")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a message `on` arrives and `when` holds, write `template` to the recipients `to`.

    `personalisation` takes the values that the text needs from the message. With `once_a_registration` a
    registration gets this mail at most once, whatever the number of messages. `delay` gives other topics time to
    arrive. With `gathers` one mail tells all changes of a while.
    """

    template: str
    on: str
    to: Recipients | Everyone
    when: Condition = lambda _: True
    personalisation: Callable[[Message], dict[str, Any]] = lambda _: {}
    once_a_registration: bool = False
    delay: timedelta = NO_DELAY
    gathers: bool = False

    @property
    def name(self) -> str:
        return self.template


def is_now(*states: str) -> Condition:
    """The aggregate came into one of these states."""
    return lambda message: (message.state or {}).get("state") in states


def became(to: str, *, after: str | None = None, kind: str | None = None) -> Condition:
    """This change brought the aggregate into `to` (from `after`), and it is of this `kind`."""
    return partial(_became, to, after, kind)


def _became(to: str, after: str | None, kind: str | None, message: Message) -> bool:
    change, state = message.change, message.state or {}
    return (
        change.get("to") == to
        and (after is None or change.get("from") == after)
        and (kind is None or state.get("kind") == kind)
    )


def changed_what_people_rely_on(message: Message) -> bool:
    """The time, place or title changed, of an event that people can be registered for."""
    return (message.state or {}).get("state") == "published" and bool(changed_fields(message)["fields"])


def changed_fields(message: Message) -> dict[str, Any]:
    changed = message.change.get("changed") or {}
    return {"fields": [name for name in NOTICED_CHANGES if name in changed]}


def reason(message: Message) -> dict[str, Any]:
    return {"reason": message.change.get("reason")}


def was_confirmed(message: Message) -> dict[str, Any]:
    return {"was_confirmed": message.change.get("from") == "confirmed", **reason(message)}


def position(message: Message) -> dict[str, Any]:
    return {"position": (message.state or {}).get("position")}


WITH_A_PLACE_OR_IN_LINE = Everyone(states=("confirmed", "offered", "waitlisted"))
THE_ATTENDED = Everyone(states=("attended",))
THOSE_WHO_CAME = Everyone(
    states=("attended",), or_else=("confirmed",)
)  # all people with a seat when no person was checked in


def offer(message: Message) -> dict[str, Any]:
    return {"expires_at": (message.state or {}).get("held_until")}


def refusal(message: Message) -> dict[str, Any]:
    return {"refused_because": (message.state or {}).get("refused_because")}


def invitation(message: Message) -> dict[str, Any]:
    return {"invitation_id": message.key}


def offered(awaits: str) -> Condition:
    """The seat is held until the address is confirmed, or until the answer comes."""
    return partial(_offered, awaits)


def _offered(awaits: str, message: Message) -> bool:
    state = message.state or {}
    return state.get("state") == "offered" and state.get("awaits") == awaits


ENROLMENT_RULES = (
    Rule(template="enrolment_received", on="enrolment.created", to=contacts_of_the_enrolment),
    Rule(
        template="enrolment_confirmed",
        on="enrolment.transitioned",
        when=became("enrolled"),
        to=contacts_of_the_enrolment,
    ),
)

REGISTRATION_RULES = (
    Rule(
        template="registration_confirmed",
        on="registration.created",
        when=is_now("confirmed"),
        to=the_registered,
    ),
    Rule(
        template="registration_waitlisted",
        on="registration.created",
        when=is_now("waitlisted"),
        to=the_registered,
        personalisation=position,
    ),
    Rule(template="registration_promoted", on="registration.promoted", to=the_registered),
    Rule(template="registration_offered", on="registration.offered", to=the_registered, personalisation=offer),
    Rule(
        template="registration_offered",
        on="registration.created",
        when=offered("answer"),
        to=the_registered,
        personalisation=offer,
    ),
    Rule(template="confirm_address", on="registration.created", when=offered("address"), to=the_registered),
    Rule(
        template="registration_confirmed",
        on="registration.transitioned",
        when=became("confirmed", after="offered"),
        to=the_registered,
    ),
    Rule(
        template="registration_refused",
        on="registration.created",
        when=is_now("refused"),
        to=the_registered,
        personalisation=refusal,
    ),
    # A person who registers again reads their state in a mail: the public form tells a stranger nothing.
    Rule(template="confirm_address", on="registration.asked_again", when=offered("address"), to=the_registered),
    Rule(
        template="already_registered",
        on="registration.asked_again",
        when=lambda message: not offered("address")(message),
        to=the_registered,
    ),
    Rule(template="registration_transferred", on="registration.transferred", to=the_registered),
    Rule(
        template="registration_cancelled",
        on="registration.transitioned",
        when=became("cancelled"),
        to=the_registered_unless_the_event_is_cancelled,
        personalisation=was_confirmed,
    ),
    # Topics have no order among them: the event's message may have arrived before the registration's.
    Rule(
        template="event_cancelled",
        on="registration.created",
        to=the_registered_of_a_cancelled_event,
        once_a_registration=True,
    ),
    Rule(
        template="feedback_request",
        on="registration.transitioned",
        when=became("attended"),
        to=who_came_after_all,
        once_a_registration=True,
    ),
    Rule(
        template="certificate",
        on="registration.transitioned",
        when=became("attended"),
        to=who_came_after_all,
        once_a_registration=True,
    ),
)

INVITATION_RULES = (
    Rule(
        template="invitation",
        on="invitation.created",
        when=is_now("sent"),
        to=the_invited,
        personalisation=invitation,
    ),
    Rule(
        template="invitation_reminder",
        on="invitation.reminded",
        when=is_now("sent"),
        to=the_invited,
        personalisation=invitation,
    ),
)

EVENT_RULES = (
    Rule(
        template="event_changed",
        on="event.updated",
        when=changed_what_people_rely_on,
        to=WITH_A_PLACE_OR_IN_LINE,
        personalisation=changed_fields,
        gathers=True,
    ),
    Rule(
        template="event_cancelled",
        on="event.transitioned",
        when=became("cancelled"),
        to=WITH_A_PLACE_OR_IN_LINE,
        personalisation=reason,
        once_a_registration=True,
    ),
    Rule(
        template="feedback_request",
        on="event.transitioned",
        when=became("completed"),
        to=THOSE_WHO_CAME,
        once_a_registration=True,
        delay=THE_LAST_CHECK_INS,
    ),
    Rule(
        template="certificate",
        on="event.transitioned",
        when=became("completed"),
        to=THE_ATTENDED,
        once_a_registration=True,
        delay=THE_LAST_CHECK_INS,
    ),
    Rule(
        template="workshop_confirmed",
        on="event.transitioned",
        when=became("published", after="awaiting_days", kind="workshop"),
        to=contacts_of_the_workshops_enrolment,
    ),
    Rule(
        template="workshop_refused",
        on="event.transitioned",
        when=became("refused", after="awaiting_days", kind="workshop"),
        to=contacts_of_the_workshops_enrolment,
        personalisation=reason,
    ),
)
