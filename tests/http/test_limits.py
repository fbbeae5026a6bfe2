"""How often one caller may call what needs no token: counted together by all processes, behind proxies too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo import MongoClient

from shared.http.limits import Bucket
from shared.mongo.database import connect
from shared.mongo.rate_limits import RATE_LIMITS, take_shared
from shared.settings import Settings
from tests.http.conftest import Api
from tests.support import Client, wait_for

BURST = 120
PROXIES = "10.0.0.0/8"  # where the test client calls from
PATHS = {"events": "/public/events", "notifications": "/public/preferences/x"}


@pytest.fixture(params=sorted(PATHS))
def processes(
    request: pytest.FixtureRequest, api_of: Callable[[str], Api], settings_for: Callable[..., Settings]
) -> Callable[..., list[Callable[..., int]]]:
    """Two processes of one service behind proxies; each is called with an address in X-Forwarded-For."""

    def make(**changes: Any) -> list[Callable[..., int]]:
        api = api_of(request.param)
        api.db[RATE_LIMITS].delete_many({})
        settings = settings_for(request.param, **changes)
        return [_caller(Client(api.service.app(settings, api.db), api.client.keys), request.param) for _ in range(2)]

    return make


def _caller(client: Client, service: str) -> Callable[..., int]:
    def call(address: str) -> int:
        headers = {"X-Forwarded-For": address}
        return client.get(PATHS[service], role=None, headers=headers).status_code

    return call


def refused(processes: list[Callable[..., int]], address: str) -> int:
    """Of two bursts at one address, spread over the processes, how many calls are told to wait."""
    answers = [processes[number % 2](address) for number in range(2 * BURST)]
    return answers.count(429)


def test_all_processes_count_together(processes: Callable[..., list[Callable[..., int]]]) -> None:
    proxied = processes(trusted_proxies=PROXIES)
    assert refused(proxied, "192.0.2.1") >= BURST // 2


def test_behind_a_trusted_proxy_each_caller_has_a_limit_of_their_own(
    processes: Callable[..., list[Callable[..., int]]],
) -> None:
    proxied = processes(trusted_proxies=PROXIES)
    refused(proxied, "192.0.2.1")
    assert 429 not in {call("192.0.2.2") for call in proxied}
    assert 429 not in {call("2001:db8:0:1::1") for call in proxied}


def test_a_customer_s_addresses_of_ipv6_share_one_limit(processes: Callable[..., list[Callable[..., int]]]) -> None:
    [call, _] = processes(trusted_proxies=PROXIES)
    answers = [call(f"2001:db8::{number:x}") for number in range(1, 2 * BURST)]
    assert 429 in answers


def test_without_trust_a_caller_cannot_choose_an_address(processes: Callable[..., list[Callable[..., int]]]) -> None:
    [call, _] = processes()
    answers = [call(f"192.0.2.{number}") for number in range(2 * BURST)]
    assert 429 in answers


def test_calls_at_once_never_get_more_than_the_burst(api: Api) -> None:
    def take(_: int) -> bool:
        return not take_shared(api.db[RATE_LIMITS], f"{api.service.name} at once", burst=10, per_second=0.001)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(60))) == 10


def test_a_shared_bucket_fills_again(api: Api) -> None:
    def take() -> float:
        return take_shared(api.db[RATE_LIMITS], f"{api.service.name} again", burst=2, per_second=2)

    assert [take(), take()] == [0, 0]
    assert 0 < take() <= 0.5
    wait_for(lambda: take() == 0, seconds=10)


def test_the_rows_name_no_address_and_go(api: Api, mongo: MongoClient[Any]) -> None:
    take_shared(api.db[RATE_LIMITS], "192.0.2.77", burst=2, per_second=2)
    rows = list(api.db[RATE_LIMITS].find({}))
    assert rows
    assert not any("192.0.2" in str(row) for row in rows)
    assert api.db[RATE_LIMITS].index_information()["ttl"]["expireAfterSeconds"] == 0


def test_while_the_database_is_away_each_process_counts_for_itself(
    api_of: Callable[[str], Api], settings_for: Callable[..., Settings]
) -> None:
    service = api_of("events").service
    app = service.app(settings_for("events"), connect("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=20", "away"))
    client = Client(app, api_of("events").client.keys)
    answers = [client.get("/public/registrations/x", role=None).status_code for _ in range(BURST + 10)]
    assert answers[0] == 404
    assert 429 in answers


def test_a_local_bucket_gives_its_burst() -> None:
    now = [0.0]
    bucket = Bucket(burst=2, per_second=0.5, clock=lambda: now[0])
    assert [bucket.take("a"), bucket.take("a"), bucket.take("b")] == [0, 0, 0]
