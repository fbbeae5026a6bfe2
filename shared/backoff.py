"""The pause before the next try of something that failed."""

import random

# 2 to the 30th is beyond every `most`. Without this bound a long outage would overflow a float.
MOST_DOUBLINGS = 30


def backoff(attempt: int, *, first: float, most: float) -> float:
    """The seconds before try `attempt` (1, 2, …): doubled each time, at most `most`.

    The result is spread over half of the figure, so that processes do not all come back at the same moment.
    """
    doubled: float = first * 2 ** min(max(attempt - 1, 0), MOST_DOUBLINGS)
    return min(most, doubled) * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads the attempts
