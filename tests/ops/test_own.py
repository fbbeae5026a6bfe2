"""A database that was set back to a backup: the check names what it has lost and others still know."""

from typing import Any

from shared.ids import new_id
from tests.ops.conftest import Operation
from tests.ops.things import record


def test_a_check_of_its_own_things_names_what_the_topic_knows_better(operation: Operation, produce: Any) -> None:
    same, ahead, older, missing, erased, leaving = (new_id() for _ in range(6))
    keys = (same, ahead, older, missing, erased, leaving)
    produce(*[record(key, 2, name="Aino") for key in keys], (erased.encode(), None))
    versions = {same: 2, ahead: 3, older: 1, erased: 2}
    operation.db["things"].insert_many([{"_id": key, "version": version} for key, version in versions.items()])
    topic = operation.topic
    operation.db["journal"].insert_one({"_id": new_id(), "topic": topic, "key": leaving, "value": None})
    job = operation.done(operation.post("check", own=True))
    assert job["of"] == "own"
    found = job["result"]["aggregates"]["thing"]
    assert {each["key"]: each["what"] for each in found["differences"]} == {
        older: "older",
        missing: "missing",
        erased: "erased",
    }
    assert (job["result"]["differs"], found["keys"]) == (3, 6)
    assert "Aino" not in str(job)
