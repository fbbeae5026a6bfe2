"""What a route is made of: a schema for what comes in, a command, a schema for the answer."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

from flask import request
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields, validate

from shared.errors import Invalid, NotFound, Problem
from shared.http.bodies import BodyParser
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page
from shared.mongo.unit_of_work import HISTORY
from shared.schemas import Instant, Strict

View = TypeVar("View", bound=Callable[..., Any])


class PageQuery(Strict):
    """The part of a list's query that all lists have. Further filters are fields of a subclass."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None)


class SearchQuery(PageQuery):
    q = fields.String(load_default=None, validate=validate.Length(max=200))


class Routes(Blueprint):  # type: ignore[misc]
    """A flask-smorest blueprint with the habits of all our services."""

    ARGUMENTS_PARSER = BodyParser()

    def takes(self, schema: type[Schema] | Schema, **options: Any) -> Callable[[View], View]:
        """The JSON body, checked by `schema`; the view gets it as its first argument."""
        made = schema() if isinstance(schema, type) else schema  # once, not for each request
        decorator: Callable[[View], View] = self.arguments(made, location="json", **options)
        return decorator

    def query(self, schema: type[Schema]) -> Callable[[View], View]:
        """The query string, checked by `schema`; the view gets it as its first argument.

        A filter that is not known is refused, but for the public, whose mail and browsers add to addresses.
        """
        unknown = EXCLUDE if str(self.url_prefix).startswith("/public") else RAISE
        decorator: Callable[[View], View] = self.arguments(schema(), location="query", unknown=unknown)
        return decorator

    def answers(
        self, schema: type[Schema] | Schema | None, status: int = 200, description: str | None = None
    ) -> Callable[[View], View]:
        """One resource: the view returns its document; the answer carries the ETag of its version."""
        respond = self.response(
            status, schema, description=description, headers={"ETag": {"schema": {"type": "string"}}}
        )

        def decorate(view: View) -> View:
            @wraps(view)
            def tagged(*args: Any, **kwargs: Any) -> Any:
                document = view(*args, **kwargs)
                if isinstance(document, dict) and "version" in document:
                    return document, {"ETag": f'"{document["version"]}"'}
                return document

            result: View = respond(tagged)
            return result

        return decorate

    def lists(self, schema: type[Schema]) -> Callable[[View], View]:
        """A list: the view returns a Page (or a dict with `items` and `next_cursor`)."""
        decorator: Callable[[View], View] = self.response(200, _listing(schema))
        return decorator


@cache
def _listing(schema: type[Schema]) -> type[Schema]:
    """The shape of a list of `schema`, the same class each time: it has one name in the OpenAPI document."""
    return type(
        f"{schema.__name__.removesuffix('Schema')}List",
        (Schema,),
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next_cursor": fields.String(allow_none=True, required=True),
        },
    )


class MergePatch(Schema):
    """JSON Merge Patch (RFC 7396): the fields to change; null removes one."""

    class Meta:
        unknown = INCLUDE


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = apply_merge_patch(merged.get(name), value)
    return merged


def patched(shown: dict[str, Any], patch: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The input fields after a merge patch, checked by the input `schema` as a new one would be.

    `shown` is the resource's public shape. Raises Invalid with the path of each wrong field.
    """
    inputs = {name: shown[name] for name in schema.load_fields if shown.get(name) is not None}
    merged = apply_merge_patch(inputs, patch)
    errors = schema.validate(merged)
    if errors:
        from shared.schemas import flatten_errors

        raise Invalid(flatten_errors(errors))
    loaded: dict[str, Any] = schema.load(merged)
    gone = {name: None for name in inputs if name not in merged}
    return {**gone, **loaded}


def load_one(db: Database, aggregate: Aggregate, identifier: str) -> Document:
    """The document of a GET. Raises NotFound."""
    document = db[aggregate.collection].find_one({"_id": identifier})
    if document is None:
        raise NotFound(aggregate.name, identifier)
    return document


class HistoryEntry(Schema):
    """Who changed what, when and why."""

    id = fields.String(attribute="_id")
    version = fields.Integer()
    at = Instant()
    by = fields.String()
    type = fields.String()
    change = fields.Dict()
    correlation_id = fields.String()
    causation_id = fields.String(allow_none=True)


def add_history(routes: Routes, path: str, db: Database, aggregate: Aggregate) -> None:
    """`GET path`: the changes of one resource, newest first."""

    @routes.route(path, endpoint=f"{aggregate.name}_history")
    @routes.query(PageQuery)
    @routes.lists(HistoryEntry)
    def history(query: dict[str, Any], id: str) -> Page:
        load_one(db, aggregate, id)
        mine = {"of": id, "kind": aggregate.name}
        return page(db, HISTORY, mine, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])


def json_object() -> dict[str, Any]:
    """The body as a JSON object. Raises Problem (400) when it is something else."""
    body = request.get_json()
    if not isinstance(body, dict):
        raise Problem("The body must be a JSON object.")
    return body
