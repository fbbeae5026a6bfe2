"""A mend for kafka-python 3.0.12: a consumer that leads its group could fall silent for good.

When the metadata changes (a topic or a partition is new), the leader joins again. If its `poll` runs out
of time meanwhile, the join goes on in the background, and on its way makes `need_rejoin()` false: no later
`poll` looks at how it ended, no assignment is taken over, and no heartbeat is sent any more.
"""

from typing import Any


def see_joins_through(consumer: Any) -> None:
    """Makes each `poll` of this KafkaConsumer go on with a join that an earlier one has begun."""
    coordinator = consumer._coordinator
    needs_to_join = coordinator.need_rejoin

    def need_rejoin() -> bool:
        return coordinator._join_task is not None or needs_to_join()

    coordinator.need_rejoin = need_rejoin
