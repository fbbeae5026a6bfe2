"""A report ends a delivery, and may suppress an address."""

from typing import Any

from services.notifications.bounces.reports import Report
from services.notifications.deliveries.commands import BAD_ADDRESS_FOR, Outcome, move
from services.notifications.deliveries.domain import may_become
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.suppressions.commands import lift, suppress_unless
from services.notifications.suppressions.store import SUPPRESSIONS
from shared.email_address import normalise_email
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

NOTHING = {"kind": "none", "delivery_id": None, "suppressed": False}


def take_report(uow: UnitOfWork, report: Report | None, *, named: str | None = None) -> Document:
    """Applies a report about one of our deliveries. Other messages, and reports of others' mails, change nothing."""
    identifier = named or (report.delivery_id if report else None)
    delivery = report and identifier and uow.find_one(DELIVERIES.collection, {"_id": identifier})
    if report is None or not delivery:
        return NOTHING
    answer: dict[str, Any] = {"kind": report.kind, "delivery_id": delivery["_id"], "suppressed": False}
    to = "bounced" if report.kind == "bounced" else "delivered" if report.kind == "delivered" else None
    if to and may_become(delivery["state"], to):
        server = report.reply.to_document() if report.reply else None
        code = (report.reply.enhanced_code if report.reply else None) or "unknown"
        error = f"bounced_{code}" if to == "bounced" else None
        move(uow, delivery, Outcome(delivery_id=delivery["_id"], to=to, error=error, fields={"server": server}))
    if report.kind == "delivered" and report.recipient:
        _lift_a_bounce(uow, report.recipient)
    if report.recipient and _is_for_good(report):
        reason = "complained" if report.kind == "complained" else "bounced"
        expires_at = None if reason == "complained" else uow.now + BAD_ADDRESS_FOR
        answer["suppressed"] = suppress_unless(uow, report.recipient, reason=reason, expires_at=expires_at)
    return answer


def _is_for_good(report: Report) -> bool:
    if report.kind == "complained":
        return True
    code = report.reply.enhanced_code if report.reply else None
    return report.kind == "bounced" and (code or "").startswith("5.1.")


def _lift_a_bounce(uow: UnitOfWork, address: str) -> None:
    """The mailbox is there again."""
    bounced = uow.find_one(SUPPRESSIONS.collection, {"email": normalise_email(address), "reason": "bounced"})
    if bounced is not None:
        lift(uow, bounced["_id"])
