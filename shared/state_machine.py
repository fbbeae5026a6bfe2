"""The states of an aggregate and the steps between them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from shared.errors import Conflict, Forbidden, Invalid


class IllegalTransition(Conflict):
    """The state machine has no such transition."""


@dataclass(frozen=True, kw_only=True)
class StateMachine:
    """A table of steps: state → the states that it can become. Pure.

    `name` is the aggregate's noun, for the sentences. A step into one of `reasoned` needs a reason, a step
    into one of `roles` the role that stands there.
    """

    name: str
    steps: Mapping[str, Collection[str]]
    reasoned: Collection[str] = ()
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def states(self) -> tuple[str, ...]:
        """All states, in the order of the table."""
        return tuple(self.steps)

    def is_final(self, state: str) -> bool:
        """Whether no step leads out of `state`."""
        return not self.steps[state]

    def check(self, state: str, to: str, *, reason: str | None = None, roles: Collection[str] | None = None) -> None:
        """Raises unless the step may be taken.

        Invalid (422) when `to` is no state at all or the reason is missing, IllegalTransition (409) when the
        table lacks the step, Forbidden (403) when `roles` (None: not asked for) lack the role that it needs.
        """
        if to not in self.steps:
            raise Invalid({"to": [f"Must be one of: {', '.join(self.states)}."]})
        if to not in self.steps[state]:
            following = ", ".join(sorted(self.steps[state])) or "nothing"
            raise IllegalTransition(
                f"{_article(self.name)} {self.name} that is {state} cannot become {to}. "
                f"From here it can become {following}."
            )
        if to in self.reasoned and not reason:
            raise Invalid({"reason": [f"Say why it becomes {to}."]})
        needed = self.roles.get(to)
        if needed and roles is not None and needed not in roles:
            raise Forbidden(f"This needs the role {needed}. Yours: {', '.join(sorted(roles)) or 'none'}.")


def _article(noun: str) -> str:
    return "An" if noun[0] in "aeiou" else "A"
