"""The projections of enrolment's resources: only the fields that the rules and lists of events read."""

from collections.abc import Callable, Sequence
from functools import partial

from pymongo import IndexModel

from ops.erasure.following import ContactsProjection
from shared.email_address import normalise_email
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Projection
from shared.mongo.aggregates import Document
from shared.search import search_words


def only(*fields: str) -> Callable[[Message], Document]:
    """A projection's `keep` that keeps these fields of the state."""
    return partial(_keep, fields)


def _keep(fields: Sequence[str], message: Message) -> Document:
    state = message.state or {}
    return {name: state.get(name) for name in fields}


def keep_of_contact(message: Message) -> Document:
    """The contact's name, work and e-mail address. The address recognises the contact in the public form."""
    state = message.state or {}
    kept = only("given_name", "family_name", "organisation_id", "role", "language", "tags", "merged_into")(message)
    search = search_words(state.get("given_name"), state.get("family_name"))
    email = normalise_email(state.get("email") or "")
    return {**kept, "email": email, "domain": email.rpartition("@")[2] or None, "search": search}


CONTACTS = ContactsProjection(
    collection="contacts",
    keep=keep_of_contact,
    indexes=[
        IndexModel("email", name="email"),
        IndexModel([("domain", 1), ("organisation_id", 1)], name="domain"),
        IndexModel("merged_into", name="merged", partialFilterExpression={"merged_into": {"$type": "string"}}),
    ],
)
ORGANISATIONS = Projection(collection="organisations", keep=only("name", "kind", "region", "wellbeing_county"))
SEASONS = Projection(collection="seasons", keep=only("number", "state"))
ENROLMENTS = Projection(
    collection="enrolments",
    keep=only("season_id", "organisation_id", "contact_ids", "state"),
    indexes=[IndexModel([("season_id", 1), ("organisation_id", 1)], name="season")],
)
SEGMENTS = Projection(
    collection="segments",
    keep=only(
        *("name", "organisation_ids", "kinds", "regions", "wellbeing_counties", "roles", "languages", "tags"),
        *("season_id", "enrolment_states"),
    ),
    indexes=[IndexModel("name", name="name")],
)

CONTACTS_TOPIC = "uso.enrolment.contacts.v1"
PROJECTIONS = {
    CONTACTS_TOPIC: CONTACTS,
    "uso.enrolment.organisations.v1": ORGANISATIONS,
    "uso.enrolment.seasons.v1": SEASONS,
    "uso.enrolment.enrolments.v1": ENROLMENTS,
    "uso.enrolment.segments.v1": SEGMENTS,
}
