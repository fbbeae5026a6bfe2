"""ETag and If-Match (RFC 9110, RFC 6585)."""

import pytest

from shared.ids import new_id
from tests.http.conftest import EXAMPLES, Api

# The services whose example is changed by PATCH; another's is replaced by PUT.
PATCHED = [name for name, example in EXAMPLES.items() if example.change == "PATCH"]


def test_a_get_and_every_write_answer_with_the_etag_of_the_version(api: Api) -> None:
    made = api.make()
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    path = api.changeable()
    before = api.client.get(path)
    assert before.headers["ETag"] == f'"{before.json["version"]}"'
    after = api.change(path, If_Match=before.headers["ETag"])
    assert (after.status_code, after.headers["ETag"]) == (200, f'"{before.json["version"] + 1}"')
    assert api.client.get(path).headers["ETag"] == after.headers["ETag"]


def test_every_patch_and_put_needs_if_match(api: Api) -> None:
    document = api.client.get("/openapi.json").json
    for path, operations in document["paths"].items():
        for method in {"patch", "put"} & operations.keys():
            [header] = [parameter for parameter in operations[method]["parameters"] if parameter["name"] == "If-Match"]
            assert header["required"], (method, path)
    path = api.changeable()
    answer = api.change(path)
    assert (answer.status_code, answer.mimetype) == (428, "application/problem+json")


def test_a_version_that_is_not_the_present_one_is_412(api: Api) -> None:
    path = api.changeable()
    before = api.client.get(path).json
    for etag in ('"0"', '"99"', f'"{before["version"] + 1}"'):
        answer = api.change(path, If_Match=etag)
        assert (answer.status_code, answer.mimetype) == (412, "application/problem+json")
    assert api.client.get(path).json == before


@pytest.mark.parametrize("etag", ["1", '"one"', '"1", two', '"-1"', '""', '"' + "1" * 5000 + '"', '"1', '"٣"'])
def test_what_is_no_etag_of_ours_is_400(api: Api, etag: str) -> None:
    answer = api.change(api.changeable(), If_Match=etag.encode().decode("latin-1"))
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize("etags", ['W/"{version}"', '"0", "{version}"'])
def test_a_weak_tag_and_a_list_count_as_well(api: Api, etags: str) -> None:
    path = api.changeable()
    version = api.client.get(path).json["version"]
    assert api.change(path, If_Match=etags.format(version=version)).status_code == 200


def test_a_get_of_the_version_that_one_has_is_304(api: Api) -> None:
    path = api.changeable()
    now = api.client.get(path)
    tag = now.headers["ETag"]
    for held in (tag, f"W/{tag}", f'"0", {tag}', "*"):
        answer = api.client.get(path, headers={"If-None-Match": held})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
    assert api.client.get(path, headers={"If-None-Match": '"0"'}).json == now.json
    api.change(path, If_Match=tag)
    assert api.client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_412_says_what_was_changed_since(api: Api) -> None:
    path = api.changeable()
    held = api.client.get(path).headers["ETag"]
    assert api.change(path, If_Match=held).status_code == 200
    answer = api.change(path, If_Match=held)
    assert answer.status_code == 412
    changes = answer.json["changed_since"]
    assert {"population", "capacity", "subject"} & {change["field"] for change in changes}
    assert {change["by"] for change in changes} == {"test-coordinator"}


@pytest.mark.parametrize("again", [True, False], ids=["the same again", "nothing"])
@pytest.mark.parametrize("api", PATCHED, indirect=True)
def test_a_patch_that_changes_nothing_makes_no_version(api: Api, again: bool) -> None:
    path = api.changeable()
    body = api.example.changed()
    before = api.change(path, body=body, If_Match="*")
    body = body if again else {}
    after = api.client.patch(path, json=body, headers={"If-Match": before.headers["ETag"]})
    assert (after.status_code, after.headers["ETag"], after.json) == (200, before.headers["ETag"], before.json)
    assert len(api.client.get(f"{path}/history").json["items"]) == before.json["version"]


def test_a_star_is_any_version_of_what_is_there(api: Api) -> None:
    path = api.changeable()
    assert api.change(path, If_Match="*").status_code == 200
    assert api.change(api.example.path.replace("fi", "xx").format(id=new_id()), If_Match="*").status_code == 404
