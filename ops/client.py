"""A thin HTTP client, such as any caller of the services might write."""

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

PATIENCE_SECONDS = 20.0
TIMEOUT_SECONDS = 15
FINE = (200, 201, 202)


class CallFailed(Exception):
    """A call failed; the text names the call and the reason."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer, and the moment (seconds since 1970) at which it was there."""

    status: int
    body: Any
    at: float


class Api:
    """A client of one service with a token of one role. Several threads may use it."""

    def __init__(self, url: str, token: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = url.rstrip("/")
        self.timeout_seconds = timeout_seconds
        self.token = token
        self._local = threading.local()

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query).body

    def every(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get(path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, json=body).body

    def put(self, path: str, body: Any, *, version: int) -> Any:
        return self.call("PUT", path, json=body, headers={"If-Match": f'"{version}"'}).body

    def upload(self, path: str, table: str) -> Any:
        """Sends a CSV table."""
        return self.call("POST", path, data=table.encode(), headers={"Content-Type": "text/csv"}).body

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = FINE,
        **content: Any,
    ) -> Answer:
        """One call. When the answer has `Retry-After`, the call is repeated with the same Idempotency-Key.

        Raises CallFailed with the problem's own words when the answer's status is not among `fine`.
        """
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if method == "POST":
            sent["Idempotency-Key"] = str(uuid.uuid4())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = self._session.request(
                    method, self.url + path, params=query, headers=sent, timeout=self.timeout_seconds, **content
                )
            except requests.RequestException as error:
                raise CallFailed(f"{method} {self.url}{path}: no answer ({type(error).__name__})") from error
            at = time.time()
            again = response.headers.get("Retry-After")
            if response.status_code in fine or again is None or time.monotonic() > deadline:
                break
            time.sleep(float(again))
        if response.status_code not in fine:
            raise CallFailed(f"{method} {path} answered {response.status_code}: {_problem(response)}")
        return Answer(status=response.status_code, body=_json(response), at=at)

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


class Staff:
    """Clients of the three services, with a token of this role."""

    def __init__(self, stack: Mapping[str, Any], role: str) -> None:
        urls = {name: service["url"] for name, service in stack["services"].items()}
        token = stack["tokens"][role]
        self.enrolment = Api(urls["enrolment"], token)
        self.events = Api(urls["events"], token)
        self.notifications = Api(urls["notifications"], token)


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise CallFailed(f"{response.request.method} {response.url}: the answer is no JSON") from error


def _problem(response: requests.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return response.text[:200]
    parts = [problem.get("title"), problem.get("detail"), problem.get("errors")]
    return " · ".join(str(part) for part in parts if part)
