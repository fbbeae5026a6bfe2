"""The subject of a note or a task: an organisation, a contact, an enrolment or an event."""

from collections.abc import Mapping

from services.enrolment.contacts.store import CONTACTS
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.projections import EVENTS
from services.enrolment.references import refer_to
from shared.errors import Invalid, NotArrivedYet
from shared.messaging.subscriptions import unless_erased
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import Id, Strict, one_of

OURS = {
    "organisation": ORGANISATIONS.collection,
    "contact": CONTACTS.collection,
    "enrolment": ENROLMENTS.collection,
}


class About(Strict):
    kind = one_of(*OURS, "event", required=True)
    id = Id(required=True)


def check_about(uow: UnitOfWork, about: Mapping[str, str]) -> None:
    """Raises Invalid, or NotArrivedYet for an event, when the subject does not exist."""
    kind, query = about["kind"], {"_id": about["id"]}
    if kind == "event":
        if unless_erased(uow.find_one(EVENTS.collection, query)) is None:
            raise NotArrivedYet("about.id", "event")
    elif uow.find_one(OURS[kind], query, projection={"_id": 1}) is None:
        raise Invalid({"about.id": [f"There is no such {kind}."]})
    else:
        refer_to(uow, OURS[kind], [about["id"]])
