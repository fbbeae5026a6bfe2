"""The pages of /public: the list of events, an event with its form, a person's own registration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from services.events.registrations.domain import NotOpen
from services.events.registrations.seating import check_open
from services.events.registrations.series import MOST_BY_THE_FORM
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page
from shared.pages.blueprint import errors_in
from shared.pages.rendering import render, see

WORDS = Path(__file__).parent / "words"
DONE = ("confirmed", "waitlisted", "cancelled", "changed", "transferred", "feedback")
LOOKS = {"confirmed": "good", "attended": "good", "waitlisted": "wait", "offered": "wait", "cancelled": "bad"}


def list_page(found: Page) -> Response:
    """The list of events."""
    events = [{**event, "local_start": _local_start(event)} for event in found.items]
    return render("public/events.html", events=events, next_cursor=found.next_cursor)


def event_page(event: Mapping[str, Any], *, problem: Document | None = None, **_: Any) -> Response:
    """An event with the form to register; after a problem the form as it was sent."""
    return render(
        "public/event.html",
        event=event,
        opening=opening_of(event),
        closes_at=event.get("registration_closes_at") or event["starts_at"],
        accepted="accepted" in request.args,
        series=event["series"] if 1 < len(event["series"]) <= MOST_BY_THE_FORM else [],
        errors=errors_in(problem) if problem else {},
    )


def opening_of(event: Mapping[str, Any]) -> str:
    """Whether registration is `open`, `closed` or `not_yet` open."""
    now = utc_now()
    try:
        check_open(event, now)
    except NotOpen:
        opens = event.get("registration_opens_at")
        return "not_yet" if event["state"] == "published" and opens and now < opens else "closed"
    return "open"


def accepted(_: object, *, id: str) -> AnyResponse:
    """Redirects to the event's page, which says the same to everybody."""
    return see("public.show_public_event", id=id, accepted="yes")


def registration_page(own: Mapping[str, Any], *, problem: Document | None = None, **_: Any) -> Response:
    """A person's own registration, with the actions that are possible now."""
    return render(
        "public/registration.html",
        usual_language=own["language"],
        own=own,
        event=own["event"],
        meaning=_meaning(own),
        look=LOOKS.get(own["state"], ""),
        done=request.args.get("done") if request.args.get("done") in DONE else None,
        errors=errors_in(problem) if problem else {},
    )


def participants_page(found: Page, *, token: str) -> Response:
    """The names of the participants who agreed to be seen."""
    return render("public/participants.html", people=found.items, token=token, next_cursor=found.next_cursor)


def registration_moved(own: Mapping[str, Any], *, token: str) -> AnyResponse:
    """Redirects to the registration, which says what was done."""
    done = "changed" if "to" not in request.form else str(own["state"])
    return see("public.show_own_registration", token=token, done=done)


def registration_transferred(_: object, *, token: str) -> AnyResponse:
    """Redirects to the registration, which is cancelled now."""
    return see("public.show_own_registration", token=token, done="transferred")


def feedback_given(_: object, *, token: str) -> AnyResponse:
    """Redirects to the registration, with thanks for the feedback."""
    return see("public.show_own_registration", token=token, done="feedback")


def _meaning(own: Mapping[str, Any]) -> str:
    """The key of the sentence that explains the registration's state."""
    if own["event"]["state"] == "cancelled":
        return "event_cancelled"
    if own["state"] == "offered" and own["awaits"] == "address":
        return "address"
    if own["state"] == "confirmed" and own["event"]["ends_at"] <= utc_now():
        return "over"
    return str(own["state"])


def _local_start(event: Mapping[str, Any]) -> Any:
    return event["starts_at"].astimezone(ZoneInfo(event["timezone"]))
