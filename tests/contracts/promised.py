"""What is promised at present, worked out once for all tests. Tests that change it take `contracts.present` itself."""

from functools import cache

from contracts import present
from contracts.examples import all_examples

promised = cache(present)
examples = cache(all_examples)


@cache
def topic_of(name: str) -> str:
    """The topic of a message type, by its full name."""
    return promised().topics_of(name)[0]
