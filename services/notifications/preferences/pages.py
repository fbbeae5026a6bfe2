"""The page on which one chooses which mail to get."""

from pathlib import Path
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from services.notifications.preferences.store import CHOICES
from shared.mongo.aggregates import Document
from shared.pages.rendering import render, see

WORDS = Path(__file__).parent / "words"


def preferences_page(own: Document, *, token: str) -> Response:
    """One's choices; by the link of a mail's List-Unsubscribe, first of all the way out of that kind of mail."""
    asked = request.args.get("choice")
    return render(
        "preferences/preferences.html",
        usual_language=own["language"],
        own=own,
        choices=CHOICES,
        asked=asked if asked in CHOICES and own[asked] else None,
        done="done" in request.args,
        token=token,
        errors={},
    )


def preferences_chosen(own: Document, *, token: str) -> AnyResponse:
    """On to the page, which shows what is chosen now."""
    return see("public.get_own_preferences", token=token, done="yes")


def chosen_in_form(form: dict[str, Any]) -> dict[str, bool]:
    """The choices of the page's own form, where a box that is not ticked is not sent."""
    return {choice: choice in form for choice in CHOICES}
