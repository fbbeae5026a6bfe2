"""How `pytest -n 2 --dist loadgroup` shares the tests out: stacks in one process, all else where there is room."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import Stack

HERE = Path(__file__).parent
# Tests of one group run one after another in one process. Those with stacks mostly wait: beside them another process
# has a core to itself, and two stacks would not fit on two cores. The others have servers that they share.
GROUPS = {
    "deploy": "stacks",
    "examples": "stacks",
    "faults": "stacks",
    "journeys": "stacks",
    "ops/test_uso_ops.py": "stacks",
    "http/test_server.py": "servers",
    "shared/test_kafka_security.py": "servers",
}
RESOURCES = pytest.StashKey[ExitStack]()
BACK_ENDS = pytest.StashKey[dict[str, Any]]()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(HERE).as_posix()
        group = next((group for prefix, group in GROUPS.items() if place.startswith(prefix)), None)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
    # Trials with faults come first: later the story's stack idles beside them, and two stacks need more than two cores.
    items.sort(key=lambda item: not item.path.is_relative_to(HERE / "faults"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Gives each worker process the address of the one Kafka and the one MongoDB."""
    stash = node.config.stash
    if BACK_ENDS not in stash:
        resources = stash[RESOURCES] = ExitStack()
        directory = resources.enter_context(tempfile.TemporaryDirectory(prefix="uso-", ignore_cleanup_errors=True))
        stash[BACK_ENDS] = resources.enter_context(Stack(directory, keep=False, services=())).info
    node.workerinput["back_ends"] = stash[BACK_ENDS]


def pytest_unconfigure(config: pytest.Config) -> None:
    if RESOURCES in config.stash:
        config.stash[RESOURCES].close()
