"""/v1/organisations/{id}/succession"""

from typing import Any

from services.enrolment.succession import commands
from services.enrolment.succession.schemas import Succession, SuccessionInput
from shared.http.auth import needs
from shared.http.calls import run
from shared.http.routes import Routes
from shared.mongo.aggregates import Document

routes = Routes("succession", __name__, url_prefix="/v1", description="Organisations that go on as others")


@routes.post("/organisations/<id>/succession")
@needs("manager")
@routes.takes(SuccessionInput)
@routes.response(200, Succession)
def succeed_organisation(body: dict[str, Any], id: str) -> Document:
    """End an organisation; its successor goes on with its open enrolments, people and workshop days"""
    return run(commands.succeed, id, **body)
