"""Takes an import back: what it created is deleted, what it updated gets its earlier values."""

from collections.abc import Mapping
from typing import Any

from services.enrolment.contacts.commands import restore_contact
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.deleting import remove
from services.enrolment.imports.domain import LIFECYCLE
from services.enrolment.imports.store import IMPORTS, ROWS
from services.enrolment.organisations.commands import restore_organisation
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.persons.deleting import remove_contact
from services.enrolment.references import references_to, sentence
from shared.errors import Conflict
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.journal import JOURNAL, state_in
from shared.mongo.unit_of_work import UnitOfWork

AGGREGATES: Mapping[str, Aggregate[Any]] = {each.collection: each for each in (ORGANISATIONS, CONTACTS)}
RESTORE = {ORGANISATIONS.collection: restore_organisation, CONTACTS.collection: restore_contact}
CHANGED = "somebody changed it since"


def undo_import(uow: UnitOfWork, import_id: str) -> Document:
    """How many documents were deleted and restored, and the rows that stay as they are, each with the reason.

    A document that anybody changed since the import stays; so does one that the import created and something refers to.
    Raises NotFound, Stale, Conflict for an import that was undone before or is too long ago.
    """
    record = uow.get(IMPORTS, import_id)
    LIFECYCLE.check(record["state"], "undone")
    rows = uow.find(ROWS, {"import_id": import_id}, sort=[("line", 1)])
    if not rows and record["created"] + record["updated"]:
        raise Conflict("This import is too long ago: what its rows did is not kept any more.")
    aggregate = AGGREGATES[record["of"]]
    found = uow.find(aggregate.collection, {"_id": {"$in": [row["of"] for row in rows]}})
    now = {document["_id"]: document for document in found}
    answer: Document = {"id": import_id, "deleted": 0, "restored": 0, "kept": []}
    created = [row["of"] for row in rows if row["from_version"] is None]
    referred = references_to(uow, aggregate.name, created)
    earlier = _earlier_states(uow, aggregate, rows)
    for row in rows:
        document, reason = now.get(row["of"]), f"Undoing of import {import_id}, line {row['line']}"
        if document is None:
            answer["kept"].append(_kept(row, "somebody deleted it since"))
        elif document["version"] != row["version"]:
            answer["kept"].append(_kept(row, CHANGED))
        elif row["of"] in referred:
            answer["kept"].append(_kept(row, sentence(aggregate.name, referred[row["of"]])))
        elif row["from_version"] is None:
            _delete(uow, aggregate, document)
            answer["deleted"] += 1
        elif row["of"] in earlier:
            RESTORE[record["of"]](uow, document, earlier[row["of"]], reason)
            answer["restored"] += 1
        else:
            answer["kept"].append(_kept(row, "its earlier state is not kept any more"))
    _say_who(uow, aggregate, [kept for kept in answer["kept"] if kept["why"] == CHANGED])
    uow.save(IMPORTS, record, {"state": "undone"}, "import.undone")
    return answer


def _earlier_states(uow: UnitOfWork, aggregate: Aggregate[Any], rows: list[Document]) -> dict[str, Document]:
    """The states before the import, by id, of those that it updated."""
    wanted = {row["of"]: row["from_version"] for row in rows if row["from_version"] is not None}
    found = uow.find(JOURNAL, {"of": {"$in": list(wanted)}, "kind": aggregate.name})
    states = {row["of"]: state_in(row) for row in found if row["version"] == wanted[row["of"]]}
    return {identifier: state for identifier, state in states.items() if state}


def _delete(uow: UnitOfWork, aggregate: Aggregate[Any], document: Document) -> None:
    if aggregate is CONTACTS:
        remove_contact(uow, document)  # type: ignore[arg-type]
    else:
        remove(uow, aggregate, document)


def _kept(row: Document, why: str) -> Document:
    return {"line": row["line"], "id": row["of"], "why": why, "by": None, "at": None}


def _say_who(uow: UnitOfWork, aggregate: Aggregate[Any], kept: list[Document]) -> None:
    """Adds who changed each of them last, and when."""
    theirs = {"of": {"$in": [each["id"] for each in kept]}, "kind": aggregate.name}
    shown = {"of": 1, "by": 1, "at": 1}
    last = {row["of"]: row for row in uow.find(JOURNAL, theirs, projection=shown, sort=[("_id", 1)])} if kept else {}
    for each in kept:
        each |= {name: last[each["id"]][name] for name in ("by", "at") if each["id"] in last}
