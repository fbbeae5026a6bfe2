"""What is wrong with a running service and what to do about it, as `GET /v1/ops/doctor` and `uso doctor` tell."""

from ops.doctor.checkup import check_up

__all__ = ["check_up"]
