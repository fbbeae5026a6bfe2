"""The pause before the next try: doubled each time, bounded, and spread."""

import random

import pytest

from shared.backoff import backoff


@pytest.mark.parametrize(
    ("attempt", "most"), [(1, 0.1), (2, 0.2), (3, 0.4), (4, 0.8), (7, 5.0), (10_000_000, 5.0), (0, 0.1)]
)
def test_the_pause_lies_between_half_and_the_whole_of_a_doubled_figure(attempt: int, most: float) -> None:
    assert most / 2 <= backoff(attempt, first=0.1, most=5.0) <= most


def test_two_processes_do_not_come_back_at_the_same_moment() -> None:
    random.seed(7)
    assert len({backoff(3, first=0.1, most=5.0) for _ in range(20)}) == 20
