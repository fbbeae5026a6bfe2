"""Decides whether a delivery is sent, to whom and in which language; for the sender and for questions beforehand."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from services.notifications.announcements.domain import language_of
from services.notifications.preferences.owners import address_ids
from services.notifications.preferences.store import PREFERENCES, opted_out
from services.notifications.sending.addressees import Addressee, addressee_of
from services.notifications.sending.allow_list import EVERYBODY, AllowList
from services.notifications.sending.delivery_subject import DeliverySubject
from services.notifications.sending.domain import Circumstances, Missing, NotToBeSent, why_not
from services.notifications.sending.references import ById, References, load_references, suppressed
from shared.email_address import normalise_email
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.secrets import Secrets


@dataclass(frozen=True, kw_only=True)
class ToBeSent:
    """The delivery goes to `person`, in their language, and is about `subject`."""

    person: Addressee
    subject: DeliverySubject


Decision = ToBeSent | Missing | NotToBeSent


def decide(
    db: Database, secrets: Secrets, deliveries: Sequence[Document], allow_list: AllowList = EVERYBODY
) -> Callable[[Document], Decision]:
    """What is to become of each of these deliveries, for whoever asks for it.

    The projections are read here, in a handful of queries for all deliveries.
    """
    references = load_references(db, deliveries)
    people = {row["_id"]: addressee_of(row, references, secrets) for row in deliveries}
    strangers = _strangers_choices(db, secrets, people)
    silent = suppressed(db, (person.email for person in people.values() if isinstance(person, Addressee)))
    return partial(_decide, people, references, silent, strangers, allow_list)


def _strangers_choices(db: Database, secrets: Secrets, people: Mapping[str, Addressee | Missing | NotToBeSent]) -> ById:
    """What people who are no contacts have chosen, by their address."""
    strangers = {person.email for person in people.values() if isinstance(person, Addressee) and not person.contact}
    ids = {identifier: email for email in strangers for identifier in address_ids(secrets, email)}
    rows = db[PREFERENCES.collection].find({"_id": {"$in": list(ids)}}) if ids else ()
    return {ids[row["_id"]]: row for row in rows}


def _decide(
    people: Mapping[str, Addressee | Missing | NotToBeSent],
    references: References,
    silent: Collection[str],
    strangers: Mapping[str, Document],
    allow_list: AllowList,
    delivery: Document,
) -> Decision:
    person = people[delivery["_id"]]
    if not isinstance(person, Addressee):
        return person
    if not allow_list.lets_through(person.email):
        return NotToBeSent(state="suppressed", error="not_on_allow_list")
    subject = DeliverySubject.of(delivery, references, person.contact)
    if subject.missing:
        return Missing(what=subject.missing)
    chosen = references.preferences.get(person.contact["_id"]) if person.contact else strangers.get(person.email)
    circumstances = Circumstances(
        is_suppressed=normalise_email(person.email) in silent,
        has_opted_out=opted_out(chosen, delivery["template"]),
        event=subject.event,
        registration=subject.registration,
        invitation=subject.invitation,
        event_has_check_in=delivery["event_id"] in references.events_with_check_in,
        now=utc_now(),
    )
    no = why_not(delivery["template"], delivery["personalisation"], circumstances)
    if no is not None:
        return no
    if subject.announcement is not None:
        person = replace(person, language=language_of(subject.announcement, person.language))
    return ToBeSent(person=person, subject=subject)
