"""The cause of a change: the actor, the request, the message that it follows from."""

from dataclasses import dataclass

from shared.ids import new_id


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Travels with every change into its history row, its message and the logs.

    `actor` is the `sub` of the staff member's token (or the name of the rule that acted on its own);
    `correlation_id` stays the same along a chain of messages; `causation_id` is the id of the message
    that this follows from, None at the start of a chain; `traceparent` is W3C Trace Context's.
    """

    actor: str
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None
    roles: frozenset[str] = frozenset()


def own_initiative(rule: str) -> Cause:
    """The cause of a change that a service makes by itself, by its rule `name`."""
    return Cause(actor=rule, correlation_id=new_id())
