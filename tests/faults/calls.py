"""HTTP calls as a careful client makes them: each is known in the end to be done or refused."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import requests

Outcome = Literal["done", "refused", "unknown"]
TIMEOUT_SECONDS = 25


@dataclass(kw_only=True)
class Call:
    """One thing that a client wants, however many requests it takes.

    `id` goes along as X-Request-ID, and so into the history of whatever the call changes; `key` is its
    Idempotency-Key (a PATCH has its If-Match instead). `tells` is the message type that it leads to.
    """

    id: str
    service: str
    method: str
    path: str
    body: dict[str, Any]
    tells: str
    if_match: int | None = None
    outcome: Outcome = "unknown"
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    doubtful: bool = False


class Caller:
    """Makes calls and keeps the record of them. For several threads."""

    def __init__(self, info: Mapping[str, Any], *, role: str = "manager") -> None:
        self.urls = {name: service["url"] for name, service in info["services"].items()}
        self.token = info["tokens"][role]
        self.calls: list[Call] = []
        self.statuses: dict[int, int] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def call(self, call: Call, *, tries: int = 4) -> Call:
        """Makes the request, again where the answer asks for it or there is none; after `tries` it stays unknown."""
        with self._lock:
            if not call.requests:
                self.calls.append(call)
        for attempt in range(1, tries + 1):
            response = self._request(call)
            with self._lock:
                code = 0 if response is None else response.status_code
                self.statuses[code] = self.statuses.get(code, 0) + 1
            if response is None or response.status_code >= 500:
                call.doubtful = True
            elif not _asks_to_come_again(response) or (attempt == tries and not call.doubtful):
                self._settle(call, response)
                return call
            time.sleep(random.uniform(0.05, 0.3) * attempt)
        return call

    def until_known(self, *, seconds: float) -> list[Call]:
        """Repeats what is unknown; returns what still is at the end of the time."""
        deadline = time.monotonic() + seconds
        while unknown := [call for call in self.calls if call.outcome == "unknown"]:
            if time.monotonic() > deadline:
                return unknown
            for call in unknown:
                self.call(call)
        return []

    def get(self, service: str, path: str, **query: Any) -> dict[str, Any] | None:
        """The answer's body; None when there is no good answer."""
        try:
            response = self._session.get(
                self.urls[service] + path, params=query, headers=self._headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException:
            return None
        return response.json() if response.status_code == 200 else None

    def _settle(self, call: Call, response: requests.Response) -> None:
        call.status = response.status_code
        if response.status_code < 300:
            call.outcome, call.answer = "done", response.json()
        elif response.status_code == 412 and call.doubtful:
            self._look_into_the_history(call)
        else:
            call.outcome = "refused"

    def _look_into_the_history(self, call: Call) -> None:
        """The version is another: ours, if the earlier request without an answer was carried out."""
        history = self.get(call.service, f"{call.path}/history", limit=200)
        if history is not None:
            mine = any(entry["correlation_id"] == call.id for entry in history["items"])
            call.outcome = "done" if mine else "refused"

    def _request(self, call: Call) -> requests.Response | None:
        call.requests += 1
        headers = {**self._headers, "X-Request-ID": call.id}
        if call.method == "POST":
            headers["Idempotency-Key"] = call.id
        if call.if_match is not None:
            headers["If-Match"] = f'"{call.if_match}"'
        try:
            return self._session.request(
                call.method,
                self.urls[call.service] + call.path,
                json=call.body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException:
            return None

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


def _asks_to_come_again(response: requests.Response) -> bool:
    return response.status_code in (409, 422, 429) and "Retry-After" in response.headers
