"""The contacts whom a saved segment of enrolment means, from the service's own projections."""

from collections.abc import Mapping
from typing import Any

from services.notifications.projections import SEGMENTS
from shared.errors import NotArrivedYet
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.segments import Find, members_query

# Inside `$and`: a portion adds a condition on the id of its own.
NOBODY: Document = {"$and": [{"_id": {"$in": []}}]}


def check_name(uow: UnitOfWork, segment: Mapping[str, Any]) -> None:
    """Raises NotArrivedYet when it names a saved segment that is unknown here."""
    if segment.get("name") and not is_known(uow.find, segment["name"]):
        raise NotArrivedYet("segment.name", "segment")


def is_known(find: Find, name: str) -> bool:
    """Whether there is a saved segment of this name."""
    return bool(list(find(SEGMENTS.collection, {"name": name}, limit=1)))


def named_query(find: Find, name: str) -> Document:
    """The condition for the contacts who fit all that the segment of this name asks for; nobody when it is gone."""
    found = list(find(SEGMENTS.collection, {"name": name}, limit=1))
    return members_query(find, found[0]) if found else NOBODY
