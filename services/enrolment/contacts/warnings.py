"""Warnings about contacts that are probably here already: at creation, and for each row of an import."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from services.enrolment.contacts.similar import WORTH_A_WARNING, likeness
from services.enrolment.contacts.store import CONTACTS
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

NAMES = {"given_name": 1, "family_name": 1, "phone": 1, "organisation_id": 1}
# More than these nobody looks through.
MOST_WARNINGS = 10


class Colleagues:
    """The contacts of some organisations, as far as a likeness asks for them."""

    def __init__(self, uow: UnitOfWork, organisation_ids: Iterable[str]) -> None:
        query = {"organisation_id": {"$in": sorted(set(organisation_ids))}, "merged_into": None}
        self._of: defaultdict[str, list[Document]] = defaultdict(list)
        for contact in uow.find(CONTACTS.collection, query, projection=NAMES):
            self._of[contact["organisation_id"]].append(contact)

    def add(self, contact: Document) -> None:
        """A contact that was made meanwhile."""
        self._of[contact["organisation_id"]].append(contact)

    def warnings_about(self, contact: Mapping[str, Any]) -> list[Document]:
        """`similar_contact` for each colleague who is probably the same person, the likeliest first."""
        found = [
            {"code": "similar_contact", "contact_id": other["_id"], "score": like.score, "reasons": list(like.reasons)}
            for other in self._of[contact["organisation_id"]]
            if (like := likeness(contact, other)) and like.score >= WORTH_A_WARNING
        ]
        return sorted(found, key=lambda warning: -warning["score"])[:MOST_WARNINGS]
