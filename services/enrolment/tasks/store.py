"""The collection of tasks."""

from datetime import datetime
from typing import TypedDict

from pymongo import IndexModel

from services.enrolment.tasks.domain import LIFECYCLE
from services.enrolment.tasks.schemas import TaskTold
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate


class TaskDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    state: str
    about: dict[str, str]
    title: str
    assignee: str | None
    due_on: str | None
    by: str


TASKS: Aggregate[TaskDocument] = Aggregate(
    name="task",
    collection="tasks",
    source="/uso/enrolment",
    topic="uso.enrolment.tasks.v1",
    message_types={"task.created": Change, "task.updated": Change, "task.transitioned": Transition},
    schema=TaskTold,
    lifecycle=LIFECYCLE,
    indexes=[
        IndexModel([("about.id", 1), ("_id", 1)], name="about"),
        IndexModel([("about.id", 1), ("updated_at", -1), ("_id", -1)], name="timeline"),
        IndexModel([("assignee", 1), ("state", 1), ("_id", 1)], name="assignee"),
        IndexModel([("state", 1), ("due_on", 1), ("_id", 1)], name="state"),
        IndexModel([("due_on", 1), ("_id", 1)], name="due_on"),
    ],
)
