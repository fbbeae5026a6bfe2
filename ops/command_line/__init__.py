"""`uso ops`: the operator's commands, a client of /v1/ops in each service."""

from ops.command_line import dead_letters, doctor, jobs, views
from ops.command_line.doctor import doctor_alone
from ops.command_line.group import ops

__all__ = ["dead_letters", "doctor", "doctor_alone", "jobs", "ops", "views"]
