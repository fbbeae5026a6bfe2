"""/v1/contacts/{id}/preferences"""

from typing import Any

from services.notifications.preferences.commands import choose, preferences_of
from services.notifications.preferences.store import Preferences, PreferencesInput
from shared.http.calls import if_match, request_cause, required_match
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.mongo.database import Database


def routes(db: Database) -> Routes:
    """The preferences' part of the service's HTTP interface."""
    blueprint = Routes("preferences", __name__, url_prefix="/v1", description="Which e-mails a contact wants")

    @blueprint.route("/contacts/<id>/preferences", methods=["GET"])
    @blueprint.answers(Preferences)
    def get_preferences(id: str) -> Document:
        """Show what a contact wants to get"""
        return preferences_of(db, id)

    @blueprint.route("/contacts/<id>/preferences", methods=["PUT"])
    @blueprint.takes(PreferencesInput)
    @blueprint.answers(Preferences)
    def put_preferences(body: dict[str, Any], id: str) -> Document:
        """Change what a contact wants to get (needs If-Match)"""
        return choose(db, request_cause(), id, body, if_match=required_match(if_match()))

    return blueprint
