"""Examples of what people do about an event: an offered seat, an invitation, a transfer."""

from datetime import timedelta

from contracts.story import Story
from services.events.invitations.store import INVITATIONS
from services.events.registrations.store import REGISTRATIONS
from shared.mongo.aggregates import Document


def offer_seat(story: Story, event: Document) -> None:
    """A person who is no contact stands in line, registers again by the form, and is offered a seat."""
    fields = {
        "event_id": event["_id"],
        "person_sealed": "gAAAAABjh…",
        "language": "fi",
        "state": "waitlisted",
        "queue_number": 26,
        "position": 1,
    }
    waiting = story.made(REGISTRATIONS, "registration.created", fields)
    waiting = story.changed(REGISTRATIONS, waiting, "registration.asked_again", {})
    offer = {"position": None, "awaits": "answer", "held_until": event["starts_at"] - timedelta(days=1)}
    story.moved(REGISTRATIONS, waiting, "registration.offered", "offered", follows=True, **offer)


def invite(story: Story, event: Document, contact: Document) -> None:
    story.begin(11)
    fields = {
        "event_id": event["_id"],
        "contact_id": contact["_id"],
        "organisation_id": contact["organisation_id"],
        "role": contact["role"],
        "language": contact["language"],
        "state": "sent",
        "reason": None,
        "answered_at": None,
        "reminded_at": None,
        "registration_id": None,
    }
    sent = story.made(INVITATIONS, "invitation.created", fields)
    reminded = story.changed(INVITATIONS, sent, "invitation.reminded", {"reminded_at": story.now})
    story.moved(INVITATIONS, reminded, "invitation.transitioned", "declined", answered_at=story.now)


def transfer(story: Story, event: Document) -> None:
    story.begin(12)
    fields = {
        "event_id": event["_id"],
        "contact_id": story.new_id(),
        "language": "fi",
        "state": "confirmed",
        "queue_number": 27,
        "transferred_from": story.new_id(),
    }
    story.made(REGISTRATIONS, "registration.transferred", fields)
