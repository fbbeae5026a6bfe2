"""/v1/contacts/duplicates and /v1/contacts/{id}/merge"""

from collections.abc import Mapping
from typing import Any

from services.enrolment.contacts.similar import pairs
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.contacts.warnings import NAMES
from services.enrolment.merging import commands
from services.enrolment.merging.cursors import Place, read_cursor, write_cursor
from services.enrolment.merging.schemas import Duplicate, DuplicatesQuery, Merged, MergeInput, Unmerged
from services.enrolment.merging.undo import undo_merge
from shared.http.auth import needs
from shared.http.calls import database, run
from shared.http.routes import Routes
from shared.mongo.aggregates import Document

routes = Routes("merging", __name__, url_prefix="/v1", description="Contacts that are one person")


@routes.get("/contacts/duplicates")
@routes.query(DuplicatesQuery)
@routes.lists(Duplicate)
def list_duplicates(query: dict[str, Any]) -> Document:
    """List pairs of contacts that are likely one person, the likeliest first; merged ones leave the list"""
    known: Document = {"merged_into": None}
    if "organisation_id" in query:
        known["organisation_id"] = query["organisation_id"]
    found: list[Document] = [
        {
            "score": like.score,
            "reasons": like.reasons,
            "contacts": sorted((first, second), key=_id),
        }
        for first, second, like in pairs(database()[CONTACTS.collection].find(known, NAMES))
        if like.score >= query["score_min"]
    ]
    after = read_cursor(query["cursor"])
    found = sorted((pair for pair in found if after is None or _place(pair) > after), key=_place)
    items = found[: query["limit"]]
    return {"items": items, "next_cursor": write_cursor(_place(items[-1])) if len(found) > len(items) else None}


def _place(pair: Mapping[str, Any]) -> Place:
    """Where a pair stands in the list: it stays there while others are merged and leave."""
    first, second = pair["contacts"]
    return -float(pair["score"]), _id(first), _id(second)


def _id(contact: Mapping[str, Any]) -> str:
    return str(contact["_id"])


@routes.post("/contacts/<id>/merge")
@needs("manager")
@routes.takes(MergeInput)
@routes.response(200, Merged)
def merge_contact(body: dict[str, Any], id: str) -> Document:
    """Merge this contact into another; its id answers 308 from then on, and every service follows"""
    return run(commands.merge_contact, id, into=body["into"], keep=body["keep"])


@routes.post("/contacts/<id>/merge/undo")
@needs("manager")
@routes.response(200, Unmerged)
def unmerge_contact(id: str) -> Document:
    """Take a merge back: the merged contact is one of its own again; what was changed since stays, and is told"""
    return run(undo_merge, id)
