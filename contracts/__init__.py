"""The three services' messages as a contract: `python -m contracts write|check|compare|release`."""

import tomllib
from pathlib import Path

from contracts.compatibility import Contract
from contracts.files import contract
from services.enrolment.app import SERVICE as ENROLMENT
from services.events.app import SERVICE as EVENTS
from services.notifications.app import SERVICE as NOTIFICATIONS
from shared.kafka_settings import KafkaSettings

SERVICES = (ENROLMENT, EVENTS, NOTIFICATIONS)
REPOSITORY = Path(__file__).parents[1]
PUBLISHED = Path(__file__).parent / "published"
RELEASED = Path(__file__).parent / "released"


def present() -> Contract:
    """The services' present contract."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return contract(SERVICES, version=project["version"], defaults=KafkaSettings(kafka_bootstrap_servers=[]))
