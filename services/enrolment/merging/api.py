"""/v1/contacts/duplicates and /v1/contacts/{id}/merge"""

from collections.abc import Mapping
from typing import Any

from services.enrolment.contacts.similar import pairs
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.contacts.warnings import NAMES
from services.enrolment.merging import commands
from services.enrolment.merging.schemas import Duplicate, DuplicatesQuery, Merged, MergeInput
from shared.http.auth import needs
from shared.http.calls import database, run
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.mongo.paging import wrong_cursor

routes = Routes("merging", __name__, url_prefix="/v1", description="Contacts that are one person")


@routes.get("/contacts/duplicates")
@routes.query(DuplicatesQuery)
@routes.lists(Duplicate)
def list_duplicates(query: dict[str, Any]) -> Document:
    """List pairs of contacts that are likely one person, the likeliest first; merged ones leave the list"""
    if query["cursor"]:
        raise wrong_cursor()  # all pairs are one page
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
    found.sort(key=lambda pair: (-pair["score"], *map(_id, pair["contacts"])))
    return {"items": found[: query["limit"]], "next_cursor": None}


def _id(contact: Mapping[str, Any]) -> str:
    return str(contact["_id"])


@routes.post("/contacts/<id>/merge")
@needs("manager")
@routes.takes(MergeInput)
@routes.response(200, Merged)
def merge_contact(body: dict[str, Any], id: str) -> Document:
    """Merge this contact into another; its id answers 308 from then on, and every service follows"""
    return run(commands.merge_contact, id, into=body["into"], keep=body["keep"])
