"""/v1/ops, the same in every service, for the role `operator`. It shows no personal data."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ops import schemas
from ops.context import OpsContext
from ops.dead_letters import discard, filters, load_dead_letter, redrive
from ops.doctor import check_up
from ops.jobs import KINDS, enqueue, load
from ops.lag import lag
from ops.outbox import outbox, skip_row
from ops.own import OWN
from ops.redaction import show_dead_letter
from ops.store import AUDIT, JOBS
from ops.topics import topics
from shared.errors import Invalid
from shared.http.auth import needs
from shared.http.calls import database, idempotency_key, request_cause, run, the
from shared.http.routes import Routes
from shared.ids import utc_now
from shared.instants import instant_text
from shared.mongo.aggregates import Document
from shared.mongo.database import DEAD_LETTERS, SEEN_KEPT
from shared.mongo.paging import Page, page
from shared.schemas import PageQuery

routes = Routes("ops", __name__, url_prefix="/v1/ops", description="For the person who runs the service")
operator = needs("operator")


@routes.get("/lag")
@operator
@routes.answers(schemas.LagList)
def show_lag() -> Document:
    """Show how far each subscribed topic has been handled"""
    return {"items": lag(the(OpsContext))}


@routes.get("/outbox")
@operator
@routes.answers(schemas.Outbox)
def show_outbox() -> Document:
    """Show how many messages wait for the relay, and which relay leads"""
    return outbox(database(), the(OpsContext).service)


@routes.post("/outbox/<id>/skip")
@operator
@routes.takes(schemas.DiscardInput)
@routes.answers(schemas.UnsendableRow)
def skip_unsendable_row(body: dict[str, Any], id: str) -> Document:
    """Let the relay go on without a row that is too large for Kafka; it stays in the history"""
    return run(skip_row, id, reason=body["reason"])


@routes.get("/topics")
@operator
@routes.answers(schemas.TopicShownList)
def show_topics() -> Document:
    """Show the topics that should exist and those that do"""
    return {"items": topics(the(OpsContext))}


@routes.get("/doctor")
@operator
@routes.answers(schemas.Checkup)
def show_checkup() -> Document:
    """Examine the service, its topics and its databases: the problems, and what to do"""
    return check_up(the(OpsContext))


@routes.get("/projections")
@operator
@routes.answers(schemas.ProjectionList)
def list_projections() -> Document:
    """List the projections of other services' aggregates"""
    return {
        "items": [
            {
                "name": name,
                "topic": topic,
                "documents": database()[name].estimated_document_count(),
                "last_rebuild": database()[JOBS].find_one({"kind": "rebuild", "of": name}, sort=[("_id", -1)]),
            }
            for name, (topic, _) in sorted(the(OpsContext).projections.items())
        ]
    }


@routes.get("/aggregates")
@operator
@routes.answers(schemas.PublishedAggregateList)
def list_aggregates() -> Document:
    """List the aggregates that the service publishes, by the names that a republish takes"""
    published = [each for each in the(OpsContext).aggregates if each.topic is not None]
    return {"items": [{"name": each.name, "topic": each.topic} for each in published]}


@routes.get("/audit")
@operator
@routes.query(PageQuery)
@routes.lists(schemas.AuditEntry)
def list_audit(query: dict[str, Any]) -> Page:
    """List who did what and why, newest first"""
    return page(database(), AUDIT, {}, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])


@routes.get("/dead-letters")
@operator
@routes.query(schemas.DeadLetterQuery)
@routes.lists(schemas.DeadLetter)
def list_dead_letters(query: dict[str, Any]) -> Page:
    """List the messages that could not be handled, oldest first"""
    wanted = filters(**{name: query.get(name) for name in ("state", "topic", "error")})
    found = page(database(), DEAD_LETTERS, wanted, limit=query["limit"], cursor=query["cursor"])
    return replace(found, items=[show_dead_letter(letter) for letter in found.items])


@routes.get("/dead-letters/<id>")
@operator
@routes.answers(schemas.WholeDeadLetter)
def get_dead_letter(id: str) -> Document:
    """Show where a dead letter came from, what went wrong, and its redacted content"""
    return show_dead_letter(load_dead_letter(database(), id), whole=True)


@routes.post("/dead-letters/<id>/redrive")
@operator
@routes.takes(schemas.Reason)
@routes.answers(schemas.WholeDeadLetter)
def redrive_dead_letter(body: dict[str, Any], id: str) -> Document:
    """Apply the message again: `redriven`, or still `dead` with the new reason"""
    return redrive(the(OpsContext), request_cause(), id, reason=body.get("reason"), key=idempotency_key())


@routes.post("/dead-letters/<id>/discard")
@operator
@routes.takes(schemas.DiscardInput)
@routes.answers(schemas.WholeDeadLetter)
def discard_dead_letter(body: dict[str, Any], id: str) -> Document:
    """Set a dead letter aside for good, and forget its content"""
    return run(discard, id, reason=body["reason"])


@routes.post("/dead-letters/redrive")
@operator
@routes.takes(schemas.RedriveInput)
@routes.answers(schemas.Job, 202)
def redrive_dead_letters(body: dict[str, Any]) -> Document:
    """Apply all dead letters again, or those of a topic or an error"""
    wanted: dict[str, str] = {name: body[name] for name in ("topic", "error") if name in body}
    return run(enqueue, "redrive", of="dead letters", wanted=wanted, reason=body.get("reason"))


@routes.post("/projections/<name>/rebuild")
@operator
@routes.takes(schemas.RebuildInput)
@routes.answers(schemas.Job, 202)
def rebuild_projection(body: dict[str, Any], name: str) -> Document:
    """Read a projection anew from its topic while the old one serves"""
    the(OpsContext).projection(name)
    wanted = {"accept_loss": True} if body["accept_loss"] else {}
    return run(enqueue, "rebuild", of=name, wanted=wanted, reason=body.get("reason"))


@routes.post("/replay")
@operator
@routes.takes(schemas.ReplayInput)
@routes.answers(schemas.Job, 202)
def replay_topic(body: dict[str, Any]) -> Document:
    """Hand a topic's messages since some instant to the service's handlers again"""
    subscribed = the(OpsContext).subscriptions
    if body["topic"] not in subscribed:
        raise Invalid({"topic": [f"This service reads {', '.join(sorted(subscribed))}."]})
    earliest = utc_now() - SEEN_KEPT
    if body["from_"] < earliest:
        raise Invalid({"from": [f"What was seen before {instant_text(earliest)} is forgotten: it would act twice."]})
    wanted = {"from": instant_text(body["from_"])}
    return run(enqueue, "replay", of=body["topic"], wanted=wanted, reason=body.get("reason"))


@routes.post("/republish")
@operator
@routes.takes(schemas.RepublishInput)
@routes.answers(schemas.Job, 202)
def republish_aggregates(body: dict[str, Any]) -> Document:
    """Send the present state of all aggregates of a kind, and the tombstones of the erased, once more"""
    the(OpsContext).aggregate(body["aggregate"])
    return run(enqueue, "republish", of=body["aggregate"], reason=body.get("reason"))


@routes.post("/check")
@operator
@routes.takes(schemas.CheckInput)
@routes.answers(schemas.Job, 202)
def check_projections(body: dict[str, Any]) -> Document:
    """Compare the projections with their topics, or what the service itself publishes"""
    name = OWN if body["own"] else body.get("projection", "all")
    if name not in ("all", OWN):
        the(OpsContext).projection(name)
    return run(enqueue, "check", of=name, reason=body.get("reason"))


def _job_view(kind: str) -> Callable[..., Any]:
    @operator
    @routes.answers(schemas.Job)
    def get_job(id: str) -> Document:
        return load(database(), kind, id)

    get_job.__doc__ = f"Show how far a {kind} has come"
    return get_job


for job_kind, plural in KINDS.items():
    routes.get(f"/{plural}/<id>", endpoint=f"get_{job_kind}")(_job_view(job_kind))
