"""`python -m ops`: the operator's commands without anything of deploy/."""

from ops.command_line import ops

ops(prog_name="uso ops")
