"""The commands on notes."""

from typing import Any

from services.enrolment.about import check_about
from services.enrolment.notes.schemas import NoteInput
from services.enrolment.notes.store import NOTES, NoteDocument
from shared.merge_patch import patched
from shared.mongo.unit_of_work import UnitOfWork

INPUT = NoteInput()


def create_note(uow: UnitOfWork, fields: dict[str, Any]) -> NoteDocument:
    """A new note in the caller's name. Raises Invalid and NotArrivedYet for an unknown subject."""
    check_about(uow, fields["about"])
    return uow.insert(NOTES, {**fields, "by": uow.cause.actor}, "note.created")


def change_note(uow: UnitOfWork, note_id: str, patch: dict[str, Any]) -> NoteDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, NotArrivedYet."""
    note = uow.get(NOTES, note_id)
    fields = patched(NOTES.to_public(note), patch, INPUT)
    check_about(uow, fields["about"])
    return uow.save(NOTES, note, fields, "note.updated")
