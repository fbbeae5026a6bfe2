"""Exports: tables with the columns of an import, to be edited and imported again."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import Response

from services.enrolment.organisations.store import ORGANISATIONS
from shared.errors import Invalid
from shared.http.calls import database
from shared.http.downloads import table_answer
from shared.http.list_query import several
from shared.http.listing import MAX_ROWS, Listing
from shared.mongo.aggregates import Document
from shared.schemas import LANGUAGES, PageQuery, one_of


def export_query(given: type[PageQuery], listing: Listing) -> type[PageQuery]:
    """The filters of a list, and how the table is to be written."""
    table = {"format": one_of("csv", "xlsx"), "separator": one_of(",", ";")}
    made: type[PageQuery] = type(f"{given.__name__}Export", (given,), {**several(given, listing.filters), **table})
    for name in ("limit", "cursor"):
        made._declared_fields.pop(name)
    return made


def export(
    listing: Listing, columns: Sequence[str], query: Document, rows: Callable[[list[Document]], Iterable[Document]]
) -> Response:
    """All that fits the query as a table with these columns. Raises Invalid for more than fifty thousand rows."""
    found = list(
        database()[listing.aggregate.collection].find(listing.condition(query)).sort("_id", 1).limit(MAX_ROWS + 1)
    )
    if len(found) > MAX_ROWS:
        raise Invalid({"": [f"A table has at most {MAX_ROWS:,} rows. Narrow it by filters."]})
    options: dict[str, Any] = {name: query[name] for name in ("format", "separator") if name in query}
    return table_answer(columns, rows(found), name=listing.aggregate.collection, **options)


def organisation_rows(found: Iterable[Document], lists: Iterable[str], texts: Iterable[str]) -> Iterable[Document]:
    """Organisations as rows of their import: a column for each language, lists with commas."""
    for organisation in found:
        by_language = {
            f"{name}_{language}": (organisation.get(name) or {}).get(language)
            for name in texts
            for language in LANGUAGES
        }
        yield {**organisation, **{name: ",".join(organisation.get(name) or ()) for name in lists}, **by_language}


def contact_rows(found: Sequence[Document]) -> Iterable[Document]:
    """Contacts as rows of their import: of their organisation the code that people know, else its id."""
    ids = sorted({contact["organisation_id"] for contact in found})
    codes = {
        row["_id"]: row.get("municipality_code")
        for row in database()[ORGANISATIONS.collection].find({"_id": {"$in": ids}}, {"municipality_code": 1})
    }
    for contact in found:
        code = codes.get(contact["organisation_id"])
        named = {"organisation_id": None, "municipality_code": code} if code else {}
        yield {**contact, **named, "tags": ",".join(contact.get("tags") or ())}
