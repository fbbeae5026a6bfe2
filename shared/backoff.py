"""How long to wait before the next try."""

import random

# 2 to the 30th is beyond every limit: no attempt makes the figure itself a problem.
MOST_DOUBLINGS = 30


def backoff(attempt: int, *, first: float, most: float) -> float:
    """Seconds before try `attempt` (1, 2, …): doubled each time, at most `most`, spread so that processes do not
    come back all at once.
    """
    doubled: float = first * 2 ** min(max(attempt - 1, 0), MOST_DOUBLINGS)
    return min(most, doubled) * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads the attempts
