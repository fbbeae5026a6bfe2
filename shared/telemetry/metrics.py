"""Prometheus metrics of HTTP, consumer and relay. Names and labels carry nothing personal."""

from prometheus_client import Counter, Gauge, Histogram

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

HTTP_REQUESTS = Counter("uso_http_requests", "Requests answered", ["service", "method", "route", "status"])
HTTP_SECONDS = Histogram(
    "uso_http_request_seconds", "Time from request to answer", ["service", "method", "route"], buckets=BUCKETS
)
CONSUMED = Counter("uso_messages_consumed", "Messages whose effects are committed", ["service", "topic"])
DEAD_LETTERED = Counter("uso_messages_dead_lettered", "Messages that could not be handled", ["service", "topic"])
BATCH_SECONDS = Histogram("uso_consumer_batch_seconds", "Time of one batch's transaction", ["service"], buckets=BUCKETS)
CONSUMER_HALTED = Gauge(
    "uso_consumer_halted", "1 when too many dead letters stopped it", ["service"], multiprocess_mode="max"
)
SEQUENCE_LEAPS = Counter(
    "uso_sequence_leaps", "Messages whose sequence is not the next one of their key", ["service", "topic"]
)
TOPICS_REPLACED = Counter(
    "uso_topics_replaced", "Partitions read from their start, since their topic was made anew", ["service", "topic"]
)
CONSUMER_LAG = Gauge("uso_consumer_lag", "Messages not yet handled", ["service", "topic"], multiprocess_mode="max")
TOPIC_MISSING = Gauge(
    "uso_topic_missing",
    "1 while a subscribed topic does not exist, or the worker may not see it",
    ["service", "topic"],
    multiprocess_mode="max",
)
OLDEST_UNREAD = Gauge(
    "uso_oldest_unread_seconds",
    "Age of the oldest message that no worker has handled, told by the relay",
    ["service", "topic"],
    multiprocess_mode="max",
)
RELAYED = Counter("uso_messages_relayed", "Messages committed to Kafka", ["service"])
RELAY_DELAY = Histogram(
    "uso_relay_delay_seconds", "Time from commit in MongoDB to commit in Kafka", ["service"], buckets=BUCKETS
)
RELAY_GAPS = Counter(
    "uso_relay_gaps", "Starts of a relay that was away for longer than the journal keeps rows", ["service"]
)
RELAY_BLOCKED = Gauge(
    "uso_relay_blocked",
    "1 while a row that Kafka will never take holds up the relay",
    ["service"],
    multiprocess_mode="max",
)
RELAY_LEADS = Gauge("uso_relay_leads", "1 while this relay leads", ["service"], multiprocess_mode="max")
