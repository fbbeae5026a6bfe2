"""Hands a topic's messages since an instant to the service's handlers again.

Projections compare sequences and policies know the ids that they have seen, so no message has a second effect. A
message that a faulty release skipped has its first effect, unless newer state contradicts it.
"""

from typing import Any

from ops.context import OpsContext
from ops.jobs import Job, LeaseLost, ShuttingDown, encode_offsets, is_transient
from ops.late_messages import apply_late
from ops.reading import TopicReader, reader
from shared.instants import parse_instant
from shared.messaging.messages import Message, message_of

# As large as the consumer's own batches.
BATCH = 500


def replay(job: Job, context: OpsContext) -> None:
    """Does the rest of the job, up to the consumer's offsets at its start: the consumer handles later messages."""
    with reader(context.settings) as consumer:
        source = TopicReader(consumer, job["of"])
        if job["phase"] is None:
            ends = source.ends()
            offsets = context.offsets(source.topic)
            until = {number: min(end, offsets.get(number, 0)) for number, end in ends.items()}
            since = source.since(int(parse_instant(job["wanted"]["from"]).timestamp() * 1000))
            reached = {number: min(offset, until[number]) for number, offset in since.items()}
            job.step(phase="handling", reached=encode_offsets(reached), until_offsets=encode_offsets(until))
        until = {int(number): offset for number, offset in job["until_offsets"].items()}
        for records, reached in source.read(job.offsets, until):
            for start in range(0, len(records), BATCH):
                _hand_over(job, context, records[start : start + BATCH])
            job.step(reached=encode_offsets(reached))
    job.end()


def _hand_over(job: Job, context: OpsContext, records: list[Any]) -> None:
    """One transaction for all records; when it fails, one for each half, down to single records, which are skipped."""
    try:
        messages: list[Message] = [message_of(record) for record in records]
        job.step(lambda uow: apply_late(context.subscriptions, uow, messages), read=len(records))
    except (LeaseLost, ShuttingDown):
        raise
    except Exception as error:
        if is_transient(error):
            raise
        if len(records) == 1:
            job.step(read=1, **job.skip(records))
            return
        half = len(records) // 2
        _hand_over(job, context, records[:half])
        _hand_over(job, context, records[half:])
