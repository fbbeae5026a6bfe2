"""The states of a registration, the steps between them, and the refusals. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Conflict, Invalid
from shared.state_machine import StateMachine

# An offered seat counts as taken: it is held until the person answers or time runs out.
SEATED = ("confirmed", "offered", "attended", "absent")
# The states in which a person may see the address of the online meeting.
ADMITTED = ("confirmed", "attended", "absent")
TRANSFERABLE = ("confirmed", "waitlisted")
MODES = ("on_site", "online")
ENROLLED = ("enrolled", "active", "completed")

LIFECYCLE = StateMachine(
    name="registration",
    steps={
        "confirmed": {"cancelled", "attended", "absent"},
        "waitlisted": {"confirmed", "cancelled", "attended"},
        "offered": {"confirmed", "cancelled"},
        "attended": {"confirmed", "absent"},
        "absent": {"attended", "confirmed"},
        "cancelled": set(),
        "refused": set(),
    },
)


class NotOpen(Conflict):
    """The event takes no registrations at this moment."""


class NotInvited(Conflict):
    """The person is not in the event's audience."""


class TooLate(Conflict):
    """The deadline has passed."""


class Full(Conflict):
    """No seat is left, and the event keeps no waiting list."""


class AlreadyRegistered(Conflict):
    """The person has a live registration for the event."""


class NotTransferable(Conflict):
    """The place cannot go to another person, or not to this one."""


class InvalidMode(Invalid):
    """Somebody chose between seats in the room and online, at an event without that choice."""

    def __init__(self) -> None:
        super().__init__({"mode": ["This event has one kind of seats: leave mode out."]})


class NotAllFit(Conflict):
    """A batch that was to be registered as a whole was not."""


class NotAdmitted(Conflict):
    """Something that is for people with a seat."""


class GivenAlready(Conflict):
    """Anonymous feedback was given before: nobody can tell which, so it cannot be replaced."""


class NotThere(Conflict):
    """The person was not at the event, so they cannot give feedback."""


def check_transferable(registration: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Raises NotTransferable unless it is a seat or a place in line at an event that is still to come."""
    if event["state"] != "published":
        raise NotTransferable(f"No place at this event can change hands: it is {event['state']}.")
    if registration["state"] not in TRANSFERABLE:
        raise NotTransferable(f"A registration that is {registration['state']} cannot go to another person.")


def check_let_in(registration: Mapping[str, Any], to: str, reason: str | None) -> None:
    """Raises Invalid when staff move somebody up from the line without saying why: others stood before them."""
    if (registration["state"], to) == ("waitlisted", "confirmed") and not reason:
        raise Invalid({"reason": ["Say why this person is let in before others."]})


def check_may_accept(registration: Mapping[str, Any], now: datetime) -> None:
    """Raises TooLate when the time to accept the offered seat is over."""
    held_until = registration.get("held_until")
    if registration["state"] == "offered" and held_until and now >= held_until:
        raise TooLate("The time to accept this seat is over.")
