"""What keeps the stack from running, said to the person who started it."""


class StackError(Exception):
    """A sentence that says what is wrong and what to do about it."""
