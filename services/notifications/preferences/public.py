"""/public/preferences/{token}: one's own choices, by the signed link that stands in an e-mail."""

from typing import Any

from flask import request
from marshmallow import ValidationError

from services.notifications.preferences.commands import choose, preferences_of
from services.notifications.preferences.store import (
    CHOICES,
    PREFERENCES_LINK,
    OwnPreferences,
    OwnPreferencesInput,
    OwnPreferencesQuery,
)
from shared.errors import Invalid
from shared.http.auth import open_to_all
from shared.http.bodies import json_object
from shared.http.calls import request_cause
from shared.http.limits import Bucket, limited
from shared.http.media import takes_media
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import IF_MATCH_ANY
from shared.schemas import flatten_errors
from shared.secrets import Secrets

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_INPUT = OwnPreferencesInput()


def routes(db: Database, secrets: Secrets) -> Routes:
    """What needs no token of ours."""
    blueprint = Routes("public", __name__, url_prefix="/public", description="For people without a token")
    reading, writing = Bucket(burst=120, per_second=2), Bucket(burst=60, per_second=1)

    @blueprint.route("/preferences/<token>", methods=["GET"])
    @open_to_all
    @limited(reading)
    @blueprint.query(OwnPreferencesQuery)
    @blueprint.response(200, OwnPreferences)
    def get_own_preferences(query: dict[str, Any], token: str) -> Document:
        """Show which e-mails one gets"""
        return preferences_of(db, secrets.unsign(PREFERENCES_LINK, token))

    @blueprint.route("/preferences/<token>", methods=["POST"])
    @open_to_all
    @takes_media("application/json", FORM, MULTIPART)
    @limited(writing)
    @blueprint.query(OwnPreferencesQuery)
    @blueprint.response(200, OwnPreferences)
    def choose_for_oneself(query: dict[str, Any], token: str) -> Document:
        """Choose which e-mails one gets, or unsubscribe with one click (RFC 8058)"""
        contact_id = secrets.unsign(PREFERENCES_LINK, token)
        choices = wanted(_body(), query.get("choice"))
        return choose(db, request_cause(), contact_id, choices, if_match=IF_MATCH_ANY)

    return blueprint


def wanted(body: dict[str, Any], choice: str | None) -> dict[str, bool]:
    """The choices that a body makes. One click says no to `choice`, or to everything without one."""
    try:
        given = _INPUT.load(body)
    except ValidationError as error:
        raise Invalid(flatten_errors(error.messages)) from error
    if given.pop("one_click", None):
        return {choice: False} if choice else dict.fromkeys(CHOICES, False)
    if not given:
        raise Invalid({"": [f"Say true or false for at least one of {', '.join(CHOICES)}."]})
    return dict(given)


def _body() -> dict[str, Any]:
    return dict(request.form) if request.mimetype in (FORM, MULTIPART) else json_object()
