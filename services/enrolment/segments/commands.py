"""The commands of staff on segments."""

from typing import Any

from services.enrolment.segments.schemas import SegmentInput
from services.enrolment.segments.store import SEGMENTS, SegmentDocument
from shared.merge_patch import patched
from shared.mongo.unit_of_work import UnitOfWork

INPUT = SegmentInput()


def create_segment(uow: UnitOfWork, fields: dict[str, Any]) -> SegmentDocument:
    """A new segment. Raises Conflict when its name is taken."""
    return uow.insert(SEGMENTS, fields, "segment.created")


def change_segment(uow: UnitOfWork, segment_id: str, patch: dict[str, Any]) -> SegmentDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, or Conflict when the name is taken."""
    segment = uow.get(SEGMENTS, segment_id)
    return uow.save(SEGMENTS, segment, patched(SEGMENTS.to_public(segment), patch, INPUT), "segment.updated")
