"""Which e-mails a contact wants besides confirmations and cancellations, which always come."""

from marshmallow import Schema, fields

from shared.mongo.aggregates import Aggregate, Document
from shared.schemas import Resource, Strict, one_of

CHOICES = ("announcements", "reminders", "feedback_requests")
PREFERENCES_LINK = "preferences"
"""The purpose that the links in e-mails are signed for: a link for another purpose opens no preferences."""

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
    """The kinds of mail that a contact gets. The id is the contact's."""

    announcements = fields.Boolean()
    reminders = fields.Boolean()
    feedback_requests = fields.Boolean()


class OwnPreferencesInput(Strict):
    """Some choices, or (RFC 8058) `List-Unsubscribe=One-Click`."""

    announcements = fields.Boolean()
    reminders = fields.Boolean()
    feedback_requests = fields.Boolean()
    one_click = one_of("One-Click", data_key="List-Unsubscribe")


class OwnPreferencesQuery(Strict):
    choice = one_of(*CHOICES)


class OwnPreferences(Schema):
    """A contact's choices as the link shows them: without anything that identifies the contact."""

    announcements = fields.Boolean(required=True)
    reminders = fields.Boolean(required=True)
    feedback_requests = fields.Boolean(required=True)


PREFERENCES: Aggregate[Document] = Aggregate(
    name="preferences",
    collection="preferences",
    source="/uso/notifications",
    schema=Preferences,
)


def opted_out(preferences: Document | None, template: str) -> bool:
    """Whether these preferences refuse this template."""
    choice = CHOICE_OF_TEMPLATE.get(template)
    return choice is not None and preferences is not None and preferences.get(choice) is False
