"""The shape of the code, besides what `lint-imports` knows."""

import ast
import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from contracts import SERVICES
from tests.architecture.code import REPOSITORY, calls, imports, name_of, python_files, tracked, within

LIMIT = 300
PURE = (
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "heapq",
    "isodate",
    "itertools",
    "math",
    "re",
    "typing",
)
IMPURE_CALLS = re.compile(r"(^|\.)(now|utcnow|today|time|monotonic|open|print|input|random|new_id|utc_now)$")
TEXTS = REPOSITORY / "services" / "notifications" / "templates" / "texts"
# In two halves, so that this file has none of them.
NOT_OURS = [
    *("pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org", "npmjs" + ".com", "yarnpkg" + ".com"),
    *("maven" + ".org", "sonatype" + ".com", "proxy.golang" + ".org", "crates" + ".io"),
    *(f"/{folder}/" for folder in ("work", "home", "root", "tmp", "Users")),
]


def impurities(source: str) -> list[str]:
    """What a module of domain rules must not have: other imports than rules need, and calls of the world outside."""
    wrong = [
        module
        for module in imports(source)
        if not within(module, (*PURE, "shared.errors", "shared.instants", "shared.state_machine"))
        and not re.fullmatch(r"services(\.\w+)+\.domain", module)
    ]
    return wrong + [name for name in calls(source) if IMPURE_CALLS.search(name)]


def test_the_import_rules_hold() -> None:
    assert lint_imports(config_filename=str(REPOSITORY / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("path", python_files("services"), ids=name_of)
def test_a_service_meets_kafka_only_through_the_library(path: Path) -> None:
    libraries = ("kafka", "aiokafka", "confluent_kafka", "faststream")
    assert not [module for module in imports(path.read_text()) if within(module, libraries)]


def nested_functions(source: str) -> list[str]:
    """The functions that are defined inside of functions: they can be neither imported nor found by name."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    inner = [node for function in functions for node in ast.walk(function) if node is not function]
    return [node.name for node in inner if isinstance(node, ast.FunctionDef)]


def test_a_function_of_a_service_stands_at_module_level_or_in_a_class() -> None:
    found = {name_of(path): nested_functions(path.read_text()) for path in python_files("services")}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_test_sees_a_nested_function() -> None:
    assert nested_functions("def view():\n    def work():\n        pass\n") == ["work"]
    assert nested_functions("class Sender:\n    def send(self):\n        pass\n") == []


@pytest.mark.parametrize("path", python_files("examples"), ids=name_of)
def test_an_example_needs_nothing_of_ours(path: Path) -> None:
    assert not [name for name in imports(path.read_text()) if within(name, ("services", "shared", "deploy", "tests"))]


@pytest.mark.parametrize("path", [path for path in python_files("services") if path.name == "domain.py"], ids=name_of)
def test_domain_rules_know_neither_the_world_nor_the_clock(path: Path) -> None:
    assert impurities(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from shared.ids import utc_now\nutc_now()", ["shared.ids", "utc_now"]),
        ("from datetime import UTC, datetime\n\ndef rule():\n    return datetime.now(UTC)", ["datetime.now"]),
        ("def rule():\n    import pymongo", ["pymongo"]),
        ("import os\n", ["os"]),
        ("from services.events.events.store import EVENTS", ["services.events.events.store"]),
        ("from datetime import datetime\nfrom services.events.events.domain import KINDS", []),
    ],
)
def test_what_is_impure_is_found(source: str, found: list[str]) -> None:
    assert impurities(source) == found


@pytest.mark.parametrize("path", python_files("services", "shared"), ids=name_of)
def test_no_file_is_too_long_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LIMIT


def test_nothing_is_called_utils() -> None:
    assert not [name_of(path) for path in tracked() if path.stem in ("utils", "util", "helpers", "misc", "common")]


def test_tests_wait_for_conditions_and_never_just_sleep() -> None:
    """In tests/faults the pauses between faults are the scenario itself; `wait_for` sleeps between its looks."""
    files = [path for path in python_files("tests") if "faults" not in path.parts and path.name != "waiting.py"]
    assert not [name_of(path) for path in files if {"time.sleep", "sleep"} & set(calls(path.read_text()))]


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        text = path.read_bytes().decode(errors="ignore")
        found += [f"{name_of(path)}: {word}" for word in NOT_OURS if word in text]
    assert not found


@pytest.mark.parametrize("service", [service.name for service in SERVICES])
def test_a_service_introduces_itself_on_one_page(service: str) -> None:
    page = (REPOSITORY / "services" / service / "README.md").read_text()
    assert 15 <= len(page.splitlines()) <= 80
    missing = [
        topic.name for owner in SERVICES if owner.name == service for topic in owner.topics if topic.name not in page
    ]
    assert not missing


def test_each_text_exists_in_finnish_swedish_and_english() -> None:
    keys = {folder.name: {path.stem for path in folder.glob("*.md")} for folder in TEXTS.iterdir()}
    assert set(keys) == {"fi", "sv", "en"}
    assert keys["fi"] == keys["sv"] == keys["en"] != set()


@pytest.mark.parametrize("path", python_files("services", "shared", "ops", "contracts", "deploy"), ids=name_of)
def test_every_kafka_client_is_made_in_one_file_which_knows_how_to_log_in(path: Path) -> None:
    made = [name for name in calls(path.read_text()) if re.search(r"(^|\.)Kafka(Consumer|Producer|AdminClient)$", name)]
    assert not made or name_of(path) == "shared/messaging/kafka_clients.py"
