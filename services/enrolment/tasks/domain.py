"""The states of a task. Pure."""

from shared.state_machine import StateMachine

LIFECYCLE = StateMachine(name="task", steps={"open": {"done", "cancelled"}, "done": {"open"}, "cancelled": {"open"}})
