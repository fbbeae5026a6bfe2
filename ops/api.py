"""/v1/ops, the same in every service: for the role `operator`, who sees nothing personal."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ops import schemas
from ops.context import OpsContext
from ops.dead_letters import discard, filters, load_letter, redrive
from ops.jobs import ask, load
from ops.lag import lag
from ops.masking import show_letter
from ops.outbox import outbox
from ops.store import AUDIT, JOBS
from ops.topics import topics
from shared.errors import Invalid
from shared.http.auth import needs
from shared.http.calls import once, request_cause
from shared.http.routes import Routes
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import DEAD_LETTERS, SEEN_KEPT
from shared.mongo.paging import Page, page
from shared.schemas import PageQuery, instant_text

operator = needs("operator")


def routes(operated: OpsContext) -> Routes:
    """The operator's part of a service's HTTP interface."""
    blueprint = Routes("ops", __name__, url_prefix="/v1/ops", description="For the person who runs it")
    _add_views(blueprint, operated)
    _add_letters(blueprint, operated)
    _add_jobs(blueprint, operated)
    return blueprint


def _add_views(blueprint: Routes, operated: OpsContext) -> None:
    db = operated.db

    @blueprint.route("/lag", methods=["GET"])
    @operator
    @blueprint.answers(schemas.LagList)
    def show_lag() -> Document:
        """How far each subscribed topic has been handled"""
        return {"items": lag(operated)}

    @blueprint.route("/outbox", methods=["GET"])
    @operator
    @blueprint.answers(schemas.Outbox)
    def show_outbox() -> Document:
        """What waits for the relay, and which relay leads"""
        return outbox(db, operated.service)

    @blueprint.route("/topics", methods=["GET"])
    @operator
    @blueprint.answers(schemas.TopicShownList)
    def show_topics() -> Document:
        """Which topics should be there, and which are"""
        return {"items": topics(operated)}

    @blueprint.route("/projections", methods=["GET"])
    @operator
    @blueprint.answers(schemas.ProjectionList)
    def list_projections() -> Document:
        """The copies of other services' things"""
        return {
            "items": [
                {
                    "name": name,
                    "topic": topic,
                    "documents": db[name].estimated_document_count(),
                    "last_rebuild": db[JOBS].find_one({"kind": "rebuild", "of": name}, sort=[("_id", -1)]),
                }
                for name, (topic, _) in sorted(operated.projections.items())
            ]
        }

    @blueprint.route("/audit", methods=["GET"])
    @operator
    @blueprint.query(PageQuery)
    @blueprint.lists(schemas.AuditEntry)
    def list_audit(query: dict[str, Any]) -> Page:
        """Who did what and why, newest first"""
        return page(db, AUDIT, {}, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])


def _add_letters(blueprint: Routes, operated: OpsContext) -> None:
    db = operated.db

    @blueprint.route("/dead-letters", methods=["GET"])
    @operator
    @blueprint.query(schemas.LetterQuery)
    @blueprint.lists(schemas.Letter)
    def list_letters(query: dict[str, Any]) -> Page:
        """What could not be handled, oldest first"""
        wanted = filters(**{name: query.get(name) for name in ("state", "topic", "error")})
        found = page(db, DEAD_LETTERS, wanted, limit=query["limit"], cursor=query["cursor"])
        return replace(found, items=[show_letter(letter) for letter in found.items])

    @blueprint.route("/dead-letters/<id>", methods=["GET"])
    @operator
    @blueprint.answers(schemas.WholeLetter)
    def get_letter(id: str) -> Document:
        """Where it came from, what went wrong, and its form"""
        return show_letter(load_letter(db, id), whole=True)

    @blueprint.route("/dead-letters/<id>/redrive", methods=["POST"])
    @operator
    @blueprint.takes(schemas.Reason)
    @blueprint.answers(schemas.WholeLetter)
    def redrive_letter(body: dict[str, Any], id: str) -> Document:
        """Apply the message again: `redriven`, or still `dead` with the new reason"""
        return redrive(operated, request_cause(), id, reason=body.get("reason"), once=once())

    @blueprint.route("/dead-letters/<id>/discard", methods=["POST"])
    @operator
    @blueprint.takes(schemas.DiscardInput)
    @blueprint.answers(schemas.WholeLetter)
    def discard_letter(body: dict[str, Any], id: str) -> Document:
        """Set it aside for good, and forget its content"""
        return discard(db, request_cause(), id, reason=body["reason"], once=once())

    @blueprint.route("/dead-letters/redrive", methods=["POST"])
    @operator
    @blueprint.takes(schemas.RedriveInput)
    @blueprint.answers(schemas.Job, 202)
    def redrive_letters(body: dict[str, Any]) -> Document:
        """Apply all dead letters again, or those of a topic or an error"""
        wanted: dict[str, str] = {name: body[name] for name in ("topic", "error") if name in body}
        return ask(
            db, request_cause(), "redrive", of="dead letters", wanted=wanted, reason=body.get("reason"), once=once()
        )


def _add_jobs(blueprint: Routes, operated: OpsContext) -> None:
    db = operated.db

    @blueprint.route("/projections/<name>/rebuild", methods=["POST"])
    @operator
    @blueprint.takes(schemas.Reason)
    @blueprint.answers(schemas.Job, 202)
    def rebuild_projection(body: dict[str, Any], name: str) -> Document:
        """Read a copy anew from its topic while the old one serves"""
        operated.copy(name)
        return ask(db, request_cause(), "rebuild", of=name, reason=body.get("reason"), once=once())

    @blueprint.route("/replay", methods=["POST"])
    @operator
    @blueprint.takes(schemas.ReplayInput)
    @blueprint.answers(schemas.Job, 202)
    def replay_topic(body: dict[str, Any]) -> Document:
        """Hand a topic's messages since some instant to the service's handlers again"""
        if body["topic"] not in operated.subscriptions:
            raise Invalid({"topic": [f"This service reads {', '.join(sorted(operated.subscriptions))}."]})
        earliest = utc_now() - SEEN_KEPT
        if body["from_"] < earliest:
            raise Invalid(
                {"from": [f"What was seen before {instant_text(earliest)} is forgotten: it would act twice."]}
            )
        wanted = {"from": instant_text(body["from_"])}
        return ask(
            db, request_cause(), "replay", of=body["topic"], wanted=wanted, reason=body.get("reason"), once=once()
        )

    @blueprint.route("/check", methods=["POST"])
    @operator
    @blueprint.takes(schemas.CheckInput)
    @blueprint.answers(schemas.Job, 202)
    def check_projections(body: dict[str, Any]) -> Document:
        """Compare the copies with their topics"""
        name = body.get("projection", "all")
        if name != "all":
            operated.copy(name)
        return ask(db, request_cause(), "check", of=name, reason=body.get("reason"), once=once())

    for kind in ("rebuild", "replay", "check", "redrive"):
        blueprint.route(f"/{kind}s/<id>", methods=["GET"], endpoint=f"get_{kind}")(_job_view(blueprint, operated, kind))


def _job_view(blueprint: Routes, operated: OpsContext, kind: str) -> Callable[..., Any]:
    @operator
    @blueprint.answers(schemas.Job)
    def get_job(id: str) -> Document:
        return load(operated.db, kind, id)

    get_job.__doc__ = f"How far a {kind} has come"
    return get_job
