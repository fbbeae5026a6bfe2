"""When an erasure is completed. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.state_machine import StateMachine

SERVICES = ("enrolment", "events", "notifications")
LIFECYCLE = StateMachine(name="erasure", steps={"pending": {"completed"}, "completed": set()})
Services = Mapping[str, Mapping[str, Any]]


def nobody_yet() -> Services:
    """The services before any of them has erased anything."""
    return {service: {"state": "pending", "at": None} for service in SERVICES}


def acknowledged(services: Services, service: str, at: datetime) -> Services:
    """The services after `service` has acknowledged. Its first acknowledgement counts."""
    if services[service]["state"] == "completed":
        return services
    return {**services, service: {"state": "completed", "at": at}}


def is_completed(services: Services) -> bool:
    """Whether each service has acknowledged."""
    return all(of_service["state"] == "completed" for of_service in services.values())
