"""Further routes of enrolment's resources: deleting, taking one change back, and many rows at once."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Concatenate

from marshmallow import Schema, ValidationError, fields, validate

from services.enrolment.deleting import delete
from services.enrolment.reverting import revert
from shared.errors import Invalid, Problem
from shared.http.auth import needs
from shared.http.calls import database, idempotency_key, request_cause, run
from shared.http.resource_routes import ResourceRoutes
from shared.mongo.aggregates import Document
from shared.mongo.idempotency import IdempotencyKey, find_outcome, replay
from shared.mongo.unit_of_work import IfMatch, UnitOfWork
from shared.schemas import Id, Strict, flatten_errors

Command = Callable[Concatenate[UnitOfWork, ...], Any]
# Each row is a transaction of some ten milliseconds: an answer within two seconds or three.
MOST_ROWS = 200


class BulkRow(Strict):
    """A new resource, or with `id` a merge patch of one; with `version` only while it has that version."""

    id = Id()
    version = fields.Integer(validate=validate.Range(min=1, max=2**53))
    fields_ = fields.Dict(
        keys=fields.String(), data_key="fields", required=True, metadata={"description": "as in POST, or as in PATCH"}
    )


class BulkInput(Strict):
    rows = fields.List(fields.Nested(BulkRow), required=True, validate=validate.Length(min=1, max=MOST_ROWS))


class BulkResult(Schema):
    """What became of a row; `status` is what its own POST or PATCH would have answered."""

    index = fields.Integer(required=True)
    status = fields.Integer(required=True)
    id = fields.String(allow_none=True, required=True)
    version = fields.Integer(allow_none=True, required=True)
    detail = fields.String(allow_none=True, required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class BulkAnswer(Schema):
    results = fields.List(fields.Nested(BulkResult), required=True)


def add_delete(resource: ResourceRoutes, command: Command | None = None) -> None:
    """`DELETE {path}/{id}`: what was made by mistake, while nothing refers to it; 409 names what does."""
    aggregate = resource.aggregate

    @resource.routes.delete(f"{resource.path}/<id>", endpoint=f"delete_{aggregate.name}")
    @needs("coordinator")
    @resource.routes.response(204)
    def delete_one(id: str) -> None:
        if command is None:
            run(delete, aggregate, id)
        else:
            run(command, id)

    delete_one.__doc__ = f"Delete what was made by mistake: no {aggregate.name} that anything refers to"


def add_revert(resource: ResourceRoutes, body: type[Schema], command: Command) -> None:
    """`POST {path}/{id}/history/{entry}/revert`: `command(uow, id, patch)` with what the fields were before."""
    names = frozenset(body().load_fields)

    @resource.routes.post(f"{resource.path}/<id>/history/<entry>/revert", endpoint=f"revert_{resource.aggregate.name}")
    @needs("coordinator")
    @resource.routes.answers(resource.shown)
    def revert_change(id: str, entry: str) -> Document:
        reverted: Document = run(revert, resource.aggregate, command, id, entry, names=names)
        return reverted

    revert_change.__doc__ = "Take one change back: its fields get their earlier values, unless changed since (409)"


def add_bulk(resource: ResourceRoutes, body: type[Schema], create: Command, change: Command) -> None:
    """`POST {path}/bulk`: each row by itself; a row that is refused leaves the others alone."""
    shape = body()

    @resource.routes.post(f"{resource.path}/bulk", endpoint=f"bulk_{resource.aggregate.name}")
    @needs("coordinator")
    @resource.routes.takes(BulkInput)
    @resource.routes.response(200, BulkAnswer)
    def bulk(body: dict[str, Any]) -> Document:
        db, key = database(), idempotency_key()
        if key and find_outcome(db.raw, key) is not None:
            earlier: Document = replay(db.raw, key)
            return earlier
        results = [_row(index, row, shape, create, change, key) for index, row in enumerate(body["rows"])]
        answer: Document = {"results": results}
        return db.transact(lambda _: answer, cause=request_cause(), key=key) if key else answer

    bulk.__doc__ = "Make or change many, each by itself; the answer says for each row what became of it"


def _row(
    index: int, row: Document, shape: Schema, create: Command, change: Command, key: IdempotencyKey | None
) -> Document:
    result: Document = {"index": index, "id": row.get("id"), "version": None, "detail": None, "errors": {}}
    try:
        made = _done(row, shape, create, change, _key_of(key, index))
    except Problem as problem:
        errors = problem.errors if isinstance(problem, Invalid) else {}
        return {**result, "status": problem.status, "detail": problem.detail, "errors": errors}
    return {**result, "status": 200 if "id" in row else 201, "id": made["_id"], "version": made["version"]}


def _done(row: Document, shape: Schema, create: Command, change: Command, key: IdempotencyKey | None) -> Document:
    db, cause = database(), request_cause()
    if "id" in row:
        versions = frozenset({row["version"]}) if "version" in row else frozenset()
        match = IfMatch(of=row["id"], versions=versions)
        return db.transact(lambda uow: change(uow, row["id"], row["fields_"]), cause=cause, key=key, if_match=match)
    try:
        given = shape.load(row["fields_"])
    except ValidationError as error:
        raise Invalid(flatten_errors(error.messages)) from error
    return db.transact(lambda uow: create(uow, given), cause=cause, key=key)


def _key_of(key: IdempotencyKey | None, index: int) -> IdempotencyKey | None:
    """The row's own key: a bulk that broke off goes on where it was."""
    return key and replace(key, id=hashlib.sha256(f"{key.id}:{index}".encode()).hexdigest())
