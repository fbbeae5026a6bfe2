"""A load generator: raw HTTP/1.1 over kept connections, cheap enough not to be what is measured."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.rows import Figures, percentile


@dataclass(frozen=True, slots=True)
class Answer:
    """One request's answer; `sent` and `answered` are readings of `time.perf_counter`."""

    sent: float
    answered: float
    status: int
    body: bytes

    @property
    def seconds(self) -> float:
        return self.answered - self.sent

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def post(path: str, body: Mapping[str, Any], *, token: str = "", headers: Mapping[str, str] | None = None) -> bytes:
    """A POST's bytes."""
    content = json.dumps(body, ensure_ascii=False).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: bench", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(content)}", *([f"Authorization: Bearer {token}"] if token else [])]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def get(path: str) -> bytes:
    """A GET's bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def closed(url: str, requests: Iterable[bytes], *, connections: int, seconds: float | None = None) -> list[Answer]:
    """Each connection sends its next request when the last is answered, for so long or until there are no more."""
    return asyncio.run(_closed(url, iter(requests), connections, seconds))


def paced(url: str, requests: Sequence[bytes], *, rate: float, connections: int = 16) -> list[Answer]:
    """One request every 1 / `rate` seconds, however long the answers take; in the order of sending.

    An answer's time counts from when its request was due, so that a stall counts for all whom it hits.
    """
    return asyncio.run(_paced(url, requests, rate, connections))


def latencies(answers: Sequence[Answer]) -> Figures:
    """Requests a second, and p50, p95 and p99 in milliseconds."""
    times = [answer.seconds * 1000 for answer in answers]
    span = max(answer.answered for answer in answers) - min(answer.sent for answer in answers)
    return {
        "rate": len(answers) / span,
        "p50": percentile(times, 0.5),
        "p95": percentile(times, 0.95),
        "p99": percentile(times, 0.99),
    }


def must_be(status: int, answers: Sequence[Answer]) -> Sequence[Answer]:
    """The answers. Raises AssertionError when one has another status."""
    for answer in answers:
        assert answer.status == status, f"{answer.status}: {answer.body[:500]!r}"
    return answers


async def _closed(url: str, requests: Iterator[bytes], connections: int, seconds: float | None) -> list[Answer]:
    until = time.perf_counter() + seconds if seconds else float("inf")
    answers: list[Answer] = []

    async def client() -> None:
        connection = await _connect(url)
        for request in requests:
            answers.append(await connection.ask(request))
            if time.perf_counter() > until:
                break
        connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return answers


async def _paced(url: str, requests: Sequence[bytes], rate: float, connections: int) -> list[Answer]:
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await _connect(url))
    start = time.perf_counter() + 0.05

    async def one(due: float, request: bytes) -> Answer:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        connection = await free.get()
        answer = await connection.ask(request)
        free.put_nowait(connection)
        return Answer(due, answer.answered, answer.status, answer.body)

    answers = await asyncio.gather(*(one(start + number / rate, each) for number, each in enumerate(requests)))
    while not free.empty():
        free.get_nowait().close()
    return list(answers)


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> Answer:
        sent = time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        return Answer(sent, time.perf_counter(), int(head[9:12]), body)

    def close(self) -> None:
        self._writer.close()


async def _connect(url: str) -> _Connection:
    parts = urlsplit(url)
    return _Connection(*await asyncio.open_connection(parts.hostname, parts.port))
