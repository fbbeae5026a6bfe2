"""/public/preferences/{token}: one's own choices, by the signed link that stands in an e-mail."""

from typing import Any

from flask import request
from marshmallow import ValidationError

from services.notifications.preferences import pages
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
from shared.http.calls import database, run, the
from shared.http.limits import Bucket, limited
from shared.http.media import takes_any_media
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.pages.forms import page
from shared.schemas import flatten_errors
from shared.secrets import Secrets

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
NOTHING = dict.fromkeys(CHOICES, False)
_INPUT = OwnPreferencesInput()

routes = Routes(
    "public", __name__, url_prefix="/public", description="For people without a token", template_folder="templates"
)
reading, writing = Bucket(burst=120, per_second=2), Bucket(burst=60, per_second=1)


@routes.get("/preferences/<token>")
@open_to_all
@limited(reading)
@routes.query(OwnPreferencesQuery)
@routes.response(200, OwnPreferences)
@page(pages.preferences_page)
def get_own_preferences(query: dict[str, Any], token: str) -> Document:
    """Show which e-mails one gets"""
    return preferences_of(database(), the(Secrets), the(Secrets).unsign(PREFERENCES_LINK, token))


@routes.post("/preferences/<token>")
@open_to_all
@takes_any_media
@limited(writing)
@routes.query(OwnPreferencesQuery)
@routes.response(200, OwnPreferences)
@page(pages.preferences_chosen)
def choose_for_oneself(query: dict[str, Any], token: str) -> Document:
    """Choose which e-mails one gets, or unsubscribe with one click (RFC 8058)

    Any POST to the address in a mail's List-Unsubscribe unsubscribes, with any body: mail programs send different
    bodies, and show no answer to the person.
    """
    name = the(Secrets).unsign(PREFERENCES_LINK, token)
    return run(choose, the(Secrets), name, wanted(query.get("choice")))


def wanted(choice: str | None) -> dict[str, bool]:
    """The choices that this request makes. One click says no to `choice`, or to all mails without `choice`."""
    if request.mimetype == "application/json":
        return _chosen(json_object())
    form = dict(request.form) if request.mimetype in FORMS else {}
    if choice:
        return {choice: False}
    if any(name.strip() == "List-Unsubscribe" for name in form):
        return NOTHING
    if "save" in form:
        return pages.chosen_in_form(form)
    return _chosen(form)


def _chosen(body: dict[str, Any]) -> dict[str, bool]:
    try:
        given = _INPUT.load(body)
    except ValidationError as error:
        raise Invalid(flatten_errors(error.messages)) from error
    if given.pop("one_click", None):
        return NOTHING
    if not given:
        raise Invalid({"": [f"Say true or false for at least one of {', '.join(CHOICES)}."]})
    return dict(given)
