"""The shapes of /v1/ops at HTTP."""

from marshmallow import Schema, fields

from shared.schemas import Instant, Line, PageQuery, Strict, one_of


class Lag(Schema):
    topic = fields.String()
    partition = fields.Integer(allow_none=True, metadata={"description": "null: there is no such topic"})
    end = fields.Integer(allow_none=True, metadata={"description": "behind the last committed record"})
    position = fields.Integer(allow_none=True, metadata={"description": "what is before it has had its effect here"})
    lag = fields.Integer(allow_none=True, load_default=None)
    moved_at = Instant(allow_none=True)


class LagList(Schema):
    items = fields.List(fields.Nested(Lag))


class Outbox(Schema):
    depth = fields.Integer(metadata={"description": "messages that wait for the relay, up to 100,000"})
    oldest_seconds = fields.Float()
    relay_leads = fields.Boolean()
    leader = fields.String(allow_none=True)
    as_of = Instant(allow_none=True, metadata={"description": "when the relay last said how far it is"})
    blocking = fields.List(
        fields.Nested(lambda: UnsendableRow()),
        metadata={"description": "rows too large for Kafka: all behind them wait until they are skipped"},
    )


class UnsendableRow(Schema):
    id = fields.String(attribute="_id")
    topic = fields.String()
    kind = fields.String(allow_none=True, metadata={"description": "the kind of aggregate; null for another record"})
    bytes = fields.Integer()
    at = Instant(metadata={"description": "when the relay came to it"})
    state = one_of("blocking", "skipped")


class DeadLetterQuery(PageQuery):
    state = one_of("dead", "redriven", "discarded")
    topic = Line()
    error = Line()


class DeadLetterMessage(Schema):
    id = fields.String()
    type = fields.String()
    sequence = fields.Integer()
    time = fields.String(allow_none=True)
    correlation_id = fields.String(allow_none=True)


class DeadLetter(Schema):
    """A message that could not be handled, as far as an operator may see it."""

    id = fields.String(attribute="_id")
    state = fields.String()
    topic = fields.String()
    partition = fields.Integer()
    offset = fields.Integer()
    error = fields.String()
    reason = fields.String()
    tries = fields.Integer()
    at = fields.String()
    key = fields.String(allow_none=True)
    size = fields.Integer(allow_none=True, metadata={"description": "bytes; null: a tombstone, or forgotten"})
    message = fields.Nested(DeadLetterMessage, allow_none=True, metadata={"description": "null: cannot be read"})
    closed_at = Instant(allow_none=True)
    closed_by = fields.String(allow_none=True)
    why_closed = fields.String(allow_none=True)


class WholeDeadLetter(DeadLetter):
    headers = fields.List(fields.Dict())
    payload = fields.Raw(allow_none=True, metadata={"description": "its form: ids and instants, no other values"})


class Reason(Strict):
    reason = Line(max_length=1000)


class DiscardInput(Strict):
    reason = Line(max_length=1000, required=True)


class RedriveInput(Reason):
    """The filter of dead letters; all by default."""

    topic = Line()
    error = Line()


class RebuildInput(Reason):
    accept_loss = fields.Boolean(
        load_default=False,
        metadata={"description": "also when the topic holds far fewer keys than the projection; the others are lost"},
    )


class RepublishInput(Reason):
    aggregate = Line(required=True, metadata={"description": "such as `contact`; one that the service publishes"})


class ReplayInput(Reason):
    topic = Line(required=True)
    from_ = Instant(data_key="from", required=True)


class CheckInput(Reason):
    projection = Line(metadata={"description": "all unless told otherwise"})
    own = fields.Boolean(
        load_default=False, metadata={"description": "compare what the service itself publishes, after a restore"}
    )


class Job(Schema):
    """A job that a worker does for an operator."""

    id = fields.String(attribute="_id")
    kind = fields.String()
    of = fields.String()
    state = fields.String(metadata={"description": "waiting, running, completed or failed"})
    phase = fields.String(allow_none=True)
    read = fields.Integer()
    per_second = fields.Integer(allow_none=True)
    skipped = fields.Integer(metadata={"description": "messages that could not be used"})
    skipped_at = fields.List(fields.String(), metadata={"description": "topic/partition/offset of the first of them"})
    wanted = fields.Dict()
    result = fields.Dict(allow_none=True)
    error = fields.String(allow_none=True, metadata={"description": "what it last met with"})
    worker = fields.String(attribute="holder", allow_none=True)
    asked_by = fields.String()
    asked_at = Instant()
    reason = fields.String(allow_none=True)
    ended_at = Instant(allow_none=True)


class Projection(Schema):
    name = fields.String()
    topic = fields.String()
    documents = fields.Integer()
    last_rebuild = fields.Nested(Job, allow_none=True)


class ProjectionList(Schema):
    items = fields.List(fields.Nested(Projection))


class PublishedAggregate(Schema):
    name = fields.String()
    topic = fields.String()


class PublishedAggregateList(Schema):
    items = fields.List(fields.Nested(PublishedAggregate))


class TopicShown(Schema):
    topic = fields.String()
    owned = fields.Boolean()
    subscribed = fields.Boolean()
    exists = fields.Boolean()
    partitions = fields.Integer()
    replication = fields.Integer()
    differs = fields.Dict(metadata={"description": "setting → {wanted, found}"})


class TopicShownList(Schema):
    items = fields.List(fields.Nested(TopicShown))


class AuditEntry(Schema):
    """A row of the audit: actor, action, time and reason."""

    id = fields.String(attribute="_id")
    at = Instant()
    by = fields.String()
    action = fields.String()
    of = fields.String()
    reason = fields.String(allow_none=True)
    about = fields.Dict()
    correlation_id = fields.String()


class Finding(Schema):
    severity = one_of("wrong", "advice")
    what = fields.String()
    remedy = fields.String(metadata={"description": "what to do"})


class Examination(Schema):
    name = fields.String()
    findings = fields.List(fields.Nested(Finding))


class Checkup(Schema):
    version = fields.String(allow_none=True, metadata={"description": "the image's; null outside of one"})
    checks = fields.List(fields.Nested(Examination))
    now = Instant(metadata={"description": "the process's clock when the answer was ready"})
