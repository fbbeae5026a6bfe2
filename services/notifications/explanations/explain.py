"""Explains why a contact did, did not or would get a mail, with the code that decides at the sending."""

from collections.abc import Callable

from services.notifications.deliveries.domain import UNDER_WAY, Because, NewDelivery
from services.notifications.deliveries.store import DELIVERIES, new_document
from services.notifications.projections import CONTACTS, INVITATIONS, REGISTRATIONS
from services.notifications.sending.decisions import Decision, ToBeSent
from services.notifications.sending.domain import Missing
from shared.errors import NotFound
from shared.ids import new_id, utc_now
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

ABOUT_AN_EVENT = (
    "registration_confirmed",
    "registration_waitlisted",
    "registration_offered",
    "registration_promoted",
    "registration_transferred",
    "registration_refused",
    "registration_cancelled",
    "event_changed",
    "event_cancelled",
    "event_reminder",
    "feedback_request",
    "certificate",
)
# These come without a registration, so only what was made of them can be told.
TO_THE_INVITED = ("invitation", "invitation_reminder")
Decide = Callable[[Document], Decision]
WITHOUT_AN_EVENT = ("enrolment_received", "enrolment_confirmed", "announcement")
# The mails that a registration can still cause. The other mails tell of a change that has happened.
AHEAD = frozenset(
    {"event_changed", "event_cancelled", "event_reminder", "feedback_request", "certificate", "registration_cancelled"}
)


def explain(
    db: Database,
    decide_on: Decide,
    contact_id: str,
    *,
    event_id: str | None,
    template: str | None,
) -> list[Document]:
    """An explanation for each template, or for `template`. Raises NotFound for an unknown contact."""
    if unless_erased(db[CONTACTS.collection].find_one({"_id": contact_id})) is None:
        raise NotFound("contact", contact_id)
    templates = [template] if template else list(TO_THE_INVITED + ABOUT_AN_EVENT if event_id else WITHOUT_AN_EVENT)
    registration, invited = None, False
    if event_id:
        query = {"contact_id": contact_id, "event_id": event_id}
        registration = db[REGISTRATIONS.collection].find_one(query, sort=[("_id", -1)])
        invited = db[INVITATIONS.collection].find_one(query, {"_id": 1}) is not None
    found = []
    for name in templates:
        asked = {"contact_id": contact_id, "template": name, **({"event_id": event_id} if event_id else {})}
        delivery = db[DELIVERIES.collection].find_one(asked, sort=[("_id", -1)])
        found.append(
            {"template": name, **_explained(decide_on, asked, delivery, registration=registration, invited=invited)}
        )
    return found


def _explained(
    decide_on: Decide,
    asked: Document,
    delivery: Document | None,
    *,
    registration: Document | None,
    invited: bool,
) -> Document:
    if delivery is not None and delivery["state"] not in UNDER_WAY:
        was_sent = delivery["state"] in ("sent", "delivered")
        why = delivery["because"]["rule"] if was_sent else delivery["error"] or delivery["state"]
        return {"outcome": "sent" if was_sent else "not_sent", "why": why, "delivery_id": delivery["_id"]}
    if delivery is not None:
        return _foreseen(decide_on(delivery), delivery["because"]["rule"], delivery["_id"])
    if asked["template"] in TO_THE_INVITED:
        return {"outcome": "not_sent", "why": "nothing_led_to_it" if invited else "not_invited", "delivery_id": None}
    if asked.get("event_id") and registration is None:
        return {"outcome": "not_sent", "why": "not_registered", "delivery_id": None}
    supposed = _supposed(asked, registration)
    decision = decide_on(supposed)
    if isinstance(decision, ToBeSent) and asked.get("event_id") and asked["template"] not in AHEAD:
        return {"outcome": "not_sent", "why": "nothing_led_to_it", "delivery_id": None}
    return _foreseen(decision, asked["template"], None)


def _supposed(asked: Document, registration: Document | None) -> Document:
    """The delivery that the rule would make."""
    new = NewDelivery(
        template=asked["template"],
        because=Because(rule=asked["template"], actor="explain"),
        dedup_key="",
        contact_id=asked["contact_id"],
        event_id=asked.get("event_id"),
        registration_id=(registration or {}).get("_id"),
    )
    return {"_id": new_id(), **new_document(new, now=utc_now(), correlation_id="")}


def _foreseen(decision: Decision, rule: str, delivery_id: str | None) -> Document:
    if isinstance(decision, ToBeSent):
        return {"outcome": "would_send", "why": rule, "delivery_id": delivery_id}
    why = f"unknown_{decision.what}" if isinstance(decision, Missing) else decision.error
    return {"outcome": "not_sent", "why": why, "delivery_id": delivery_id}
