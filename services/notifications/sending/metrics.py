"""Prometheus metrics of sending; nothing personal in them."""

from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry.metrics import BUCKETS

SETTLED = Counter("uso_deliveries_settled", "Deliveries that came to an end", ["state", "template"])
SENT_AGAIN = Counter("uso_deliveries_sent_again", "E-mails sent again because their outcome was not known")
SMTP_AWAY = Counter("uso_smtp_away", "Times that the mail server could not be reached")
MAIL_DELAY = Histogram("uso_mail_delay_seconds", "Time from a delivery's being due to its mail", buckets=BUCKETS)
OLDEST_DUE = Gauge(
    "uso_oldest_due_delivery_seconds",
    "How long the oldest delivery has waited that is due and that nobody has taken up",
    multiprocess_mode="max",
)
PACKAGED_INSTEAD = Counter(
    "uso_saved_texts_not_usable", "E-mails written with the packaged text because the saved one failed", ["template"]
)
