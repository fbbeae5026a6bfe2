"""The shapes of a task at HTTP and in messages."""

from marshmallow import fields

from services.enrolment.about import About
from services.enrolment.tasks.domain import LIFECYCLE
from shared.schemas import Day, Id, Line, PageQuery, Resource, Strict, one_of


class TaskInput(Strict):
    """A task: its title, the person who does it, its subject and its due day."""

    about = fields.Nested(About, required=True)
    title = Line(required=True)
    assignee = Line(metadata={"description": "the `sub` of the member of staff who is to do it"})
    due_on = Day()


class Task(TaskInput, Resource):
    """A task as staff see it."""

    state = one_of(*LIFECYCLE.states, required=True)
    by = fields.String(required=True, metadata={"description": "the `sub` of the member of staff who asked for it"})


class TaskTold(Resource):
    """A task as messages tell it: its title stays inside, since it may name people."""

    about = fields.Nested(About, required=True)
    assignee = fields.String(allow_none=True)
    due_on = fields.String(allow_none=True)
    state = one_of(*LIFECYCLE.states, required=True)


class TaskQuery(PageQuery):
    about = Id(metadata={"description": "the id of the thing that it is about"})
    assignee = Line()
    state = one_of(*LIFECYCLE.states)
    due_before = Day(metadata={"description": "due before that day"})
