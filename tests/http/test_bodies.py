"""Bodies: what is no JSON, no object, not what it should be, of another kind, or too large."""

import io
from collections.abc import Callable
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


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"kind": "other", "kind": "municipality"}', "twice"),
        (b'{"name": {"fi": "A", "fi": "B"}}', "twice"),
        (b'{"kind": "a\\u0000b"}', "NUL"),
        (b'{"kind": "\\ud800"}', "surrogate"),
        (b"[" * 100_000, "deep"),
        (b"{", "not JSON"),
    ],
    ids=["twice", "twice inside", "NUL", "surrogate", "deep", "open"],
)
def test_the_sentence_says_what_is_wrong_with_the_json(api: Api, body: bytes, said: str) -> None:
    answer = post(api, body)
    assert (answer.status_code, said in answer.json["detail"]) == (400, True), answer.json["detail"]


def test_an_escaped_backslash_before_u0000_is_no_nul(api: Api) -> None:
    assert post(api, b'{"colour": "\\\\u0000"}').status_code == 422


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_is_415(api: Api, coding: str) -> None:
    answer = api.client.post(api.example.collection, json=api.example.body(), headers={"Content-Encoding": coding})
    assert (answer.status_code, answer.mimetype) == (415, "application/problem+json")


@pytest.mark.parametrize("excess", [1, 100_000])
def test_a_body_without_a_length_over_the_limit_is_413_and_one_at_the_limit_is_read(api: Api, excess: int) -> None:
    def send(size: int) -> Any:
        body = b'{"colour": "' + b"x" * (size - 14) + b'"}'
        return api.client.post(
            api.example.collection,
            input_stream=io.BytesIO(body),
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )

    limit = api.settings.max_body_bytes
    assert send(limit).status_code == 422
    answer = send(limit + excess)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


def test_a_table_without_a_length_over_the_limit_is_413_and_never_cut(api_of: Callable[[str], Api]) -> None:
    api = api_of("enrolment")
    row = b"other,Kuntaliitto %d\r\n"
    body = b"kind,name_fi\r\n" + b"".join(row % number for number in range(700_000))
    for path in ("/v1/organisations/import", "/v1/contacts/import"):
        answer = api.client.post(
            f"{path}?dry_run=true",
            input_stream=io.BytesIO(body),
            content_type="text/csv",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


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
