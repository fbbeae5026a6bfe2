"""/v1/bounces"""

from flask import request
from marshmallow import Schema, fields

from services.notifications.bounces.commands import take_report
from services.notifications.bounces.reports import read_report
from services.notifications.sending.envelopes import delivery_in
from shared.http.calls import run, the
from shared.http.media import takes_media
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.secrets import Secrets

routes = Routes("bounces", __name__, url_prefix="/v1", description="What mail servers report of our mails")


class ReportTaken(Schema):
    """What came of a report. `none`: it is no report, not the end, or about a mail that is not ours."""

    kind = fields.String(metadata={"enum": ["bounced", "delivered", "complained", "none"]})
    delivery_id = fields.String(allow_none=True)
    suppressed = fields.Boolean(metadata={"description": "whether the address gets nothing from now on"})


@routes.post("/bounces")
@takes_media("message/rfc822")
@routes.response(200, ReportTaken)
def take_bounce() -> Document:
    """Take a bounce (RFC 3464) or a complaint (RFC 5965), as the mail server sent it"""
    content = request.get_data()
    return run(take_report, read_report(content), named=delivery_in(the(Secrets), content.decode("utf-8", "replace")))
