"""Finds an event's people by name, a bounded number at a time: MongoDB cannot search names that are sealed.

A blind index of the beginnings of names would let the database search, and would tell whoever reads the database who
has which name. To open the names page by page tells nobody anything, and costs what the caller asks for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.events.people.registrants import person_of
from services.events.projections import CONTACTS
from services.events.registrations.store import BY_ARRIVAL, REGISTRATIONS
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page
from shared.search import matches, search_query, search_words
from shared.secrets import Secrets

PORTION = 250
# About a tenth of a second of opening seals: one request keeps no thread of the server for longer.
MOST_LOOKED_AT = 2000


def find_by_name(
    db: Database, secrets: Secrets, conditions: Mapping[str, Any], q: str, *, limit: int, cursor: str | None
) -> Page:
    """A page of the registrations whose person has names that begin with the words of `q`, in the order of arrival.

    It looks at 2,000 registrations at most. So a page of a larger event may have fewer items than `limit`, or none,
    and a `next_cursor` all the same: the search goes on there.
    """
    items: list[Document] = []
    for _ in range(0, MOST_LOOKED_AT, PORTION):
        part = _part(db, conditions, PORTION, cursor)
        found = _matching(db, secrets, part.items, q)
        for number, registration in enumerate(part.items, start=1):
            if registration["_id"] not in found:
                continue
            items.append(registration)
            if len(items) == limit:
                rest = part if number == len(part.items) else _part(db, conditions, number, cursor)
                return Page(items=items, next_cursor=rest.next_cursor)
        cursor = part.next_cursor
        if cursor is None:
            break
    return Page(items=items, next_cursor=cursor)


def _part(db: Database, conditions: Mapping[str, Any], limit: int, cursor: str | None) -> Page:
    return page(db, REGISTRATIONS.collection, conditions, limit=limit, cursor=cursor, sort=BY_ARRIVAL)


def _matching(db: Database, secrets: Secrets, registrations: Iterable[Document], q: str) -> set[str]:
    """The ids of the registrations whose person is meant."""
    found: set[str] = set()
    by_contact: dict[str, list[str]] = {}
    for registration in registrations:
        person = person_of(secrets, registration)
        if person is None:
            by_contact.setdefault(registration["contact_id"], []).append(registration["_id"])
        elif matches(search_words(person["given_name"], person["family_name"], person["email"]), q):
            found.add(registration["_id"])
    contacts = db[CONTACTS.collection].find({"$and": [{"_id": {"$in": list(by_contact)}}, search_query(q)]}, {"_id": 1})
    return found.union(*(by_contact[row["_id"]] for row in contacts))
