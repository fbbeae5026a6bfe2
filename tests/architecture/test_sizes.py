"""How large the parts may be, so that a reader finds what is where: measured on the files as they stand."""

import ast
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

from tests.architecture.code import REPOSITORY, imports, name_of, python_files, within

PARTS = ("services", "shared", "ops", "contracts", "deploy")
NOUNS = sorted({path.parent for path in python_files("services") if path.name == "commands.py"})


def lines(*folders: str) -> list[int]:
    return sorted(len(path.read_text().splitlines()) for path in python_files(*folders))


def library_names(folder: Path) -> set[str]:
    """What the files of a folder import from the library, by name."""
    trees = [ast.parse(path.read_text()) for path in folder.rglob("*.py")]
    return {
        f"{node.module}.{alias.name}"
        for node in chain.from_iterable(map(ast.walk, trees))
        if isinstance(node, ast.ImportFrom) and within(node.module or "", ("shared",))
        for alias in node.names
    }


def test_half_of_the_files_have_eighty_lines_or_fewer_and_nine_tenths_a_hundred_and_eighty() -> None:
    found = [length for length in lines(*PARTS) if length > 1]
    assert found[len(found) // 2] <= 80
    assert found[len(found) * 9 // 10] <= 180


def test_no_file_of_any_part_is_longer_than_three_hundred_lines() -> None:
    assert lines(*PARTS)[-1] <= 300


def test_the_library_is_a_quarter_of_the_whole_at_most() -> None:
    assert sum(lines("shared")) <= sum(lines(*PARTS)) / 4


@pytest.mark.parametrize("noun", NOUNS, ids=name_of)
def test_a_noun_needs_forty_names_of_the_library_at_most(noun: Path) -> None:
    assert len(library_names(noun)) <= 40


def test_no_module_imports_itself_by_way_of_others() -> None:
    names = {name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in _files()}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, path in names.items():
        sorter.add(name, *(module for module in _imported(path) if module in names and module != name))
    sorter.prepare()  # raises CycleError, which names the modules


def _files() -> list[Path]:
    return python_files(*PARTS)


def _imported(path: Path) -> set[str]:
    """The modules that a file imports, by themselves or as names of packages."""
    found = set(imports(path.read_text()))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {module for module in found if not (REPOSITORY / module.replace(".", "/") / "__init__.py").exists()}
