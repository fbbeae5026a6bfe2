"""/v1/contacts/{id}/explain"""

from typing import Any

from services.notifications.explanations.explain import explain
from services.notifications.explanations.schemas import ExplainQuery, Explanation
from services.notifications.sending.decisions import Decision, decide
from services.notifications.settings import RecipientSettings
from shared.http.calls import database, the
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.secrets import Secrets

routes = Routes("explanations", __name__, url_prefix="/v1", description="Why somebody got something, or did not")


@routes.get("/contacts/<id>/explain")
@routes.query(ExplainQuery)
@routes.response(200, Explanation(many=True))
def explain_contact(query: dict[str, Any], id: str) -> list[Document]:
    """Explain why a contact did, did not, or would now get something"""
    return explain(database(), _decide, id, event_id=query.get("event_id"), template=query.get("template"))


def _decide(delivery: Document) -> Decision:
    return decide(database(), the(Secrets), [delivery], the(RecipientSettings).allow_list)(delivery)
