"""Help for tests of any service: clients with tokens, messages by hand, waiting for a condition."""

from shared.testing.clients import Client, Keys
from shared.testing.messages import feed, message, outbox, relay_by_hand
from shared.testing.waiting import wait_for

__all__ = ["Client", "Keys", "feed", "message", "outbox", "relay_by_hand", "wait_for"]
