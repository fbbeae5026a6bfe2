"""Idempotency-Key: the same request is done once, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.cause import own_initiative
from shared.errors import Conflict, Problem
from shared.ids import new_id, utc_now
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.journal import JOURNAL
from shared.mongo.unit_of_work import UnitOfWork
from tests.http.conftest import Api


def test_the_same_request_again_is_answered_the_same_and_done_once(api: Api) -> None:
    key, body = {"Idempotency-Key": new_id()}, api.example.body()
    first, second = (api.make(body, headers=key) for _ in range(2))
    assert (first.status_code, first.json, first.headers["ETag"]) == (201, second.json, second.headers["ETag"])
    assert second.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert api.db[JOURNAL].count_documents({"of": first.json["id"]}) == 1


def test_the_same_key_for_another_request_is_422(api: Api) -> None:
    key = {"Idempotency-Key": new_id()}
    assert api.make(headers=key).status_code == 201
    answer = api.make({**api.example.body(), **api.example.another}, headers=key)
    assert (answer.status_code, bool(answer.json["errors"])) == (422, True)


def test_the_same_key_of_another_caller_is_another_key(api: Api) -> None:
    key, bodies = {"Idempotency-Key": new_id()}, [api.example.body() for _ in range(2)]
    one, other = (
        api.make(body, role=role, headers=key) for body, role in zip(bodies, ("coordinator", "manager"), strict=True)
    )
    assert (one.status_code, other.status_code) == (201, 201)
    assert one.json["id"] != other.json["id"]


def test_a_request_that_was_refused_leaves_its_key_unused(api: Api) -> None:
    key = {"Idempotency-Key": new_id()}
    assert api.make(api.example.wrong, headers=key).status_code == 422
    assert api.client.post(api.example.collection, json={}, role="viewer", headers=key).status_code == 403
    answer = api.make(headers=key)
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)


def test_a_refusal_by_a_rule_is_given_again(api: Api) -> None:
    calls = []

    def refuse(uow: UnitOfWork) -> None:
        calls.append(uow)
        raise Conflict("There is one already.", existing_id="x")

    key = new_id()
    for replayed in (False, True):
        again = IdempotencyKey(id=key, fingerprint="f")
        with pytest.raises(Problem) as refusal:
            api.db.transact(refuse, cause=own_initiative("test"), key=again)
        assert (refusal.value.status, refusal.value.members) == (409, {"existing_id": "x"})
        assert again.replayed is replayed


def test_a_refusal_that_waiting_helps_leaves_its_key_unused(api: Api) -> None:
    def refuse(uow: UnitOfWork) -> None:
        raise Conflict("It is being decided.", retry_after=1)

    key = IdempotencyKey(id=new_id(), fingerprint="f")
    with pytest.raises(Conflict):
        api.db.transact(refuse, cause=own_initiative("test"), key=key)
    assert api.db.transact(lambda uow: "done", cause=own_initiative("test"), key=key) == "done"


def test_a_creation_again_is_its_answer_and_no_conflict_with_itself(api: Api) -> None:
    key, body = {"Idempotency-Key": new_id()}, api.example.body()
    first = api.make(body, headers=key)
    again = api.make(body, headers=key)
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)


def test_sixteen_at_once_with_one_key_make_one(api: Api) -> None:
    key, body = {"Idempotency-Key": new_id()}, api.example.body()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: api.make(body, headers=key), range(16)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert made
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json["id"] for answer in made}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in made) == 1


def test_while_the_first_has_not_committed_the_second_is_409_and_worth_another_try(api: Api) -> None:
    key = IdempotencyKey(id=new_id(), fingerprint="f")
    with api.db.client.start_session() as session, session.start_transaction():
        api.db[JOURNAL].insert_one(key.row(utc_now(), result="first"), session=session)
        with pytest.raises(Conflict) as refusal:
            api.db.transact(lambda uow: "second", cause=own_initiative("test"), key=key)
        assert (refusal.value.status, refusal.value.retry_after) == (409, 1)
    assert api.db.transact(lambda uow: "second", cause=own_initiative("test"), key=key) == "first"


def test_a_key_is_kept_for_a_day(api: Api) -> None:
    key = new_id()
    before = utc_now()
    api.make(headers={"Idempotency-Key": key})
    newest = api.db[JOURNAL].find_one({"fingerprint": {"$exists": True}}, sort=[("expires_at", -1)])
    assert newest is not None
    day = timedelta(hours=24)
    assert before + day <= newest["expires_at"] <= utc_now() + day
    index = api.db[JOURNAL].index_information()["ttl"]
    assert (index["key"], index["expireAfterSeconds"]) == ([("expires_at", 1)], 0)
    assert key not in str(newest), "keys are kept as hashes"


@pytest.mark.parametrize("key", ["", "x" * 256, "\x80"])
def test_what_is_no_key_is_refused(api: Api, key: str) -> None:
    answer = api.make(headers={"Idempotency-Key": key})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["Idempotency-Key"])


def test_every_post_is_documented_to_take_a_key(api: Api) -> None:
    for path, operations in api.client.get("/openapi.json").json["paths"].items():
        if "post" in operations:
            assert "Idempotency-Key" in [parameter["name"] for parameter in operations["post"]["parameters"]], path
