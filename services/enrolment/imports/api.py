"""/v1/imports"""

from typing import Any

from services.enrolment.imports.schemas import Import, ImportListQuery, Undone
from services.enrolment.imports.store import IMPORTS
from services.enrolment.imports.undo import undo_import
from shared.http.auth import needs
from shared.http.calls import run
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes

routes = Routes("imports", __name__, url_prefix="/v1", description="Tables that were imported, and taking one back")

imports = ResourceRoutes(routes=routes, path="/imports", aggregate=IMPORTS, shown=Import)
imports.list(ImportListQuery, "List imports", filters=["of", "state"], counts=["of", "state"])
imports.show("Show an import")
imports.history()


@routes.post("/imports/<id>/undo")
@needs("coordinator")
@routes.response(200, Undone)
def undo(id: str) -> Any:
    """Take a whole import back; what was changed or referred to since stays, and the answer says why"""
    return run(undo_import, id)
