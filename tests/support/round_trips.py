"""Counts the round trips to MongoDB: a figure that is the same on every machine."""

from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

UNASKED = frozenset({"hello", "isMaster", "ping", "endSessions", "saslStart", "saslContinue"})


class CommandLog(CommandListener):
    """The names of the commands that a client sent, in their order: one round trip each.

    Give it to the client: `MongoClient(…, event_listeners=[commands])`.
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

    def during(self, action: Any) -> list[str]:
        """The commands that calling `action` takes: their number is the number of round trips."""
        before = len(self.names)
        action()
        return self.names[before:]
