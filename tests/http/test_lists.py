"""What every list can be asked for: order, several values, ids, changes since, fields, counts and tables."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import openpyxl
import pytest
from flask import Flask
from marshmallow import fields
from pymongo import IndexModel, MongoClient

from shared.http.app import create_app
from shared.http.listing import FINNISH, Expansion, Listing, Sort
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.ids import new_id
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate
from shared.mongo.database import Database
from shared.schemas import ByLanguage, Resource, SearchQuery, one_of
from shared.settings import Settings
from tests.http.conftest import SERVICES, Api
from tests.support import Client, Keys

Json = dict[str, Any]


class Tree(Resource):
    """A tree."""

    kind = fields.String()
    name = ByLanguage()
    height = fields.Integer()
    forest_id = fields.String()
    tags = fields.List(fields.String())


class TreeQuery(SearchQuery):
    kind = one_of("fir", "birch", "rowan")
    forest_id = fields.String()
    height_min = fields.Integer()


TREES: Aggregate[Json] = Aggregate(
    name="tree",
    collection="trees",
    source="/trees",
    schema=Tree,
    message_types={"tree.created": Change},
    indexes=[
        IndexModel([("height", 1), ("_id", 1)], name="height"),
        IndexModel([("sort_name", 1), ("_id", 1)], name="sort_name", collation=FINNISH),
    ],
)


@pytest.fixture(scope="module")
def db(mongo: MongoClient[Json]) -> Iterator[Database]:
    made = Database(mongo, f"test_lists_{new_id()[-12:]}")
    made.prepare([TREES])
    yield made
    mongo.drop_database(made.raw.name)


@pytest.fixture
def trees(db: Database, settings_for: Callable[..., Settings], keys: Keys) -> "Trees":
    """A list of trees that promises everything."""
    db[TREES.collection].delete_many({})
    routes = Routes("trees", __name__, url_prefix="/v1")
    ResourceRoutes(routes=routes, path="/trees", aggregate=TREES, shown=Tree).list(
        TreeQuery,
        "List trees",
        filters=["kind", "forest_id"],
        conditions={"height_min": lambda least: {"height": {"$gte": least}}},
        sorts={"height": Sort("height"), "name": Sort("sort_name", as_text=True)},
        expand={"forest": Expansion("forest_id", TREES)},
        counts=["kind", "tags"],
    )
    app = create_app(
        settings_for("trees"), title="Trees", description="", blueprints=[routes], checks={}, provides=[db]
    )
    return Trees(db, app, Client(app, keys))


class Trees:
    def __init__(self, db: Database, app: Flask, client: Client) -> None:
        self.db, self.app, self.client = db, app, client
        self._minutes = itertools.count()

    def plant(self, kind: str = "fir", *, name: str = "Kuusi", height: int | None = None, **more: Any) -> str:
        from datetime import UTC, datetime, timedelta

        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=next(self._minutes))
        made = {"_id": new_id(), "version": 1, "created_at": at, "updated_at": at, "kind": kind, "height": height}
        self.db[TREES.collection].insert_one({**made, "name": {"fi": name}, "sort_name": name, **more})
        return str(made["_id"])

    def get(self, query: str = "", status: int = 200, **headers: str) -> Any:
        answer = self.client.get(f"/v1/trees{query}", headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    def names(self, query: str) -> list[str]:
        return [item["name"]["fi"] for item in self.get(query).json["items"]]

    def walk(self, query: str) -> list[str]:
        """The ids of all pages, two items each."""
        ids, cursor = [], ""
        while cursor is not None:
            page = self.get(f"{query}&limit=2" + (f"&cursor={cursor}" if cursor else "")).json
            ids += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        return ids


def test_names_stand_as_finnish_sorts_them(trees: Trees) -> None:
    for name in ("Öljypuu", "äimä", "Zelkova", "aapa", "Åkerö", "Haapa", "vaahtera", "Westendinpuu"):
        trees.plant(name=name)
    order = ["aapa", "Haapa", "vaahtera", "Westendinpuu", "Zelkova", "Åkerö", "äimä", "Öljypuu"]
    assert trees.names("?sort=name") == order
    assert trees.names("?sort=-name") == order[::-1]


@pytest.mark.parametrize("sort", ["height", "-height", "name", "-name", "updated_at", "-updated_at", "created_at"])
def test_pages_lose_and_repeat_nothing_where_values_are_equal_or_missing(trees: Trees, sort: str) -> None:
    made = [trees.plant(height=height, name="A" if height else "B") for height in (5, None, 3, 5, None, 5, 1, None, 3)]
    walked = trees.walk(f"?sort={sort}")
    assert sorted(walked) == sorted(made)
    whole = [item["id"] for item in trees.get(f"?sort={sort}&limit=200").json["items"]]
    assert walked == whole


def test_trees_without_a_height_come_first_or_last(trees: Trees) -> None:
    for height in (5, None, 3):
        trees.plant(height=height)
    assert [item["height"] for item in trees.get("?sort=height").json["items"]] == [None, 3, 5]
    assert [item["height"] for item in trees.get("?sort=-height").json["items"]] == [5, 3, None]


def test_a_filter_given_twice_means_any_of_the_values(trees: Trees) -> None:
    for kind in ("fir", "birch", "rowan"):
        trees.plant(kind)
    kinds = {item["kind"] for item in trees.get("?kind=fir&kind=rowan").json["items"]}
    assert kinds == {"fir", "rowan"}
    assert list(trees.get("?kind=fir&kind=palm", 422).json["errors"]) == ["kind.1"]


@pytest.mark.parametrize(
    "query", ["?limit=1&limit=2", "?height_min=1&height_min=2", "?q=a&q=b", "?sort=name&sort=height"]
)
def test_what_can_have_one_value_only_is_refused_when_it_is_given_twice(trees: Trees, query: str) -> None:
    [field] = trees.get(query, 422).json["errors"]
    assert field == query[1:].split("=")[0]


def test_ids_give_just_these(trees: Trees) -> None:
    made = [trees.plant() for _ in range(4)]
    for query in (f"?ids={made[0]},{made[2]},{new_id()}", f"?ids={made[0]}&ids={made[2]}"):
        assert [item["id"] for item in trees.get(query).json["items"]] == [made[0], made[2]]
    trees.get("?ids=" + ",".join([new_id()] * 201), 422)


def test_updated_since_gives_changes_in_their_order(trees: Trees) -> None:
    made = [trees.plant() for _ in range(4)]
    at = trees.get(f"?ids={made[2]}").json["items"][0]["updated_at"]
    assert [item["id"] for item in trees.get(f"?updated_since={at}").json["items"]] == made[2:]
    assert [item["id"] for item in trees.get(f"?updated_since={at}&sort=-updated_at").json["items"]] == made[:1:-1]
    assert list(trees.get(f"?updated_since={at}&sort=height", 422).json["errors"]) == ["sort"]


def test_fields_leave_the_others_out(trees: Trees) -> None:
    trees.plant(height=5)
    [item] = trees.get("?fields=height,kind").json["items"]
    assert sorted(item) == ["height", "id", "kind"]
    trees.get("?fields=secret", 422)


def test_expand_shows_what_an_item_refers_to(trees: Trees) -> None:
    forest = trees.plant(name="Metsä")
    tree = trees.plant(forest_id=forest)
    first, second = trees.get("?expand=forest").json["items"]
    assert (first["id"], first["forest"]) == (forest, None)
    assert (second["id"], second["forest"]["name"]) == (tree, {"fi": "Metsä"})
    trees.get("?expand=owner", 422)


def test_a_cursor_is_good_for_its_own_query_only(trees: Trees) -> None:
    for _ in range(4):
        trees.plant(height=1)
    cursor = trees.get("?sort=height&limit=1").json["next_cursor"]
    trees.get(f"?sort=height&limit=2&cursor={cursor}")
    for other in ("?sort=-height", "?sort=height&kind=fir", "?sort=name", "?limit=1"):
        assert list(trees.get(f"{other}&cursor={cursor}", 422).json["errors"]) == ["cursor"]


def test_counts_take_the_same_filters(trees: Trees) -> None:
    trees.plant("fir", tags=["old", "tall"])
    trees.plant("fir", height=9, tags=["tall"])
    trees.plant("birch", height=9)
    assert trees.get("/counts").json == {
        "total": 3,
        "counts": {"kind": {"fir": 2, "birch": 1}, "tags": {"tall": 2, "old": 1, "": 1}},
    }
    assert trees.get("/counts?height_min=5&by=kind").json == {"total": 2, "counts": {"kind": {"birch": 1, "fir": 1}}}
    trees.get("/counts?by=height", 422)


@pytest.mark.parametrize(
    ("query", "headers", "separator"),
    [("?format=csv", {}, ","), ("", {"Accept": "text/csv"}, ","), ("?format=csv&separator=;", {}, ";")],
)
def test_a_list_can_be_taken_away_as_csv(trees: Trees, query: str, headers: dict[str, str], separator: str) -> None:
    trees.plant(name="=Kuusi", height=5, tags=["a", "b"])
    trees.plant(name="x;=1;y", height=None)
    answer = trees.get(query, **headers)
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=separator))
    assert [(row["name_fi"], row["name_sv"], row["height"], row["tags"]) for row in rows] == [
        ("'=Kuusi", "", "5", "a,b"),
        ("x;'=1;y" if separator == "," else "x;=1;y", "", "", ""),
    ]


def test_a_list_can_be_taken_away_as_xlsx_with_chosen_fields(trees: Trees) -> None:
    trees.plant(name="Kuusi\ufffe", height=5)
    answer = trees.get("?format=xlsx&fields=name,height")
    [header, row] = openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    assert header == ("name_fi", "name_sv", "name_en", "height")
    assert row == ("Kuusi", None, None, 5)


@pytest.mark.parametrize("service", SERVICES)
def test_every_order_of_every_list_has_an_index(service: str, api_of: Callable[[str], Api]) -> None:
    api = api_of(service)
    import_module(f"services.{service}.app")
    listings: list[Listing] = [
        view.listing for view in map(_unwrapped, api.app.view_functions.values()) if hasattr(view, "listing")
    ]
    assert listings or service != "enrolment"
    for listing in listings:
        there = api.db[listing.aggregate.collection].index_information().values()
        known = {(index["key"][0][0], "collation" in index) for index in there}
        for name, sort in listing.all_sorts.items():
            assert (sort.path, sort.as_text) in known, (listing.aggregate.name, name)


def _unwrapped(view: Any) -> Any:
    while not hasattr(view, "listing") and hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    return view


def test_lists_of_every_service_take_what_all_lists_promise(api: Api) -> None:
    made = api.make()
    path, kinds = api.example.collection, {"enrolment": "kind", "events": "kind", "notifications": "reason"}
    names = {
        parameter["name"] for parameter in api.client.get("/openapi.json").json["paths"][path]["get"]["parameters"]
    }
    assert {"sort", "ids", "updated_since", "fields", "format", "separator", "limit", "cursor"} <= names
    identifier = made.json["id"]
    [item] = api.client.get(f"{path}?ids={identifier}&fields={kinds[api.service.name]}").json["items"]
    assert set(item) == {"id", kinds[api.service.name]}
    latest = api.client.get(f"{path}?sort=-updated_at&limit=1").json["items"][0]
    since = api.client.get(f"{path}?updated_since={latest['updated_at']}").json["items"]
    assert latest["id"] in {item["id"] for item in since}
    assert identifier in api.client.get(f"{path}?format=csv&ids={identifier}").text
