"""Who may have a seat, who comes next, and what may become of a registration. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from isodate import parse_duration

from shared.errors import Conflict
from shared.state_machine import StateMachine

# An offered seat is kept for whom it was offered to: nobody else can have it until they answer or time runs out.
SEATED = ("confirmed", "offered", "attended", "absent")
# Those who may know where the event takes place online.
ADMITTED = ("confirmed", "attended", "absent")
# People read their mail within a day; a seat that nobody confirms is not kept from the line for longer.
CONFIRM_WITHIN = timedelta(hours=24)
ACTIONS = ("confirm", "cancel", "feedback")
ENROLLED = ("enrolled", "active", "completed")

LIFECYCLE = StateMachine(
    name="registration",
    steps={
        "confirmed": {"cancelled", "attended", "absent"},
        "waitlisted": {"cancelled", "attended"},
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
    """The event is for others."""


class TooLate(Conflict):
    """The last moment for it has passed."""


class Full(Conflict):
    """No seat is left, and the event keeps no waiting list."""


class AlreadyRegistered(Conflict):
    """The person has a live registration for the event."""


class NotThere(Conflict):
    """Feedback is for those who were at the event."""


def check_open(event: Mapping[str, Any], now: datetime, *, by_staff: bool = False) -> None:
    """Raises NotOpen unless the event is published and `now` lies within its registration window.

    Registration closes at the start unless `registration_closes_at` says otherwise, and at the end at the latest.
    From the start on staff may still note who came, until the event is completed.
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
    """Raises TooLate when the people who come can no longer cancel by themselves."""
    if now >= before_the_start(event, "cancel_until"):
        raise TooLate("It is too late to cancel by this link. Write to the organiser.")


def actions_by_link(registration: Mapping[str, Any], event: Mapping[str, Any], now: datetime) -> list[str]:
    """Those of ACTIONS that the person who holds the registration's link may take now."""
    state, actions = registration["state"], []
    held_until = registration.get("held_until")
    if state == "offered" and event["state"] == "published" and not (held_until and now >= held_until):
        actions.append("confirm")
    if "cancelled" in LIFECYCLE.steps[state] and now < before_the_start(event, "cancel_until"):
        actions.append("cancel")
    if was_there(registration, event):
        actions.append("feedback")
    return actions


def may_promote(event: Mapping[str, Any], now: datetime) -> bool:
    """Whether a free seat still goes to somebody in line: nobody is promoted into what is over or cancelled."""
    return bool(event["state"] == "published" and now < before_the_start(event, "promote_until"))


def offer_on(event: Mapping[str, Any], now: datetime, *, unconfirmed: bool, in_line: bool) -> dict[str, Any] | None:
    """What a seat waits for before it is confirmed, and until when; None when it is confirmed at once.

    `unconfirmed`: nobody has shown yet that the e-mail address is theirs. `in_line`: the seat came free for somebody
    who was waiting, and the event leaves them time to accept (`offer_expires_after`). No offer outlasts the last
    moment for promotion.
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
    """Raises NotInvited for somebody whom the audience leaves out.

    `enrolled`: their organisation takes part in the audience's season. That may have become true a moment
    ago without being known here, so the caller is told to try again.
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


def state_on_arrival(event: Mapping[str, Any], *, taken: int, of_organisation: int) -> str:
    """`confirmed` where there is a seat for them, else `waitlisted`. Raises Full without a waiting list."""
    capacity, most = event.get("capacity"), event.get("max_per_organisation")
    full = capacity is not None and taken >= capacity
    too_many = most is not None and of_organisation >= most
    if not full and not too_many:
        return "confirmed"
    if event["waitlist"]:
        return "waitlisted"
    raise Full("This event is full." if full else "This organisation has all the seats that it may have.")


def next_in_line(
    waiting: Iterable[Mapping[str, Any]], *, free: int | None, seated: Mapping[str, int], most: int | None
) -> list[Any]:
    """Those of `waiting` (in the order of the queue) who get the `free` seats (None: as many as it takes).

    `seated` counts the seats of each organisation; one that has `most` is passed over, and keeps its place.
    """
    counts = Counter(seated)
    chosen: list[Any] = []
    for registration in waiting:
        if free is not None and len(chosen) >= free:
            break
        organisation = registration.get("organisation_id")
        if most is not None and organisation and counts[organisation] >= most:
            continue
        if organisation:
            counts[organisation] += 1
        chosen.append(registration)
    return chosen


def was_there(registration: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether they attended, or had a seat at an event that is completed."""
    had_seat = registration["state"] == "confirmed" and event["state"] == "completed"
    return bool(registration["state"] == "attended" or had_seat)


def check_was_there(registration: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Raises NotThere unless they attended, or had a seat at an event that is completed."""
    if not was_there(registration, event):
        raise NotThere("Feedback is for those who attended, or had a seat at an event that is completed.")
