"""/v1/webhooks"""

from typing import Any

import isodate

from services.notifications.webhook_settings import WebhookSettings
from services.notifications.webhooks import commands
from services.notifications.webhooks.addresses import Refused, resolve
from services.notifications.webhooks.schemas import (
    Call,
    CallQuery,
    Queued,
    Rotation,
    Webhook,
    WebhookInput,
    WebhookQuery,
    WebhookReplay,
    WebhookWithSecret,
)
from services.notifications.webhooks.signing import new_secret
from services.notifications.webhooks.store import CALLS, WEBHOOKS
from shared.errors import Invalid
from shared.http.auth import needs
from shared.http.calls import database, run, the
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page, page
from shared.schemas import patch_of
from shared.secrets import Secrets

routes = Routes("webhooks", __name__, url_prefix="/v1", description="Messages for systems that have no Kafka")

webhooks = ResourceRoutes(routes=routes, path="/webhooks", aggregate=WEBHOOKS, shown=Webhook)
webhooks.list(WebhookQuery, "List webhooks", filters=["state"])
webhooks.show("Show a webhook")
webhooks.move(commands.move_webhook, "Pause a webhook, or let it go on", role="manager")
webhooks.history()


@routes.post("/webhooks")
@needs("manager")
@routes.takes(WebhookInput)
@routes.answers(WebhookWithSecret, 201)
def create_webhook(body: dict[str, Any]) -> Document:
    """Post messages to a URL from now on; the answer has the secret, which is shown this once"""
    check_url(body["url"])
    return _with_secret(run(commands.create_webhook, body, sealed_secret=the(Secrets).seal(new_secret())))


@routes.patch("/webhooks/<id>")
@needs("manager")
@routes.takes(patch_of(WebhookInput))
@routes.answers(Webhook)
def change_webhook(body: dict[str, Any], id: str) -> Document:
    """Change a webhook (JSON merge patch; needs If-Match)"""
    if isinstance(body.get("url"), str):
        check_url(body["url"])
    changed: Document = run(commands.change_webhook, id, body)
    return changed


@routes.delete("/webhooks/<id>")
@needs("manager")
@routes.response(204)
def delete_webhook(id: str) -> None:
    """Post nothing more"""
    run(commands.delete_webhook, id)


@routes.post("/webhooks/<id>/rotate")
@needs("manager")
@routes.takes(Rotation)
@routes.answers(WebhookWithSecret)
def rotate_secret(body: dict[str, Any], id: str) -> Document:
    """Give it a new secret; the old one signs as well for a while"""
    sealed = the(Secrets).seal(new_secret())
    return _with_secret(
        run(commands.rotate_secret, id, sealed_secret=sealed, overlap=isodate.parse_duration(body["overlap"]))
    )


@routes.get("/webhooks/<id>/calls")
@routes.query(CallQuery)
@routes.lists(Call)
def list_calls(query: dict[str, Any], id: str) -> Page:
    """List its calls of the last seven days, newest first"""
    load_one(database(), WEBHOOKS, id)
    conditions: Document = {"webhook_id": id}
    if query.get("state"):
        conditions["state"] = {"$in": query["state"]}
    if query.get("message_id"):
        conditions["message_id"] = query["message_id"]
    return page(database(), CALLS, conditions, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])


@routes.post("/webhooks/<id>/replay")
@needs("manager")
@routes.takes(WebhookReplay)
@routes.response(202, Queued)
def replay(body: dict[str, Any], id: str) -> Document:
    """Call again what came since a moment, seven days back at most"""
    return run(commands.replay, id, since=body["since"])


@routes.post("/webhooks/<id>/ping")
@needs("coordinator")
@routes.response(202, Queued)
def ping(id: str) -> Document:
    """Call it with a message that says nothing; its log tells how that went"""
    return run(commands.ping, id)


def check_url(url: str) -> None:
    """Raises Invalid for a URL that webhooks must not have."""
    try:
        resolve(url, allowed=the(WebhookSettings).allowed)
    except Refused as refusal:
        raise Invalid({"url": [str(refusal)]}) from refusal


def _with_secret(webhook: Document) -> Document:
    return {**webhook, "secret": the(Secrets).unseal(webhook["secret_sealed"])}
