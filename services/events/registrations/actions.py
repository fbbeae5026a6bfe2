"""What the person with a registration's link may do, and when. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.events.registrations.domain import ADMITTED, LIFECYCLE, TRANSFERABLE, NotThere, TooLate
from services.events.registrations.seating import before_the_start

ACTIONS = ("confirm", "cancel", "change", "transfer", "feedback", "certificate", "participants")


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


def check_may_cancel(event: Mapping[str, Any], now: datetime) -> None:
    """Raises TooLate after the last moment at which people can cancel by their link."""
    if now >= before_the_start(event, "cancel_until"):
        raise TooLate("It is too late to cancel by this link. Write to the organiser.")


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
