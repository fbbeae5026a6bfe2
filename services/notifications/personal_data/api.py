"""/v1/contacts/{id}/personal-data: what this service holds on a person (GDPR, article 15)."""

from typing import Any

from marshmallow import Schema, fields

from services.notifications.deliveries.schemas import DeliveryWithText
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.merging import ids_of
from services.notifications.preferences.store import PREFERENCES, Preferences
from services.notifications.projections import CONTACTS
from services.notifications.suppressions.store import SUPPRESSIONS, Suppression
from shared.email_address import normalise_email
from shared.errors import NotFound
from shared.http.auth import needs
from shared.http.calls import database
from shared.http.routes import Routes
from shared.ids import utc_now
from shared.messaging.subscriptions import unless_erased
from shared.schemas import Instant

routes = Routes("personal-data", __name__, url_prefix="/v1", description="What is held on a person here")
# A text has twenty thousand letters at most, and is kept for 90 days: more mails than that nobody gets in them.
MOST = 1_000


class PersonalData(Schema):
    """What notifications holds on a person; enrolment and events answer for theirs."""

    at = Instant(required=True)
    contact_ids = fields.List(fields.String(), required=True, metadata={"description": "merged ones included"})
    contact = fields.Dict(required=True, metadata={"description": "the copy by which this service knows the contact"})
    preferences = fields.Nested(Preferences, required=True, allow_none=True)
    suppressions = fields.List(fields.Nested(Suppression), required=True)
    deliveries = fields.List(
        fields.Nested(DeliveryWithText),
        required=True,
        metadata={"description": "with subject and text, as long as they are kept"},
    )


@routes.get("/contacts/<id>/personal-data")
@needs("manager")
@routes.response(200, PersonalData)
def show_personal_data(id: str) -> dict[str, Any]:
    """Show what this service holds on a contact, as they may ask for it; enrolment's export says where the rest is"""
    db = database()
    contact = unless_erased(db[CONTACTS.collection].find_one({"_id": id}))
    if contact is None:
        raise NotFound("contact", id)
    ids, address = ids_of(db, id), normalise_email(contact.get("email") or "")
    mails = db[DELIVERIES.collection].find({"contact_id": {"$in": ids}}).sort("_id", -1).limit(MOST)
    return {
        "at": utc_now(),
        "contact_ids": ids,
        "contact": {name: value for name, value in contact.items() if name not in ("_id", "sequence")},
        "preferences": db[PREFERENCES.collection].find_one({"_id": id}),
        "suppressions": list(db[SUPPRESSIONS.collection].find({"email": address})) if address else [],
        "deliveries": list(mails),
    }
