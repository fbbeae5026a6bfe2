"""Transfers a seat or a place in line to a colleague of the same organisation."""

from services.events.events.store import EVENTS
from services.events.people.registrants import Registrant, take_mail
from services.events.registrations.actions import check_may_cancel
from services.events.registrations.domain import NotTransferable, check_transferable
from services.events.registrations.seating import offer_on
from services.events.registrations.seats import next_sequence
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.errors import TooManyRequests
from shared.mongo.unit_of_work import UnitOfWork

# One sentence for all reasons: a person who names an address learns nothing about its owner.
NOT_THIS_PERSON = "This person cannot take the place: it stays yours."


def transfer(
    uow: UnitOfWork, registration_id: str, colleague: Registrant, *, by_link: bool = False
) -> RegistrationDocument:
    """Ends the registration and makes one for the colleague, with the same seat or place in line.

    It is a new registration, since the link of the old one must open nothing of the colleague's. The person who
    leaves hears `registration.transitioned` (cancelled), the colleague `registration.transferred`, or
    `registration.created` in line. `by_link`: the person who leaves named an address, so mails to it are counted.
    Raises NotFound, Stale, NotTransferable, TooLate, TooManyRequests; Conflict where the colleague is registered.
    """
    before = uow.get(REGISTRATIONS, registration_id)
    event = uow.get(EVENTS, before["event_id"])
    check_transferable(before, event)
    if by_link:
        check_may_cancel(event, uow.now)
    if colleague.organisation_id != before["organisation_id"]:
        sentence = NOT_THIS_PERSON if by_link else "The place can go to a contact of the same organisation only."
        raise NotTransferable(sentence)
    live = {"event_id": event["_id"], "person_keys": {"$in": colleague.keys}, "live": True}
    if uow.find_one(REGISTRATIONS.collection, live, projection={"_id": 1}):
        raise NotTransferable(NOT_THIS_PERSON if by_link else "This person is registered for the event already.")
    mail_at = take_mail(uow, colleague.address_key, may_wait=True) if by_link else uow.now
    if mail_at is None:
        raise TooManyRequests("This address has had many e-mails within the hour. Try again later.", retry_after=3600)
    seated = before["state"] == "confirmed"
    unconfirmed = by_link and event.get("confirm_address", False)
    offer = offer_on(event, uow.now, unconfirmed=unconfirmed, in_line=False) if seated else None
    sequence = next_sequence(uow, event["_id"], before.get("calendar_sequence") or 0)
    made = {
        **colleague.fields(),
        "event_id": event["_id"],
        "state": "offered" if offer else before["state"],
        "live": True,
        "queue_number": before["queue_number"],
        "position": before["position"],
        "listed": False,  # the colleague has not agreed to anything
        "mode": before.get("mode"),
        "held_key": before.get("held_key"),
        "feedback": None,
        "confirm_address": unconfirmed,
        "mail_not_before": mail_at if mail_at > uow.now else None,
        "refused_because": None,
        "calendar_sequence": sequence,
        "transferred_from": before["_id"],
        **(offer or {}),
    }
    after = uow.insert(
        REGISTRATIONS, made, "registration.transferred" if seated and not offer else "registration.created"
    )
    gone = {"state": "cancelled", "position": None, "live": False, "mail_not_before": None}
    uow.save(
        REGISTRATIONS,
        before,
        gone | {"calendar_sequence": sequence},
        "registration.transitioned",
        change={"from": before["state"], "to": "cancelled", "transferred_to": after["_id"]},
    )
    return after
