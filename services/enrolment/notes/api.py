"""/v1/notes"""

from services.enrolment.correcting_routes import add_delete, add_revert
from services.enrolment.notes import commands
from services.enrolment.notes.schemas import Note, NoteInput, NoteQuery
from services.enrolment.notes.store import NOTES
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes

routes = Routes("notes", __name__, url_prefix="/v1", description="What staff write down about whom or what")

notes = ResourceRoutes(routes=routes, path="/notes", aggregate=NOTES, shown=Note)
notes.create(NoteInput, commands.create_note, "Write a note")
notes.list(NoteQuery, "List notes", conditions={"about": lambda of: {"about.id": of}})
notes.show("Show a note")
notes.change(NoteInput, commands.change_note)
notes.history()
add_delete(notes)
add_revert(notes, NoteInput, commands.change_note)
