"""The commands on announcements."""

from typing import Any

from services.notifications.announcements.domain import check_can_be_changed, check_is_for_people
from services.notifications.announcements.saved_segments import check_name
from services.notifications.announcements.schemas import AnnouncementInput
from services.notifications.announcements.store import ANNOUNCEMENTS, AnnouncementDocument
from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import Because, NewDelivery
from shared.ids import new_id
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

INPUT = AnnouncementInput()
NOT_BEGUN = {"started_at": None, "finished_at": None, "recipients": None}


def create_announcement(uow: UnitOfWork, fields: dict[str, Any]) -> AnnouncementDocument:
    """A new draft. Raises NotArrivedYet for a saved segment that is unknown."""
    check_name(uow, fields["segment"])
    return uow.insert(ANNOUNCEMENTS, {**fields, **NOT_BEGUN, "state": "draft"}, "announcement.created")


def change_announcement(uow: UnitOfWork, announcement_id: str, patch: dict[str, Any]) -> AnnouncementDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, NotArrivedYet, or Conflict once it is being sent."""
    announcement = uow.get(ANNOUNCEMENTS, announcement_id)
    check_can_be_changed(announcement)
    fields = patched(INPUT.dump(announcement), patch, INPUT)
    check_name(uow, fields["segment"])
    return uow.save(ANNOUNCEMENTS, announcement, fields, "announcement.updated")


def move_announcement(uow: UnitOfWork, announcement_id: str, *, to: str, reason: str | None) -> AnnouncementDocument:
    """Moves an announcement to its next state. Raises NotFound, Stale, IllegalTransition."""
    announcement = uow.get(ANNOUNCEMENTS, announcement_id)
    check_is_for_people(to)
    begins = to == "sending" and announcement["started_at"] is None
    changes: Document = {"started_at": uow.now} if begins else {}
    if to == "cancelled":
        changes["finished_at"] = uow.now
    return uow.transition(ANNOUNCEMENTS, announcement, to, reason=reason, changes=changes)


def send_test(uow: UnitOfWork, announcement_id: str, *, sealed_address: str, language: str | None) -> Document:
    """A test mail with the present text, to an address that staff name. Progress leaves it out. Raises NotFound."""
    announcement = uow.get(ANNOUNCEMENTS, announcement_id)
    new = NewDelivery(
        template="announcement",
        because=Because(rule="announcement_test", actor=uow.cause.actor),
        dedup_key=f"announcement_test:{announcement_id}:{new_id()}",
        language=language,
        announcement_id=announcement["_id"],
        personalisation={"test_to": sealed_address},
    )
    (delivery,) = add_deliveries(uow, [(uow.cause, new)])
    return {"delivery_id": delivery["_id"]}
