"""The routes that every resource has, for resources whose routes have nothing of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate

from flask import jsonify
from flask.wrappers import Response
from marshmallow import Schema, fields, validate

from shared.errors import Invalid, NotFound
from shared.http.auth import needs
from shared.http.calls import database, run
from shared.http.list_query import counts_query, list_query
from shared.http.listing import JSON, Listing, listed
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL, change_in, state_in
from shared.mongo.paging import Page, page
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import Instant, PageQuery, Strict, patch_of, transition_of
from shared.tables import CSV, XLSX

Command = Callable[Concatenate[UnitOfWork, ...], Any]


class PastQuery(Strict):
    """The wanted state of a resource: of a version, of a moment, or (without either) the present state."""

    version = fields.Integer(validate=validate.Range(min=1))
    as_of = Instant()


class HistoryEntry(Schema):
    """One change: who made it, when and why."""

    id = fields.String(attribute="_id")
    version = fields.Integer()
    at = Instant()
    by = fields.String()
    type = fields.String()
    change = fields.Function(change_in, metadata={"type": "object"})
    correlation_id = fields.String()
    causation_id = fields.String(allow_none=True)


class Counts(Schema):
    """The number of all resources, and for each field the number by value."""

    total = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()))


@dataclass(frozen=True, kw_only=True)
class ResourceRoutes:
    """Adds usual routes for `aggregate` at `path` (such as `/seasons`), shown by the schema `shown`."""

    routes: Routes
    path: str
    aggregate: Aggregate[Any]
    shown: type[Schema]

    @property
    def _one(self) -> str:
        return f"{self.path}/<id>"

    def _name(self, verb: str) -> str:
        return f"{verb}_{self.aggregate.name.replace(' ', '_')}"

    def show(self, summary: str) -> None:
        """`GET {path}/{id}`: the resource, or with `?version=` or `?as_of=` as it was."""

        @self.routes.get(self._one, endpoint=self._name("show"))
        @self.routes.query(PastQuery)
        @self.routes.answers(self.shown)
        def show(query: dict[str, Any], id: str) -> Document | Response:
            if query:
                return as_it_was(database(), self.aggregate, id, **query)
            return load_one(database(), self.aggregate, id)

        show.__doc__ = summary

    def list(self, query_schema: type[PageQuery], summary: str, **options: Any) -> None:
        """`GET {path}`: a list as `shared.http.listing` describes it; `options` are the fields of `Listing`."""
        listing = Listing(aggregate=self.aggregate, shown=self.shown, **options)
        query = list_query(
            query_schema,
            filters=listing.filters,
            sorts=listing.all_sorts,
            shown=self.shown().dump_fields,
            expand=listing.expand,
        )

        @self.routes.get(self.path, endpoint=self._name("list"))
        @gives_media(JSON, CSV, XLSX)
        @self.routes.query(query)
        @self.routes.lists(listed(listing))
        def list_all(query: dict[str, Any]) -> Response:
            return listing.answer(query)

        list_all.__doc__ = summary
        list_all.listing = listing
        if listing.counts:
            self._count(query_schema, listing)

    def _count(self, query_schema: type[PageQuery], listing: Listing) -> None:
        """`GET {path}/counts`: the number of resources, in all and by field."""

        @self.routes.get(f"{self.path}/counts", endpoint=self._name("count"))
        @self.routes.query(counts_query(query_schema, filters=listing.filters, by=listing.counts))
        @self.routes.response(200, Counts)
        def count(query: dict[str, Any]) -> Document:
            return listing.count(query)

        count.__doc__ = f"Count by {', '.join(listing.counts)}"

    def create(self, body_schema: type[Schema], command: Command, summary: str, *, role: str = "coordinator") -> None:
        """`POST {path}`: `command(uow, fields)`."""

        @self.routes.post(self.path, endpoint=self._name("create"))
        @needs(role)
        @self.routes.takes(body_schema)
        @self.routes.answers(self.shown, 201)
        def create(body: dict[str, Any]) -> Document:
            made: Document = run(command, body)
            return made

        create.__doc__ = summary

    def change(self, body_schema: type[Schema], command: Command, *, role: str = "coordinator") -> None:
        """`PATCH {path}/{id}`: `command(uow, id, patch)`, under `If-Match`."""

        @self.routes.patch(self._one, endpoint=self._name("change"))
        @needs(role)
        @self.routes.takes(patch_of(body_schema))
        @self.routes.answers(self.shown)
        def change(body: dict[str, Any], id: str) -> Document:
            changed: Document = run(command, id, body)
            return changed

        change.__doc__ = f"Change {_with_article(self.aggregate.name)} (JSON merge patch; needs If-Match)"

    def move(self, command: Command, summary: str, *, role: str = "coordinator") -> None:
        """`POST {path}/{id}/transitions`: `command(uow, id, to=…, reason=…)`."""
        lifecycle = self.aggregate.lifecycle
        if lifecycle is None:
            raise LookupError(f"{self.aggregate.name} has no state machine")

        @self.routes.post(f"{self._one}/transitions", endpoint=self._name("move"))
        @needs(role)
        @self.routes.takes(transition_of(lifecycle.states, self.aggregate.name))
        @self.routes.answers(self.shown)
        def move(body: dict[str, Any], id: str) -> Document:
            moved: Document = run(command, id, **{"reason": None, **body})
            return moved

        move.__doc__ = summary

    def history(self) -> None:
        """`GET {path}/{id}/history`: the resource's changes, newest first."""
        add_history(self.routes, f"{self._one}/history", None, self.aggregate)


def add_history(routes: Routes, path: str, db: Database | None, aggregate: Aggregate[Any]) -> None:
    """`GET path`: the changes of one resource, newest first."""

    @routes.route(path, endpoint=f"{aggregate.name.replace(' ', '_')}_history")
    @routes.query(PageQuery)
    @routes.lists(HistoryEntry)
    def history(query: dict[str, Any], id: str) -> Page:
        """Show who changed what, when and why"""
        here = db or database()
        load_one(here, aggregate, id)
        mine = {"of": id, "kind": aggregate.name}
        return page(here, JOURNAL, mine, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])


def as_it_was(
    db: Database,
    aggregate: Aggregate[Any],
    identifier: str,
    *,
    version: int | None = None,
    as_of: datetime | None = None,
) -> Response:
    """The resource as its GET showed it at that version or moment, from the journal. Raises NotFound, Invalid."""
    if version is not None and as_of is not None:
        raise Invalid({"as_of": ["Give version or as_of, not both."]})
    load_one(db, aggregate, identifier)
    wanted: Document = {"of": identifier, "kind": aggregate.name}
    wanted |= {"version": version} if version is not None else {"at": {"$lte": as_of}}
    row = db[JOURNAL].find_one(wanted, sort=[("_id", -1)])
    state = row and state_in(row)
    if row is None or state is None:
        moment = f"version {version}" if version is not None else "state at that moment"
        raise NotFound(f"{aggregate.name} with a {moment}", identifier)
    response = jsonify(state)
    response.headers["ETag"] = f'"{row["version"]}"'
    return response


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
