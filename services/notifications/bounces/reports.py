"""A mail server's report about a mail of ours: RFC 3464 (delivery status) and RFC 5965 (complaints). Pure."""

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message

from services.notifications.sending.smtp_reply import Reply, parse_reply

_MESSAGE_ID = re.compile(r"^Message-ID:\s*<([^<>\s@]+)@[^<>\s]+>", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, kw_only=True)
class Report:
    """`kind` is `bounced`, `delivered` or `complained`. `delivery_id` and `recipient` stand as in the report."""

    kind: str
    delivery_id: str | None
    recipient: str | None = None
    reply: Reply | None = None


def read_report(content: bytes) -> Report | None:
    """The report in the message; None for a delay, and for an automatic reply (RFC 3834)."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    if message.get_content_type() != "multipart/report":
        return None
    parts = {part.get_content_type(): part for part in message.walk()}
    if "message/feedback-report" in parts:
        return _complaint(parts["message/feedback-report"], content)
    return _delivery_status(parts["message/delivery-status"], content) if "message/delivery-status" in parts else None


def _complaint(part: Message, content: bytes) -> Report | None:
    fields = _fields(part)
    if fields.get("feedback-type", "").strip().lower() not in ("abuse", "fraud", "not-spam-but-unwanted"):
        return None
    recipient = fields.get("original-rcpt-to", "").strip(" <>") or None
    return Report(kind="complained", delivery_id=_delivery_id(content), recipient=recipient)


def _delivery_status(part: Message, content: bytes) -> Report | None:
    """The report of a delivery's end. A report about several recipients is not ours: each of our mails has one."""
    for fields in _blocks(part):
        action = fields.get("action", "").strip().lower()
        if action not in ("failed", "delivered"):  # delayed, relayed or expanded: the delivery has not ended
            continue
        recipient = fields.get("final-recipient", "").rpartition(";")[2].strip(" <>") or None
        kind = "bounced" if action == "failed" else "delivered"
        return Report(kind=kind, delivery_id=_delivery_id(content), recipient=recipient, reply=_reply(fields))
    return None


def _reply(fields: dict[str, str]) -> Reply:
    diagnostic = fields.get("diagnostic-code", "").rpartition(";")[2].strip()
    code = int(diagnostic[:3]) if diagnostic[:3].isdecimal() else 0
    reply = parse_reply(code, diagnostic[3:].lstrip(" -").encode())
    status = _STATUS.search(fields.get("status", ""))
    return Reply(code=code, enhanced_code=status[0] if status else reply.enhanced_code, text=reply.text)


def _blocks(part: Message) -> list[dict[str, str]]:
    """The groups of fields of a message/delivery-status: the parser makes a message of each group."""
    payload = part.get_payload()
    blocks = payload if isinstance(payload, list) else [payload]
    return [_fields(block) for block in blocks if isinstance(block, Message)]


def _fields(part: Message) -> dict[str, str]:
    found = {name.lower(): str(value) for name, value in part.items()}
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else payload
    if isinstance(inner, Message):
        return found | {name.lower(): str(value) for name, value in inner.items()}
    text = inner if isinstance(inner, str) else ""
    return found | {name.lower(): str(value) for name, value in email.message_from_string(text).items()}


def _delivery_id(content: bytes) -> str | None:
    """The Message-ID of the reported mail: the last in the text, since the report's own stands first."""
    found = _MESSAGE_ID.findall(content.decode("utf-8", "replace"))
    return str(found[-1]) if found else None
