"""How long the sender waits before the next try."""

from datetime import timedelta

import pytest

from services.notifications.sending.waits import (
    wait_after_unknown,
    wait_for_projection,
    wait_for_recipient,
    wait_for_server,
)

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def test_a_projection_is_looked_for_soon_and_later_every_minute() -> None:
    assert 0.05 * SECOND <= wait_for_projection(0) <= 0.1 * SECOND
    assert MINUTE / 2 <= wait_for_projection(1_000_000) <= MINUTE


def test_a_refused_mail_waits_for_minutes_and_at_most_for_half_an_hour() -> None:
    assert 1.5 * MINUTE <= wait_for_recipient(1) <= 3 * MINUTE
    assert 15 * MINUTE <= wait_for_recipient(1_000_000) <= 30 * MINUTE


def test_a_mail_of_unknown_outcome_goes_out_at_once_and_then_slowly() -> None:
    assert wait_after_unknown(0) == SECOND
    assert MINUTE <= wait_after_unknown(1) <= 2 * MINUTE
    assert 15 * MINUTE <= wait_after_unknown(1_000) <= 30 * MINUTE


@pytest.mark.parametrize(
    ("failures", "least", "most"), [(1, 0.1, 0.2), (2, 0.2, 0.4), (3, 0.4, 0.8), (100_000, 2.5, 5)]
)
def test_a_server_that_is_away_is_tried_again_within_seconds(failures: int, least: float, most: float) -> None:
    assert least <= wait_for_server(failures) <= most
