"""How `pytest -n 2` shares the tests out: what has stacks of its own in one process, all else in the other.

Processes of a stack mostly wait: beside them another process has a core to itself. Two stacks would not fit on two
cores.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from deploy.local.stack import Stack

HERE = Path(__file__).parent
# Trials with faults come first: later the story's stack idles beside them.
WITH_STACKS = ("faults/", "deploy/", "examples/", "journeys/", "ops/test_uso_ops.py")
RESOURCES = pytest.StashKey[ExitStack]()
BACK_ENDS = pytest.StashKey[dict[str, Any]]()


class StacksInOneProcess(LoadScopeScheduling):
    """All tests with stacks are one piece of work, the first; else each file is one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        return "stacks" if path.removeprefix("tests/").startswith(WITH_STACKS) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StacksInOneProcess:
    config.option.loadscopereorder = False  # the largest piece of work is not the one with the most tests
    return StacksInOneProcess(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(HERE).as_posix()
        return next((n for n, prefix in enumerate(WITH_STACKS) if path.startswith(prefix)), len(WITH_STACKS))

    items.sort(key=place)


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
