"""/v1/erasures, and /v1/contacts/{id}/erasure"""

from typing import Any

from services.enrolment.erasures import commands
from services.enrolment.erasures.schemas import Erasure, ErasureInput, ErasureQuery
from services.enrolment.erasures.store import ERASURES, ErasureDocument
from shared.http.auth import needs
from shared.http.calls import run
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes

routes = Routes("erasures", __name__, url_prefix="/v1", description="People who are forgotten, and who has done so")

erasures = ResourceRoutes(routes=routes, path="/erasures", aggregate=ERASURES, shown=Erasure)
erasures.list(
    ErasureQuery,
    "List erasures",
    filters=["state"],
    conditions={"contact_id": lambda of: {"contact_ids": of}},
    counts=["state"],
)
erasures.show("Show an erasure, and which services have done it")
erasures.history()


@routes.post("/contacts/<id>/erasure")
@needs("manager")
@routes.takes(ErasureInput)
@routes.answers(Erasure, 202)
def erase_contact(body: dict[str, Any], id: str) -> ErasureDocument:
    """Erase a person in every service and on the contacts topic; there is no way back"""
    return run(commands.erase_contact, id, reason=body.get("reason"))
