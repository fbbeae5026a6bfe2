"""The collection of organisations."""

from datetime import datetime
from typing import TypedDict

from pymongo import IndexModel

from services.enrolment.organisations.schemas import Organisation
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.paging import FINNISH
from shared.schemas import LANGUAGES
from shared.search import search_words


class OrganisationDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    kind: str
    name: dict[str, str]
    municipality_code: str | None
    business_id: str | None
    external_id: str | None
    region: dict[str, str] | None
    wellbeing_county: dict[str, str] | None
    languages: list[str] | None
    population: int | None
    search: list[str]
    sort_name: str


ORGANISATIONS: Aggregate[OrganisationDocument] = Aggregate(
    name="organisation",
    collection="organisations",
    source="/uso/enrolment",
    topic="uso.enrolment.organisations.v1",
    message_types={"organisation.created": Change, "organisation.updated": Change},
    schema=Organisation,
    indexes=[
        IndexModel(
            "municipality_code",
            name="municipality_code",
            unique=True,
            partialFilterExpression={"municipality_code": {"$type": "string"}},
        ),
        IndexModel(
            "business_id",
            name="business_id",
            unique=True,
            partialFilterExpression={"business_id": {"$type": "string"}},
        ),
        IndexModel(
            "external_id",
            name="external_id",
            unique=True,
            partialFilterExpression={"external_id": {"$type": "string"}},
        ),
        *(IndexModel(f"name.{language}", name=f"name_{language}") for language in LANGUAGES),
        IndexModel([("search", 1), ("_id", 1)], name="search"),
        IndexModel([("kind", 1), ("_id", 1)], name="kind"),
        IndexModel([("population", 1), ("_id", 1)], name="population"),
        IndexModel([("sort_name", 1), ("_id", 1)], name="sort_name", collation=FINNISH),
    ],
    conflict_messages={
        "municipality_code": "Another organisation has this municipality code.",
        "business_id": "Another organisation has this business id.",
        "external_id": "Another organisation has this external id.",
    },
)


def with_search_words(fields: Document) -> Document:
    """The fields, the words that `?q=` finds them by, and the name that a list is sorted by."""
    words = search_words(*fields["name"].values(), fields.get("municipality_code"), fields.get("business_id"))
    sort_name = next(fields["name"][language] for language in LANGUAGES if language in fields["name"])
    return {**fields, "search": words, "sort_name": sort_name}
