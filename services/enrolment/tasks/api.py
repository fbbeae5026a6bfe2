"""/v1/tasks"""

from services.enrolment.correcting_routes import add_bulk, add_delete, add_revert
from services.enrolment.tasks import commands
from services.enrolment.tasks.schemas import Task, TaskInput, TaskQuery
from services.enrolment.tasks.store import TASKS
from shared.http.listing import Sort
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes

routes = Routes("tasks", __name__, url_prefix="/v1", description="What somebody is to do until when")

tasks = ResourceRoutes(routes=routes, path="/tasks", aggregate=TASKS, shown=Task)
tasks.create(TaskInput, commands.create_task, "Ask for something to be done")
tasks.list(
    TaskQuery,
    "List tasks",
    filters=["assignee", "state"],
    conditions={"about": lambda of: {"about.id": of}, "due_before": lambda day: {"due_on": {"$lt": day}}},
    sorts={"due_on": Sort("due_on")},
    counts=["state", "assignee"],
)
tasks.show("Show a task")
tasks.change(TaskInput, commands.change_task)
tasks.move(commands.move_task, "Finish, call off or take up a task")
tasks.history()
add_delete(tasks)
add_revert(tasks, TaskInput, commands.change_task)
add_bulk(tasks, TaskInput, commands.create_task, commands.change_task)
