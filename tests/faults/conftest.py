"""The small service of the shared tests, for mutants of relay and consumer."""

from tests.shared.conftest import consuming, in_thread, produce, read_topic, relaying, service, write

__all__ = ["consuming", "in_thread", "produce", "read_topic", "relaying", "service", "write"]
