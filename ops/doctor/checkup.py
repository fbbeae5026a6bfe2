"""All examinations of a service, from inside it."""

import os
from typing import Any

from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

from ops.context import OpsContext
from ops.doctor.certificates import certificates
from ops.doctor.database import clock, database
from ops.doctor.findings import Check, Finding, wrong
from ops.doctor.messages import dead_letter_store, outbox_and_relay, reading, replaced_topics, topic_settings
from ops.doctor.settings import settings
from shared.errors import Unavailable
from shared.ids import utc_now

CHECKS: dict[str, Check] = {
    "settings": settings,
    "certificates": certificates,
    "database": database,
    "clock": clock,
    "topics": topic_settings,
    "replaced topics": replaced_topics,
    "reading": reading,
    "outbox": outbox_and_relay,
    "dead letters": dead_letter_store,
}


def check_up(context: OpsContext) -> dict[str, Any]:
    """Each check with its findings. A server that does not answer is a finding, and no error."""
    checks = [{"name": name, "findings": _findings(check, context)} for name, check in CHECKS.items()]
    # The time at the end: the caller compares it with the moment at which the answer came.
    return {"version": os.environ.get("USO_VERSION"), "checks": checks, "now": utc_now()}


def _findings(check: Check, context: OpsContext) -> list[Finding]:
    try:
        return list(check(context))
    except (KafkaError, Unavailable):
        return [wrong("Kafka does not answer this service.", "Look whether the brokers run, and at KAFKA_* settings.")]
    except PyMongoError as error:
        what = f"MongoDB does not answer this service ({type(error).__name__})."
        return [wrong(what, "Look whether its members run, and at MONGODB_URI.")]
