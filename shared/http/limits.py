"""A limit on how often one address may call, for views that need no token."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Any, TypeVar

from flask import request
from pymongo.errors import PyMongoError

from shared.errors import TooManyRequests
from shared.http.calls import database
from shared.http.proxies import network_of
from shared.mongo.rate_limits import RATE_LIMITS, take_shared

View = TypeVar("View", bound=Callable[..., Any])

# Each address costs about 200 bytes of memory; a flood from more of them empties the buckets instead.
MOST_ADDRESSES = 10_000
# While the database is away each attempt takes a second: in this time there is only one attempt.
OUTAGE_SECONDS = 10.0


class Bucket:
    """A token bucket for each key, in this process: `burst` tokens at once, `per_second` new ones after that."""

    def __init__(self, *, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.burst = burst
        self.per_second = per_second
        self.asks_again_at = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> float:
        """Takes one token from the bucket of `key`. Returns 0, or the seconds to wait when the bucket is empty."""
        now = self._clock()
        with self._lock:
            left, at = self._left.get(key, (float(self.burst), now))
            left = min(self.burst, left + (now - at) * self.per_second)
            if left < 1:
                return (1 - left) / self.per_second
            self._left[key] = left - 1, now
            if len(self._left) > MOST_ADDRESSES:
                self._forget(now)
        return 0

    def _forget(self, now: float) -> None:
        """Drops the keys whose buckets are full again; drops all keys when too many addresses call at once."""
        full_after = self.burst / self.per_second
        self._left = {key: value for key, value in self._left.items() if now - value[1] < full_after}
        if len(self._left) > MOST_ADDRESSES:
            self._left.clear()


def _take(bucket: Bucket, key: str) -> float:
    """Takes a token from this process's bucket, then from the shared bucket: a flood does not reach the database."""
    wait = bucket.take(key)
    if wait:
        return wait
    shared_key = f"{bucket.burst}/{bucket.per_second}/{key}"
    if time.monotonic() < bucket.asks_again_at:
        return 0
    try:
        return take_shared(database()[RATE_LIMITS], shared_key, burst=bucket.burst, per_second=bucket.per_second)
    except PyMongoError:
        bucket.asks_again_at = time.monotonic() + OUTAGE_SECONDS
        return 0


def limited(bucket: Bucket) -> Callable[[View], View]:
    """Marks a view that each address may call as often as `bucket` says. Raises TooManyRequests (429).

    All processes of a service count together, in the database; while that is away each counts for itself. Addresses
    of IPv6 count by their /64, which is what one customer gets (RFC 6177).
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(*args: Any, **kwargs: Any) -> Any:
            wait = _take(bucket, network_of(request.remote_addr or ""))
            if wait:
                raise TooManyRequests("Too many requests from your address. Wait a moment.", retry_after=ceil(wait))
            return view(*args, **kwargs)

        return counted  # type: ignore[return-value]

    return decorate
