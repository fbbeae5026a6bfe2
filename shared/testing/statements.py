"""Counting what is asked of MongoDB: a figure that is the same on every machine."""

from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

UNASKED = frozenset({"hello", "isMaster", "ping", "endSessions", "saslStart", "saslContinue"})


class Statements(CommandListener):
    """The names of the commands that a client sent, in their order: one round trip each.

    Give it to the client: `MongoClient(…, event_listeners=[statements])`.
    """

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name not in UNASKED:
            self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Counted already."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Counted already."""

    def of(self, action: Any) -> list[str]:
        """Those that calling `action` takes."""
        before = len(self.names)
        action()
        return self.names[before:]
