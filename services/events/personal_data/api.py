"""/v1/contacts/{id}/personal-data: what this service holds on a person (GDPR, article 15)."""

from typing import Any

from marshmallow import Schema, fields

from services.events.invitations.schemas import InvitationShown
from services.events.invitations.store import INVITATIONS
from services.events.projections import CONTACTS
from services.events.questions.answers import sensitive_answers_of
from services.events.registrations.schemas import RegistrationShown
from services.events.registrations.store import REGISTRATIONS
from services.events.registrations.views import shown
from shared.errors import NotFound
from shared.http.auth import needs
from shared.http.calls import database, the
from shared.http.routes import Routes
from shared.ids import utc_now
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.schemas import Instant
from shared.secrets import Secrets

routes = Routes("personal-data", __name__, url_prefix="/v1", description="What is held on a person here")
# One person's registrations of ten years.
MOST = 1_000


class PersonalData(Schema):
    """What events holds on a person; enrolment and notifications answer for theirs."""

    at = Instant(required=True)
    contact_ids = fields.List(fields.String(), required=True, metadata={"description": "merged ones included"})
    contact = fields.Dict(required=True, metadata={"description": "the copy by which this service knows the contact"})
    registrations = fields.List(
        fields.Nested(RegistrationShown), required=True, metadata={"description": "with answers and comments"}
    )
    sensitive_answers = fields.List(
        fields.Dict(), required=True, metadata={"description": "by registration, until a week after the event"}
    )
    invitations = fields.List(fields.Nested(InvitationShown), required=True)


@routes.get("/contacts/<id>/personal-data")
@needs("manager")
@routes.response(200, PersonalData)
def show_personal_data(id: str) -> dict[str, Any]:
    """Show what this service holds on a contact, as they may ask for it; enrolment's export says where the rest is"""
    db = database()
    contact = unless_erased(db[CONTACTS.collection].find_one({"_id": id}))
    if contact is None:
        raise NotFound("contact", id)
    ids = [id, *(row["_id"] for row in db[CONTACTS.collection].find({"merged_into": id}, {"_id": 1}))]
    theirs: Document = {"contact_id": {"$in": ids}}
    registrations = list(db[REGISTRATIONS.collection].find(theirs).sort("_id", -1).limit(MOST))
    return {
        "at": utc_now(),
        "contact_ids": ids,
        "contact": {name: value for name, value in contact.items() if name not in ("_id", "sequence", "search")},
        "registrations": shown(db, the(Secrets), *registrations),
        "sensitive_answers": sensitive_answers_of(db, the(Secrets), [row["_id"] for row in registrations]),
        "invitations": list(db[INVITATIONS.collection].find(theirs).sort("_id", -1).limit(MOST)),
    }
