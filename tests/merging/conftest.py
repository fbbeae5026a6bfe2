"""The three services side by side."""

from tests.contracts.conftest import network

__all__ = ["network"]
