"""What a change of a contact's organisation, role or title does to its positions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.enrolment.positions.domain import moved_to, next_change
from shared.ids import new_id
from shared.mongo.aggregates import Document


def positions_after(contact: Mapping[str, Any], fields: Document, now: datetime) -> Document:
    """The positions where `fields` give the contact another organisation, role or title; nothing where they do not."""
    day = now.date().isoformat()
    positions = moved_to(contact, fields, day)
    if positions is None:
        return {}
    identified = [{"id": new_id(), **position} for position in positions]
    return {"positions": identified, "positions_change_on": next_change(identified, day)}
