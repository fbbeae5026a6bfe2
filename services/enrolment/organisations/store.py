"""The collection of organisations."""

from datetime import datetime
from typing import TypedDict

from pymongo import IndexModel

from services.enrolment.organisations.schemas import Organisation
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.paging import FINNISH
from shared.schemas import LANGUAGES
from shared.search import search_words

# A region is named in the language of whoever asks.
PLACES = [(of, language) for of in ("region", "wellbeing_county") for language in LANGUAGES]


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
    email_domains: list[str]
    ends_on: str | None
    tags: list[str]
    successor_ids: list[str]
    search: list[str]
    sort_name: str


ORGANISATIONS: Aggregate[OrganisationDocument] = Aggregate(
    name="organisation",
    collection="organisations",
    source="/uso/enrolment",
    topic="uso.enrolment.organisations.v1",
    message_types={
        "organisation.created": Change,
        "organisation.updated": Change,
        "organisation.succeeded": Change,
        "organisation.deleted": Change,
    },
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
        IndexModel("successor_ids", name="successors"),
        *(IndexModel(f"name.{language}", name=f"name_{language}") for language in LANGUAGES),
        IndexModel([("search", 1), ("_id", 1)], name="search"),
        IndexModel([("kind", 1), ("_id", 1)], name="kind"),
        IndexModel([("population", 1), ("_id", 1)], name="population"),
        IndexModel([("languages", 1), ("_id", 1)], name="languages"),
        IndexModel([("tags", 1), ("_id", 1)], name="tags"),
        *(IndexModel([(f"{of}.{language}", 1), ("_id", 1)], name=f"{of}_{language}") for of, language in PLACES),
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


def named_in_any_language(field: str, name: str) -> Document:
    """The condition for organisations whose `field` (a text by language) is `name` in one of the languages."""
    return {"$or": [{f"{field}.{language}": name} for language in LANGUAGES]}


def enrolled_in(db: Database, season_id: str) -> list[str]:
    """The ids of the organisations that have an enrolment in the season: 309 municipalities at most, and some more."""
    rows = db["enrolments"].find({"season_id": season_id}, {"organisation_id": 1})
    return [row["organisation_id"] for row in rows]
