"""Further routes of enrolment's resources: deleting, taking one change back, and many rows at once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Concatenate

from marshmallow import Schema, ValidationError, fields, validate

from services.enrolment.deleting import delete
from services.enrolment.reverting import revert
from shared.errors import Invalid, Problem
from shared.http.auth import needs
from shared.http.calls import database, idempotency_key, request_cause, run
from shared.http.resource_routes import ResourceRoutes
from shared.mongo.aggregates import Aggregate, Document
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
    name = resource.aggregate.name
    view = resource.routes.response(204)(_Deletion(resource.aggregate, command).view)
    view.__doc__ = f"Delete what was made by mistake: no {name} that anything refers to"
    resource.routes.delete(f"{resource.path}/<id>", endpoint=f"delete_{name}")(needs("coordinator")(view))


def add_revert(resource: ResourceRoutes, body: type[Schema], command: Command) -> None:
    """`POST {path}/{id}/history/{entry}/revert`: `command(uow, id, patch)` with what the fields were before."""
    names = frozenset(body().load_fields)
    view = resource.routes.answers(resource.shown)(_Reversal(resource.aggregate, command, names).view)
    view.__doc__ = "Take one change back: its fields get their earlier values, unless changed since (409)"
    path = f"{resource.path}/<id>/history/<entry>/revert"
    resource.routes.post(path, endpoint=f"revert_{resource.aggregate.name}")(needs("coordinator")(view))


def add_bulk(resource: ResourceRoutes, body: type[Schema], create: Command, change: Command) -> None:
    """`POST {path}/bulk`: each row by itself; a row that is refused leaves the others alone."""
    rows = resource.routes.response(200, BulkAnswer)(_Bulk(body(), create, change).view)
    rows.__doc__ = "Make or change many, each by itself; the answer says for each row what became of it"
    view = needs("coordinator")(resource.routes.takes(BulkInput)(rows))
    resource.routes.post(f"{resource.path}/bulk", endpoint=f"bulk_{resource.aggregate.name}")(view)


@dataclass(frozen=True)
class _Deletion:
    aggregate: Aggregate[Any]
    command: Command | None

    def view(self, id: str) -> None:
        if self.command is None:
            run(delete, self.aggregate, id)
        else:
            run(self.command, id)


@dataclass(frozen=True)
class _Reversal:
    aggregate: Aggregate[Any]
    command: Command
    names: frozenset[str]

    def view(self, id: str, entry: str) -> Document:
        reverted: Document = run(revert, self.aggregate, self.command, id, entry, names=self.names)
        return reverted


@dataclass(frozen=True)
class _Bulk:
    shape: Schema
    create: Command
    change: Command

    def view(self, body: dict[str, Any]) -> Document:
        db, key = database(), idempotency_key()
        if key and find_outcome(db.raw, key) is not None:
            earlier: Document = replay(db.raw, key)
            return earlier
        rows = enumerate(body["rows"])
        results = [_row(index, row, self.shape, self.create, self.change, key) for index, row in rows]
        answer: Document = {"results": results}
        return db.transact(lambda _: answer, cause=request_cause(), key=key) if key else answer


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
