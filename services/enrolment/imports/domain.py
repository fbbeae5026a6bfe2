"""The states of an import. Pure."""

from shared.state_machine import StateMachine

LIFECYCLE = StateMachine(name="import", steps={"done": {"undone"}, "undone": set()})
