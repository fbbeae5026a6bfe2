"""When a service acknowledges an erasure, note it; the last one completes the erasure."""

from services.enrolment.erasures.domain import acknowledged, is_completed
from services.enrolment.erasures.store import ERASURES
from shared.erasure.acknowledgements import ACKNOWLEDGED
from shared.instants import parse_instant
from shared.messaging.messages import OWNER, Message
from shared.messaging.subscriptions import Policy
from shared.mongo.unit_of_work import UnitOfWork


def take_acknowledgement(uow: UnitOfWork, message: Message) -> None:
    """Raises NotFound for an erasure that is not ours."""
    erasure = uow.get(ERASURES, message.key)
    owner = OWNER.match(message.topic)
    if owner is None or owner["service"] not in erasure["services"]:
        raise LookupError(f"nobody's acknowledgement: {message.topic}")
    services = acknowledged(erasure["services"], owner["service"], parse_instant(message.time))
    if is_completed(services) and erasure["state"] == "pending":
        step = {"from": erasure["state"], "to": "completed"}
        uow.save(ERASURES, erasure, {"services": services, "state": "completed"}, "erasure.completed", change=step)
    else:
        uow.save(ERASURES, erasure, {"services": services}, "erasure.updated")


TAKE_ACKNOWLEDGEMENT = Policy(name="acknowledgements", types=frozenset({ACKNOWLEDGED}), handle=take_acknowledgement)
