"""Lists that can be sorted, filtered, counted and exported as tables: what every list has, written once.

A resource adds its particulars, most simply through `ResourceRoutes.list`:

    organisations.list(
        OrganisationQuery,                      # its own filters, each a field
        "List organisations",
        filters=["kind", "region"],             # equal to the field of the same name; twice: any of the values
        conditions={"population_min": lambda least: {"population": {"$gte": least}}},
        sorts={"name": Sort("sort_name", as_text=True), "population": Sort("population")},
        expand={"county": Expansion("county_id", COUNTIES)},
        counts=["kind", "region"],              # also GET …/counts
        default_sort="name",                    # the order of creation, unless it is said
        where={"merged_into": None},            # what the list never shows, whatever it is asked for
    )

and gets `?sort=` (each name also with a minus sign), `?ids=`, `?updated_since=`, `?fields=`, `?expand=`, `?format=` and
tables by `Accept`. Every sort needs an index on its path and `_id`, with `FINNISH` as its collation for texts:
`IndexModel([("sort_name", 1), ("_id", 1)], name="sort_name", collation=FINNISH)`; a test looks for it.
`created_at` and `updated_at` are always there.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, jsonify, request
from marshmallow import Schema, fields
from pymongo.collation import Collation

from shared.errors import Invalid
from shared.http.calls import database
from shared.http.downloads import table_answer
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.paging import FINNISH, Page, page_of_parts
from shared.mongo.paging import Sort as Order
from shared.schemas import LANGUAGES, ByLanguage
from shared.search import closest_first, search_query
from shared.tables import CSV, XLSX

# A table is made in memory. A reader of more rows pages through the list or subscribes to the topic.
MAX_ROWS = 50_000
# A person does not read more groups than this, and `organisation_id` may have thousands.
MAX_GROUPS = 1_000
JSON = "application/json"


@dataclass(frozen=True)
class Sort:
    """The document's field that a list can be sorted by; `as_text`: as Finnish sorts (å, ä, ö last, case aside)."""

    path: str
    as_text: bool = False


@dataclass(frozen=True)
class Expansion:
    """The resource that `field` refers to; items carry it in full under the expansion's name."""

    field: str
    aggregate: Aggregate[Any]


SORTS: Mapping[str, Sort] = {"created_at": Sort("_id"), "updated_at": Sort("updated_at")}


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One list: its collection, its items' shape, its filters, sorts, expansions and counts (see above)."""

    aggregate: Aggregate[Any]
    shown: type[Schema]
    filters: Sequence[str] = ()
    conditions: Mapping[str, Callable[[Any], Document]] = field(default_factory=dict)
    sorts: Mapping[str, Sort] = field(default_factory=dict)
    expand: Mapping[str, Expansion] = field(default_factory=dict)
    counts: Sequence[str] = ()
    default_sort: str = "created_at"
    where: Document = field(default_factory=dict)

    @property
    def all_sorts(self) -> Mapping[str, Sort]:
        return {**SORTS, **self.sorts}

    def answer(self, query: Mapping[str, Any]) -> Response:
        """The answer to a list's GET: a page as JSON, or all rows as a table. Raises Invalid."""
        wanted_format = query.get("format") or _preferred_format()
        if wanted_format == "json":
            return self._page(query)
        return self._table(query, wanted_format)

    def condition(self, query: Mapping[str, Any]) -> Document:
        """The filters of the query string as a MongoDB query."""
        return self._condition(query, search_query(query.get("q")))

    def _condition(self, query: Mapping[str, Any], search: Mapping[str, Any]) -> Document:
        parts: list[Document] = [self.where]
        parts += [{name: _any_of(query[name])} for name in self.filters if name in query]
        parts += [make(query[name]) for name, make in self.conditions.items() if name in query]
        if "ids" in query:
            parts.append({"_id": {"$in": query["ids"]}})
        if "updated_since" in query:
            parts.append({"updated_at": {"$gte": query["updated_since"]}})
        parts.append(dict(search))
        parts = [part for part in parts if part]
        return {"$and": parts} if parts else {}

    def count(self, query: Mapping[str, Any]) -> Document:
        """`{"total": n, "counts": {field: {value: n}}}`; an absent field counts under the empty text."""
        by = query.get("by") or list(self.counts)
        groups = {
            name: [{"$unwind": {"path": f"${name}", "preserveNullAndEmptyArrays": True}}, *_group(name)] for name in by
        }
        steps = [{"$match": self.condition(query)}, {"$facet": {**groups, "_total": [{"$count": "n"}]}}]
        [found] = database()[self.aggregate.collection].aggregate(steps)
        total = found["_total"][0]["n"] if found["_total"] else 0
        counts = {name: {_label(row["_id"]): row["n"] for row in found[name]} for name in by}
        return {"total": total, "counts": counts}

    def _page(self, query: Mapping[str, Any]) -> Response:
        order, collation = self._order(query)
        in_an_order = "sort" in query or "updated_since" in query
        searches = [search_query(query.get("q"))] if in_an_order else closest_first(query.get("q"))
        found = page_of_parts(
            database(),
            self.aggregate.collection,
            [self._condition(query, search) for search in searches],
            limit=query["limit"],
            cursor=query["cursor"],
            sort=order,
            collation=collation,
            bound_to=_question(),
        )
        return jsonify({"items": list(self._items(found, query)), "next_cursor": found.next_cursor})

    def _items(self, found: Page, query: Mapping[str, Any]) -> Iterator[Document]:
        shape = self.shown()
        keep = {"id", *query["fields"]} if "fields" in query else None
        expanded = {name: self._referred(name, found.items) for name in query.get("expand", ())}
        for document in found.items:
            item = shape.dump(document)
            yield {
                **{name: value for name, value in item.items() if keep is None or name in keep},
                **{name: things.get(document.get(self.expand[name].field)) for name, things in expanded.items()},
            }

    def _referred(self, name: str, items: Sequence[Document]) -> Mapping[Any, Document]:
        expansion = self.expand[name]
        ids = list({item[expansion.field] for item in items if item.get(expansion.field)})
        found = database()[expansion.aggregate.collection].find({"_id": {"$in": ids}})
        return {document["_id"]: expansion.aggregate.to_public(document) for document in found}

    def _table(self, query: Mapping[str, Any], format: str) -> Response:
        order, collation = self._order(query)
        rows = self._rows(database(), self.condition(query), order, collation)
        columns = list(_columns(self.shown(), query.get("fields")))
        lines = [_flat(self.shown(), item) for item in self.shown(many=True).dump(rows)]
        name = self.aggregate.collection.replace("_", "-")
        options = {"separator": query["separator"]} if "separator" in query else {}
        return table_answer(columns, lines, name=name, format=format, **options)

    def _rows(self, db: Database, condition: Document, order: Order, collation: Collation | None) -> Sequence[Document]:
        found = db[self.aggregate.collection].find(condition, collation=collation).sort(list(order))
        rows = list(found.limit(MAX_ROWS + 1))
        if len(rows) > MAX_ROWS:
            raise Invalid({"format": [f"A table has at most {MAX_ROWS:,} rows. Narrow the list, or read it in pages."]})
        return rows

    def _order(self, query: Mapping[str, Any]) -> tuple[Order, Collation | None]:
        wanted = query.get("sort") or ("updated_at" if "updated_since" in query else self.default_sort)
        if "updated_since" in query and wanted.lstrip("-") != "updated_at":
            raise Invalid({"sort": ["With updated_since the order is updated_at."]})
        sort, direction = self.all_sorts[wanted.lstrip("-")], -1 if wanted.startswith("-") else 1
        keys = [(sort.path, direction)] if sort.path != "_id" else []
        return [*keys, ("_id", direction)], FINNISH if sort.as_text else None


def _preferred_format() -> str:
    preferred = request.accept_mimetypes.best_match([JSON, CSV, XLSX], default=JSON)
    return {CSV: "csv", XLSX: "xlsx"}.get(preferred, "json")


def _question() -> str:
    """The query without its page: a cursor continues the same query only."""
    given = sorted(pair for pair in request.args.items(multi=True) if pair[0] not in ("cursor", "limit"))
    return json.dumps([request.path, given])


def _any_of(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else {"$in": list(values)}


def _group(name: str) -> list[Document]:
    return [{"$group": {"_id": f"${name}", "n": {"$sum": 1}}}, {"$sort": {"n": -1, "_id": 1}}, {"$limit": MAX_GROUPS}]


def _label(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _columns(shape: Schema, wanted: Sequence[str] | None) -> Iterator[str]:
    for name, shown in shape.dump_fields.items():
        if wanted is None or name in wanted:
            yield from (f"{name}_{language}" for language in LANGUAGES) if isinstance(shown, ByLanguage) else (name,)


def _flat(shape: Schema, item: Document) -> Document:
    """The item with a column for each language, lists with commas, and other objects as JSON."""
    row: Document = {}
    for name, value in item.items():
        if isinstance(shape.dump_fields.get(name), ByLanguage):
            row |= {f"{name}_{language}": (value or {}).get(language) for language in LANGUAGES}
        elif isinstance(value, list) and all(isinstance(part, str) for part in value):
            row[name] = ",".join(value)
        else:
            row[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
    return row


def listed(listing: Listing) -> type[Schema]:
    """The shape of one item in OpenAPI: `fields` leaves some out, `expand` adds some."""
    base = listing.shown
    expanded = {
        name: fields.Nested(expansion.aggregate.schema, allow_none=True) for name, expansion in listing.expand.items()
    }

    def nothing_is_required(self: Schema, field_name: str, field_obj: fields.Field[Any]) -> None:
        base.on_bind_field(self, field_name, field_obj)
        field_obj.required = field_name == "id"

    return type(f"Listed{base.__name__}", (base,), {**expanded, "on_bind_field": nothing_is_required})
