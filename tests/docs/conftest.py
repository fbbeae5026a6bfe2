"""Real services for what the README shows of them."""

from tests.events.conftest import events
from tests.notifications.conftest import mailbox, notifications, serving, smtp

__all__ = ["events", "mailbox", "notifications", "serving", "smtp"]
