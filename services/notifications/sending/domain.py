"""How long to wait before trying again, and when to give up. Pure: no I/O, no clock."""

from datetime import timedelta

CLAIM = timedelta(seconds=60)
BATCH = 50

MISSING_LIMIT = timedelta(minutes=10)
REFUSED_LIMIT = timedelta(days=5)  # RFC 5321, 4.5.4.1: give up after four to five days


def wait_for_a_copy(waits: int) -> timedelta:
    """Until something that a delivery refers to is looked for again: 100 ms, growing to five seconds."""
    return timedelta(seconds=min(5.0, 0.1 * 2.0 ** min(waits, 10)))


def wait_for_the_recipient(attempts: int, jitter: float) -> timedelta:
    """Until a mail that the server would not take for now (4xx) is offered again: 1 s, growing to 15 min.

    `jitter` is between 0 and 1.
    """
    return timedelta(seconds=min(900.0, 2.0 ** min(max(attempts - 1, 0), 12)) * (0.5 + jitter / 2))


def wait_for_the_server(failures: int, jitter: float) -> float:
    """Seconds until a server that is away is tried again: 0.2, growing to five."""
    return min(5.0, 0.1 * 2.0 ** min(failures, 8)) * (0.5 + jitter / 2)
