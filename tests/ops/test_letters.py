"""Dead letters: seen without anything personal, applied again once, set aside with a reason."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.ids import new_id
from shared.mongo.database import DEAD_LETTERS
from tests.ops.conftest import Operation
from tests.ops.things import record

SECRET_NAME, SECRET_MAIL = "Aino Meriläinen", "aino@kunta.example"


@pytest.fixture
def broken(operation: Operation) -> Operation:
    operation.mood.broken = True
    return operation


def test_a_letter_says_where_it_came_from_and_what_went_wrong(broken: Operation, produce: Any) -> None:
    key = new_id()
    produce(record(key, 3, bad=True))
    with broken.consuming():
        letter = broken.letter()
    shown = broken.get(f"dead-letters/{letter['id']}")
    assert shown["state"] == "dead"
    assert (shown["topic"], shown["key"], shown["tries"]) == (broken.topic, key, 3)
    assert (shown["error"], shown["reason"]) == ("RuntimeError", "A handler raised RuntimeError.")
    assert (shown["message"]["type"], shown["message"]["sequence"]) == ("thing.updated", 3)
    assert shown["payload"]["data"]["state"]["bad"] is True


def test_nothing_personal_is_shown(broken: Operation, produce: Any) -> None:
    personal = {
        "name": SECRET_NAME,
        "emails": [SECRET_MAIL],
        "phone": 401234567,
        SECRET_NAME: 1,
        "person_sealed": "gAAA",
    }
    produce(
        record(new_id(), 1, bad=True, **personal),
        (SECRET_MAIL.encode(), f"no JSON but {SECRET_NAME}".encode()),
        (b"k", f'["{SECRET_NAME}"]'.encode()),
        headers=[("content-type", SECRET_MAIL.encode()), (SECRET_MAIL, b"x"), ("x", SECRET_NAME.encode())],
    )
    with broken.consuming():
        ids = [letter["id"] for letter in _letters(broken, 3)]
    seen = str(broken.get("dead-letters")) + "".join(
        str(broken.get(f"dead-letters/{identifier}")) for identifier in ids
    )
    for identifier in ids:
        seen += str(broken.post(f"dead-letters/{identifier}/redrive", status=200))
    seen += str(broken.get("audit"))
    for part in ("Aino", "Meril", "kunta.example", "401234567", "gAAA"):
        assert part not in seen


def test_a_redriven_message_has_its_effect_once(broken: Operation, produce: Any) -> None:
    key = new_id()
    produce(record(key, 1, bad=True, n=1), record(key, 2, n=2))
    with broken.consuming():
        letter = broken.letter()
        broken.has_handled(1)
        broken.mood.broken = False
        redriven = broken.post(f"dead-letters/{letter['id']}/redrive", status=200, reason="mended in 1.2")
        assert redriven["state"] == "redriven"
        assert redriven["closed_by"] == "test-operator"
        broken.post(f"dead-letters/{letter['id']}/redrive", status=409)
        broken.post(f"dead-letters/{letter['id']}/discard", status=409, reason="no")
    assert sorted(broken.effects()).count(letter["message"]["id"]) == 1
    assert len(broken.effects()) == 2
    assert broken.projections()[key]["n"] == 2, "an older message does not overwrite a newer one"
    assert "value" not in (broken.db[DEAD_LETTERS].find_one({"_id": letter["id"]}) or {})


def test_many_redrives_at_once_have_one_effect(broken: Operation, produce: Any) -> None:
    produce(record(new_id(), 1, bad=True))
    with broken.consuming():
        letter = broken.letter()
    broken.mood.broken = False
    statuses: list[int] = []

    def redrive() -> None:
        answer = broken.client.post(f"/v1/ops/dead-letters/{letter['id']}/redrive", role="operator", json={})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=redrive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, *[409] * 7]
    assert len(broken.effects()) == 1


def test_the_same_idempotency_key_gives_the_same_answer(broken: Operation, produce: Any) -> None:
    produce(record(new_id(), 1, bad=True))
    with broken.consuming():
        letter = broken.letter()
    headers = {"Idempotency-Key": "once"}
    first = broken.post(f"dead-letters/{letter['id']}/redrive", status=200, headers=headers)
    broken.mood.broken = False
    assert broken.post(f"dead-letters/{letter['id']}/redrive", status=200, headers=headers) == first
    assert broken.effects() == []


def test_a_message_that_fails_again_stays_dead_with_one_more_try(broken: Operation, produce: Any) -> None:
    produce(record(new_id(), 1, bad=True))
    with broken.consuming():
        letter = broken.letter()
    again = broken.post(f"dead-letters/{letter['id']}/redrive", status=200)
    assert (again["state"], again["tries"]) == ("dead", letter["tries"] + 1)
    assert broken.get("audit")["items"][0]["about"] == {"outcome": "dead", "error": "RuntimeError"}


def test_a_refusal_by_a_handler_is_the_messages_failure_and_not_the_operators(broken: Operation, produce: Any) -> None:
    produce(record(new_id(), 1, refused=True))
    with broken.consuming():
        letter = broken.letter()
    headers = {"Idempotency-Key": "a handler refuses"}
    again = broken.post(f"dead-letters/{letter['id']}/redrive", status=200, headers=headers)
    assert (again["state"], again["error"]) == ("dead", "Conflict")


def test_a_number_beyond_all_numbers_leaves_the_list_readable_and_the_others_redrivable(
    broken: Operation, produce: Any
) -> None:
    key, value = record(new_id(), 1)
    produce((key, value.replace(b'"sequence": 1', b'"sequence": 1e999')), record(new_id(), 1, bad=True))
    with broken.consuming():
        letters = _letters(broken, 2)
    unreadable = next(letter for letter in letters if letter["error"] == "Undecodable")
    assert broken.get(f"dead-letters/{unreadable['id']}")["message"] is None
    broken.mood.broken = False
    job = broken.done(broken.post("dead-letters/redrive"))
    assert job["result"] == {"redriven": 1, "dead": 1}


def test_a_dead_letter_is_deleted_after_thirty_days(broken: Operation, produce: Any) -> None:
    produce(record(new_id(), 1, bad=True))
    before = datetime.now(UTC)
    with broken.consuming():
        letter = broken.letter()
    row = broken.db[DEAD_LETTERS].find_one({"_id": letter["id"]}) or {}
    assert timedelta(days=29, hours=23) < row["expires_at"] - before < timedelta(days=30, hours=1)
    ttl = broken.db[DEAD_LETTERS].index_information()["ttl"]
    assert (ttl["key"], ttl["expireAfterSeconds"]) == ([("expires_at", 1)], 0)


def test_discarding_needs_a_reason(broken: Operation, produce: Any) -> None:
    produce((b"k", b"no message"))
    with broken.consuming():
        letter = broken.letter()
    refused = broken.post(f"dead-letters/{letter['id']}/discard", status=422)
    assert "reason" in refused["errors"]
    discarded = broken.post(f"dead-letters/{letter['id']}/discard", status=200, reason="a test record")
    assert (discarded["state"], discarded["why_closed"]) == ("discarded", "a test record")
    assert broken.get("dead-letters", state="dead")["items"] == []


def test_all_letters_of_a_kind_are_redriven_by_a_job(broken: Operation, produce: Any) -> None:
    produce(*[record(new_id(), 1, bad=True) for _ in range(5)], (b"k", b"no message"))
    with broken.consuming():
        _letters(broken, 6)
    broken.mood.broken = False
    job = broken.done(broken.post("dead-letters/redrive", error="RuntimeError", reason="mended"))
    assert job["result"] == {"redriven": 5, "dead": 0}
    job = broken.done(broken.post("dead-letters/redrive"))
    assert job["result"] == {"redriven": 0, "dead": 1}
    assert len(broken.effects()) == 5


def test_the_list_can_be_filtered_and_paged(broken: Operation, produce: Any) -> None:
    produce(*[record(new_id(), 1, bad=True) for _ in range(3)], (b"k", b"no message"))
    with broken.consuming():
        _letters(broken, 4)
    assert len(broken.get("dead-letters", error="Undecodable")["items"]) == 1
    assert broken.get("dead-letters", topic="another")["items"] == []
    first = broken.get("dead-letters", limit=3)
    second = broken.get("dead-letters", limit=3, cursor=first["next_cursor"])
    assert len({letter["id"] for letter in first["items"] + second["items"]}) == 4


def test_the_audit_names_who_did_what_and_why(broken: Operation, produce: Any, keys: Any) -> None:
    produce(record(new_id(), 1, bad=True), (b"k", b"no message"))
    with broken.consuming():
        first, _ = _letters(broken, 2)
    broken.mood.broken = False
    headers = {"Authorization": f"Bearer {keys.token('operator', sub='maija')}"}
    broken.post(f"dead-letters/{first['id']}/discard", status=200, headers=headers, reason="of no use")
    broken.post("projections/copies/rebuild", headers=headers, reason="to be sure")
    newest, older = broken.get("audit")["items"]
    assert (newest["by"], newest["action"], newest["of"], newest["reason"]) == (
        *("maija", "rebuild", "copies"),
        "to be sure",
    )
    assert (older["by"], older["action"], older["of"], older["reason"]) == (
        *("maija", "discard", first["id"]),
        "of no use",
    )


@pytest.mark.parametrize("role", [None, "viewer", "coordinator", "manager"])
def test_only_operators_come_in(operation: Operation, role: str | None) -> None:
    refused = 401 if role is None else 403
    for path in ("lag", "outbox", "topics", "dead-letters", "projections", "audit", "rebuilds/x"):
        assert operation.client.get(f"/v1/ops/{path}", role=role).status_code == refused
    for path in ("dead-letters/redrive", "replay", "check", "projections/copies/rebuild"):
        assert operation.client.post(f"/v1/ops/{path}", role=role, json={}).status_code == refused


def _letters(operation: Operation, count: int) -> list[dict[str, Any]]:
    from tests.support import wait_for

    return wait_for(lambda: found if len(found := operation.get("dead-letters")["items"]) >= count else [])
