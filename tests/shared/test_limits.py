"""How often one address may call."""

from shared.http.limits import Bucket


def test_a_bucket_gives_its_burst_and_then_as_fast_as_it_fills() -> None:
    now = [0.0]
    bucket = Bucket(burst=2, per_second=0.5, clock=lambda: now[0])
    assert [bucket.take("a"), bucket.take("a")] == [0, 0]
    assert bucket.take("a") == 2
    assert bucket.take("b") == 0
    now[0] = 2.0
    assert [bucket.take("a"), bucket.take("a")] == [0, 2]
