"""A large event. `USO_LARGE_EVENT=10000 pytest -s tests/events/test_large_event.py` prints how long each call takes."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from services.events.people import name_search
from services.events.registrations.store import REGISTRATIONS
from shared.ids import new_id, utc_now
from tests.events import builders as a
from tests.events.conftest import Events, Json

SIZE = int(os.environ.get("USO_LARGE_EVENT", "600"))


@pytest.fixture
def large(events: Events) -> Json:
    """An event with SIZE guests, of whom the last is called Zacharias; put into the database without the service."""
    event = events.published(a.webinar())
    [usual] = [events.registered(event, person=a.person(0))]
    template = events.db[REGISTRATIONS.collection].find_one({"_id": usual["id"]}) or {}
    rows = []
    for number in range(1, SIZE):
        person = a.person(number, given_name="Zacharias" if number == SIZE - 1 else f"Aino{number}")
        sealed = events.secrets.seal(json.dumps(person))
        own = {"_id": new_id(), "person_sealed": sealed, "person_keys": [person["email"]], "queue_number": number + 1}
        rows.append({**template, **own, "created_at": utc_now()})
    events.db[REGISTRATIONS.collection].insert_many(rows)
    return event


def timed(what: str, call: Callable[[], Any]) -> Any:
    begun, spent = time.perf_counter(), time.process_time()
    answer = call()
    waited, worked = time.perf_counter() - begun, time.process_time() - spent
    print(f"{SIZE:>6} {what:<26} {waited:6.2f} s, {worked:6.2f} s of the processor")
    assert answer.status_code == 200
    return answer


def test_a_large_event_lists_exports_and_sums_up_everybody(events: Events, large: Json) -> None:
    path = f"/v1/events/{large['id']}"
    page = timed("a page of 200", lambda: events.client.get(f"{path}/registrations?limit=200"))
    assert len(page.json["items"]) == min(200, SIZE)
    summary = timed("summary", lambda: events.client.get(f"{path}/summary"))
    assert summary.json["by_state"] == {"confirmed": SIZE}
    for format in ("csv", "xlsx"):
        table = timed(f"export as {format}", lambda: events.client.get(f"{path}/registrations.csv?format={format}"))  # noqa: B023 - called at once
        if format == "csv":
            assert len(table.data.decode("utf-8-sig").strip().splitlines()) == SIZE + 1
    timed("preview of a cancellation", lambda: events.client.post(
        f"{path}/transitions?preview=true", json={"to": "cancelled"}
    ))  # fmt: skip


def test_a_search_by_name_opens_a_bounded_number_of_names_and_goes_on_where_it_stopped(
    events: Events, large: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_search, "PORTION", 50)
    monkeypatch.setattr(name_search, "MOST_LOOKED_AT", 200)
    path = f"/v1/events/{large['id']}/registrations"
    found, cursor, asked = [], None, 0
    while asked == 0 or cursor:
        query = {"q": "zach", "limit": 10} | ({"cursor": cursor} if cursor else {})
        answer = events.client.get(path, query_string=query).json
        found += [registration["person"]["given_name"] for registration in answer["items"]]
        cursor, asked = answer["next_cursor"], asked + 1
    assert (found, asked) == (["Zacharias"], -(-SIZE // 200))


def test_a_search_with_many_results_comes_in_whole_pages(events: Events, large: Json) -> None:
    path = f"/v1/events/{large['id']}/registrations"
    seen: list[Json] = []
    cursor = None
    for _ in range(3):
        query = {"q": "meri", "limit": 130} | ({"cursor": cursor} if cursor else {})
        answer = events.client.get(path, query_string=query).json
        assert len(answer["items"]) == 130
        seen += answer["items"]
        cursor = answer["next_cursor"]
    numbers = [registration["queue_number"] for registration in seen]
    assert (len({registration["id"] for registration in seen}), numbers) == (390, sorted(numbers))
