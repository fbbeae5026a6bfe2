"""The problems of a running service, and what to do about them: `GET /v1/ops/doctor` and `uso doctor`."""

from ops.doctor.checkup import check_up

__all__ = ["check_up"]
