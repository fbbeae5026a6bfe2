"""Which e-mails a contact wants besides confirmations and cancellations, which always come."""

from marshmallow import fields

from shared.mongo.aggregates import Aggregate, Document
from shared.schemas import Resource, Strict

CHOICES = ("announcements", "reminders", "feedback_requests")
CHOICE_OF_TEMPLATE = {
    "announcement": "announcements",
    "event_reminder": "reminders",
    "feedback_request": "feedback_requests",
}


class PreferencesInput(Strict):
    announcements = fields.Boolean(required=True)
    reminders = fields.Boolean(required=True)
    feedback_requests = fields.Boolean(required=True)


class Preferences(Resource):
    """What a contact wants to get. The id is the contact's."""

    announcements = fields.Boolean()
    reminders = fields.Boolean()
    feedback_requests = fields.Boolean()


PREFERENCES = Aggregate(
    name="preferences",
    collection="preferences",
    source="/uso/notifications",
    schema=Preferences,
)


def opted_out(preferences: Document | None, template: str) -> bool:
    """Whether these preferences say no to this template."""
    choice = CHOICE_OF_TEMPLATE.get(template)
    return choice is not None and preferences is not None and preferences.get(choice) is False
