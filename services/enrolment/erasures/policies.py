"""Notes each service's acknowledgement of an erasure. The last acknowledgement completes the erasure."""

from ops.erasure.acknowledgements import ACKNOWLEDGED
from services.enrolment.erasures.domain import acknowledged, is_completed
from services.enrolment.erasures.store import ERASURES
from shared.instants import parse_instant
from shared.messaging.messages import OWNER, Message
from shared.messaging.subscriptions import Policy
from shared.mongo.unit_of_work import UnitOfWork
from shared.telemetry.logs import get_logger

log = get_logger(__name__)


def take_acknowledgement(uow: UnitOfWork, message: Message) -> None:
    """Notes the acknowledgement. After a restore from a backup an erasure may be unknown here: ask for it again."""
    found = uow.find_all(ERASURES, {"_id": message.key})
    if not found:
        log.warning("an unknown erasure was acknowledged", erasure=message.key)
        return
    erasure = found[0]
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
