"""/v1/contacts/{id}/preferences"""

from typing import Any

from services.notifications.preferences.commands import choose, preferences_of
from services.notifications.preferences.store import Preferences, PreferencesInput
from shared.http.calls import database, run, the
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.secrets import Secrets

routes = Routes("preferences", __name__, url_prefix="/v1", description="Which e-mails a contact wants")


@routes.get("/contacts/<id>/preferences")
@routes.answers(Preferences)
def get_preferences(id: str) -> Document:
    """Show what a contact wants to get"""
    return preferences_of(database(), the(Secrets), id)


@routes.put("/contacts/<id>/preferences")
@routes.takes(PreferencesInput)
@routes.answers(Preferences)
def put_preferences(body: dict[str, Any], id: str) -> Document:
    """Change what a contact wants to get (needs If-Match)"""
    return run(choose, the(Secrets), id, body)
