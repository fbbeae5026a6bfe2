"""Help for tests of any service: clients with tokens, messages by hand, waiting for a condition."""

from tests.support.clients import Client, Keys
from tests.support.messages import feed, message, outbox, relay_by_hand
from tests.support.waiting import wait_for

__all__ = ["Client", "Keys", "feed", "message", "outbox", "relay_by_hand", "wait_for"]
