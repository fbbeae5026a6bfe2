"""The words that the code uses, where a reader would stumble over another."""

import ast

import pytest

from tests.architecture.code import name_of, python_files, tracked

PYTHON = ("services", "shared", "ops", "contracts", "deploy", "bench", "tests", "examples")


def nameless(source: str) -> list[int]:
    """The lines where a loop or a small function calls what it has in hand `one`, and not by its noun."""
    tree = ast.parse(source)
    targets = [node.target for node in ast.walk(tree) if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension)]
    names = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    arguments = [node for node in ast.walk(tree) if isinstance(node, ast.arg)]
    return sorted(
        [name.lineno for name in names if name.id == "one"]
        + [argument.lineno for argument in arguments if argument.arg == "one"]
    )


def test_a_loop_names_the_thing_that_it_goes_through() -> None:
    found = {name_of(path): nameless(path.read_text()) for path in python_files(*PYTHON)}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_text_names_the_thing_that_its_loop_goes_through() -> None:
    texts = [path for path in tracked() if path.suffix in (".md", ".jinja", ".html", ".txt")]
    assert [name_of(path) for path in texts if "for" + " one in" in path.read_text()] == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("for one in people:\n    pass", [1]),
        ("[one for one in people]", [1]),
        ("{key: one for key, one in people.items()}", [1]),
        ("\nsorted(people, key=lambda one: one.name)", [2]),
        ("def rule(one):\n    pass", [1]),
        ("for person in people:\n    one = person", []),
        ("[person for person in people if person.one]", []),
    ],
)
def test_the_test_sees_a_thing_without_a_name(source: str, lines: list[int]) -> None:
    assert nameless(source) == lines
