"""Bodies: what is no JSON, no object, not what it should be, of another kind, or too large."""

from typing import Any

import pytest

from tests.http.conftest import Api


def post(api: Api, body: bytes, media: str = "application/json") -> Any:
    return api.client.post(api.example.collection, data=body, content_type=media)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'kind': 'other'}",
        b'{"kind": "other",}',
        b'{"kind": "\xff"}',
        b'{"kind": "\\ud800"}',
        b'{"kind": "a\\u0000b"}',
        b'{"population": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\x00",
    ],
    ids=["open", "quotes", "comma", "no UTF-8", "surrogate", "NUL", "huge number", "deep list", "deep object", "zero"],
)
def test_what_is_not_json_is_400(api: Api, body: bytes) -> None:
    answer = post(api, body)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize("body", [b"[]", b"5", b'"text"', b"null", b"[{}]", b"true", b""])
def test_what_is_no_object_is_422_with_the_errors(api: Api, body: bytes) -> None:
    answer = post(api, body)
    assert (answer.status_code, bool(answer.json["errors"])) == (422, True)


def test_each_wrong_or_unknown_field_is_named(api: Api) -> None:
    answer = api.make({**api.example.body(), **api.example.wrong})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    named = {path.split(".")[0] for path in answer.json["errors"]}
    assert named == api.example.wrong.keys()
    assert all(isinstance(sentence, str) for sentences in answer.json["errors"].values() for sentence in sentences)
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= answer.json.keys()


def test_an_unknown_field_of_the_query_is_named_too(api: Api) -> None:
    answer = api.client.get(f"{api.example.collection}?colour=red")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["colour"])


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "text/csv"])
def test_a_body_of_another_kind_is_415(api: Api, media: str) -> None:
    answer = post(api, b"kind=other", media)
    assert (answer.status_code, answer.mimetype) == (415, "application/problem+json")


def test_a_body_over_the_limit_is_413(api: Api) -> None:
    body = b'{"kind": "' + b"x" * api.settings.max_body_bytes + b'"}'
    answer = post(api, body)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


def test_who_has_no_token_is_told_so_before_the_body_is_read(api: Api) -> None:
    answer = api.client.post(api.example.collection, data=b"{", content_type="text/plain", role=None)
    assert answer.status_code == 401
