"""Lists: pages that stay stable while rows are added."""

import base64
import json
from typing import Any

import pytest

from tests.http.conftest import Api


def lists_of(api: Api) -> list[str]:
    """The paths of all lists, those of a thing's parts left out."""
    document = api.client.get("/openapi.json").json
    return [
        path
        for path, operations in document["paths"].items()
        if "{" not in path
        and "cursor" in [parameter["name"] for parameter in operations.get("get", {}).get("parameters", [])]
    ]


# Lists that show nothing until they are asked for something in particular.
NEEDED = {"/v1/contacts/inactive": {"since": "2026-01-01T00:00:00Z"}}


def get(api: Api, path: str, **query: Any) -> Any:
    query = {**NEEDED.get(path, {}), **query}
    role = "operator" if path.startswith("/v1/ops") else None if path.startswith("/public") else "viewer"
    return api.client.get(path, query_string=query, role=role)


def pages(api: Api, *, limit: int, between: bool) -> list[str]:
    """The ids of all pages of the example's list; with `between`, one more is made after each page."""
    ids, cursor = [], None
    while True:
        page = get(api, api.example.collection, limit=limit, **({"cursor": cursor} if cursor else {})).json
        assert len(page["items"]) <= limit
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids
        if between and len(ids) < 8:
            api.make()


def test_each_thing_stands_on_one_page_while_others_are_added(api: Api) -> None:
    made = [api.make().json["id"] for _ in range(5)]
    whole = pages(api, limit=200, between=False)
    assert set(made) <= set(whole)
    paged = pages(api, limit=2, between=True)
    assert len(paged) == len(set(paged))
    assert [item for item in paged if item in whole] == whole


def test_every_list_has_bounds(api: Api) -> None:
    for path in lists_of(api):
        for limit in (1, 200):
            answer = get(api, path, limit=limit)
            assert (answer.status_code, sorted(answer.json)) == (200, ["items", "next_cursor"]), path
        for limit in ("0", "201", "-1", "many", "1.5", "", "9" * 30):
            answer = get(api, path, limit=limit)
            assert (answer.status_code, list(answer.json["errors"])) == (422, ["limit"]), (path, limit)


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "%%%",
        cursor_of({}),
        cursor_of([]),
        cursor_of([None]),
        cursor_of([1.5]),
        cursor_of([{"$gt": ""}]),
        cursor_of([10**30]),
        cursor_of(["\ud800"]),
        cursor_of([{"at": 5}]),
        cursor_of([{"at": "0001-01-01T00:00:00+14:00"}]),
        cursor_of(["a", "b", "c", "d"]),
        base64.urlsafe_b64encode(b"[" * 50_000).decode(),
    ],
)
def test_what_is_no_cursor_of_the_list_is_422(api: Api, cursor: str) -> None:
    for path in lists_of(api):
        answer = get(api, path, cursor=cursor)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["cursor"]), path
