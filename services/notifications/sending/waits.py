"""How long the sender waits before it tries again."""

from datetime import timedelta

from shared.backoff import backoff


def wait_for_projection(waits: int) -> timedelta:
    """Until the sender looks again for a thing that has not arrived here: 0.1 s, growing to a minute."""
    return timedelta(seconds=backoff(waits + 1, first=0.1, most=60))


def wait_for_recipient(attempts: int) -> timedelta:
    """Until a mail that the server refused for now (4xx) is offered again: some 2 min, growing to 30.

    RFC 5321, 4.5.4.1 counts in minutes: greylisting starts over with each try that comes too early.
    """
    return timedelta(seconds=backoff(attempts, first=180, most=30 * 60))


def wait_after_unknown(unknowns: int) -> timedelta:
    """Until a mail with an unknown outcome is sent again: a second at first, since a broken connection is the usual
    cause; then minutes, since this mail may be what breaks it.
    """
    return timedelta(seconds=backoff(unknowns, first=120, most=30 * 60) if unknowns else 1)


def wait_for_server(failures: int) -> float:
    """Seconds until a mail server that is away is tried again: 0.2, growing to five."""
    return backoff(failures, first=0.2, most=5)
