"""A topic's messages since some instant, handed to the service's handlers again.

Copies are guarded by their sequence and policies know the ids that they have seen, so nothing has a second
effect; what was left out (by a release with a mistake, say) has its first.
"""

from typing import Any

from ops.context import OpsContext
from ops.jobs import Job, LeaseLost, ShuttingDown, passes, written
from ops.reading import TopicReader, reader
from shared.messaging.messages import Message, message_of
from shared.messaging.subscriptions import apply_batch
from shared.schemas import parse_instant

BATCH = 500


def replay(job: Job, operated: OpsContext) -> None:
    """Does what is left of the job. Ends where the consumer was when it began: what is beyond comes by itself."""
    with reader(operated.settings) as consumer:
        source = TopicReader(consumer, job["of"])
        if job["phase"] is None:
            ends = source.ends()
            places = operated.places(source.topic)
            until = {number: min(end, places.get(number, 0)) for number, end in ends.items()}
            since = source.since(int(parse_instant(job["wanted"]["from"]).timestamp() * 1000))
            reached = {number: min(place, until[number]) for number, place in since.items()}
            job.step(phase="handling", reached=written(reached), until_place=written(until))
        until = {int(number): place for number, place in job["until_place"].items()}
        for records, reached in source.read(job.places, until):
            for start in range(0, len(records), BATCH):
                _hand_over(job, operated, records[start : start + BATCH])
            job.step(reached=written(reached))
    job.end()


def _hand_over(job: Job, operated: OpsContext, records: list[Any]) -> None:
    """One transaction for all, or for each half when that fails, until the guilty stand alone."""
    try:
        messages: list[Message] = [message_of(record) for record in records]
        job.step(lambda uow: apply_batch(operated.subscriptions, uow, messages), read=len(records))
    except (LeaseLost, ShuttingDown):
        raise
    except Exception as error:
        if passes(error):
            raise
        if len(records) == 1:
            job.step(read=1, **job.skip(records))
            return
        half = len(records) // 2
        _hand_over(job, operated, records[:half])
        _hand_over(job, operated, records[half:])
