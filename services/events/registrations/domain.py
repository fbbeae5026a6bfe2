"""The rules of registrations: who may have a seat, who is next in line, and the states. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from isodate import parse_duration

from shared.errors import Conflict, Invalid
from shared.state_machine import StateMachine

# An offered seat counts as taken: it is held until the person answers or time runs out.
SEATED = ("confirmed", "offered", "attended", "absent")
# The states in which a person may see the address of the online meeting.
ADMITTED = ("confirmed", "attended", "absent")
# People read their mail within a day. Held for longer, unconfirmed seats would keep the line from moving.
CONFIRM_WITHIN = timedelta(hours=24)
TRANSFERABLE = ("confirmed", "waitlisted")
ACTIONS = ("confirm", "cancel", "change", "transfer", "feedback", "certificate", "participants")
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


def check_open(event: Mapping[str, Any], now: datetime, *, by_staff: bool = False) -> None:
    """Raises NotOpen unless the event is published and `now` lies within its registration window.

    Registration closes at the start unless `registration_closes_at` says otherwise, and at the end at the latest.
    After the start staff may still register people who came, until the event is completed.
    """
    if event["state"] != "published":
        raise NotOpen(f"This event takes no registrations: it is {event['state']}.")
    if by_staff and now >= event["starts_at"]:
        return
    opens, closes = event.get("registration_opens_at"), event.get("registration_closes_at")
    if opens and now < opens:
        raise NotOpen("Registration for this event has not opened yet.")
    if now >= min(closes or event["starts_at"], event["ends_at"]):
        raise NotOpen("Registration for this event has closed.")


def check_may_cancel(event: Mapping[str, Any], now: datetime) -> None:
    """Raises TooLate after the last moment at which people can cancel by their link."""
    if now >= before_the_start(event, "cancel_until"):
        raise TooLate("It is too late to cancel by this link. Write to the organiser.")


def actions_by_link(registration: Mapping[str, Any], event: Mapping[str, Any], now: datetime) -> list[str]:
    """The ACTIONS that the person with the registration's link may take now."""
    state, actions = registration["state"], []
    held_until = registration.get("held_until")
    if state == "offered" and event["state"] == "published" and not (held_until and now >= held_until):
        actions.append("confirm")
    if "cancelled" in LIFECYCLE.steps[state] and now < before_the_start(event, "cancel_until"):
        actions.append("cancel")
        if event["state"] == "published":
            actions.append("change")
            if state in TRANSFERABLE:
                actions.append("transfer")
    if was_there(registration, event) and not registration.get("gave_feedback"):
        actions.append("feedback")
    if earned_certificate(registration, event):
        actions.append("certificate")
    if event.get("participant_list") and state in ADMITTED:
        actions.append("participants")
    return actions


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


def may_promote(event: Mapping[str, Any], now: datetime) -> bool:
    """Whether a free seat still goes to the line: not once the event is over, cancelled or about to start."""
    return bool(event["state"] == "published" and now < before_the_start(event, "promote_until"))


def offer_on(event: Mapping[str, Any], now: datetime, *, unconfirmed: bool, in_line: bool) -> dict[str, Any] | None:
    """The fields of an offered seat: what it waits for, and until when; None when the seat is confirmed at once.

    `unconfirmed`: the owner of the e-mail address has not confirmed it. `in_line`: the seat came free for a person
    in line, and the event gives them time to accept (`offer_expires_after`). An offer ends at the last moment for
    promotion at the latest.
    """
    if unconfirmed:
        awaits, until = "address", now + CONFIRM_WITHIN
    elif in_line and event.get("offer_expires_after"):
        awaits, until = "answer", now + parse_duration(event["offer_expires_after"])
    else:
        return None
    return {"awaits": awaits, "held_until": max(now, min(until, before_the_start(event, "promote_until")))}


def check_may_accept(registration: Mapping[str, Any], now: datetime) -> None:
    """Raises TooLate when the time to accept the offered seat is over."""
    held_until = registration.get("held_until")
    if registration["state"] == "offered" and held_until and now >= held_until:
        raise TooLate("The time to accept this seat is over.")


def before_the_start(event: Mapping[str, Any], name: str) -> datetime:
    """The moment that the duration in the event's field `name` comes before its start; the start without one."""
    moment: datetime = event["starts_at"] - parse_duration(event.get(name) or "PT0S")
    return moment


def check_invited(audience: Mapping[str, Any], *, is_contact: bool, role: str | None, enrolled: bool) -> None:
    """Raises NotInvited for a person outside the audience.

    `enrolled`: the person's organisation takes part in the audience's season. The projection may be a moment behind,
    so the refusal of an organisation that is not enrolled asks the caller to try again.
    """
    roles = audience.get("roles") or []
    if roles and role not in roles:
        raise NotInvited(f"This event is for contacts in the role {' or '.join(roles)}.")
    if audience["open_to"] == "public":
        return
    if not is_contact:
        raise NotInvited("This event is not open to the public: register a contact by contact_id.")
    if not enrolled:
        raise NotInvited("This event is for organisations that take part in its season.", retry_after=1)


def check_certificate(registration: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Raises NotThere for a person who did not attend, or not for long enough where it is known how long."""
    if registration["state"] != "attended":
        raise NotThere("A certificate is for people who attended.")
    needed, minutes = event.get("certificate_minutes"), registration.get("minutes")
    if needed is not None and minutes is not None and minutes < needed:
        raise NotThere(f"A certificate needs {needed} minutes of attendance; this person was there for {minutes}.")


def earned_certificate(registration: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether there is a certificate for this registration."""
    try:
        check_certificate(registration, event)
    except NotThere:
        return False
    return True


def was_there(registration: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether the person attended, or had a seat at a completed event."""
    had_seat = registration["state"] == "confirmed" and event["state"] == "completed"
    return bool(registration["state"] == "attended" or had_seat)


def check_was_there(registration: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Raises NotThere unless the person attended, or had a seat at a completed event."""
    if not was_there(registration, event):
        raise NotThere("Only people who attended, or had a seat at a completed event, can give feedback.")
