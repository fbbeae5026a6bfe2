"""The commands on tasks."""

from typing import Any

from services.enrolment.about import check_about
from services.enrolment.tasks.schemas import Task, TaskInput
from services.enrolment.tasks.store import TASKS, TaskDocument
from shared.merge_patch import patched
from shared.mongo.unit_of_work import UnitOfWork

INPUT, SHOWN = TaskInput(), Task()


def create_task(uow: UnitOfWork, fields: dict[str, Any]) -> TaskDocument:
    """A new open task. Raises Invalid and NotArrivedYet for an unknown subject."""
    check_about(uow, fields["about"])
    return uow.insert(TASKS, {**fields, "state": "open", "by": uow.cause.actor}, "task.created")


def change_task(uow: UnitOfWork, task_id: str, patch: dict[str, Any]) -> TaskDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, NotArrivedYet."""
    task = uow.get(TASKS, task_id)
    fields = patched(SHOWN.dump(task), patch, INPUT)
    check_about(uow, fields["about"])
    return uow.save(TASKS, task, fields, "task.updated")


def move_task(uow: UnitOfWork, task_id: str, *, to: str, reason: str | None) -> TaskDocument:
    """Finishes, calls off or takes up a task. Raises NotFound, Stale, IllegalTransition, Invalid."""
    return uow.transition(TASKS, uow.get(TASKS, task_id), to, reason=reason)
