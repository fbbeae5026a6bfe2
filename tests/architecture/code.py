"""Looking at the repository's files, and at what Python files import and call."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def tracked() -> list[Path]:
    """The files that git keeps, as far as they are there; all files when this is no clone."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return [path for path in REPOSITORY.rglob("*") if path.is_file() and not _is_hidden(path)]
    return [REPOSITORY / name for name in listed if name and (REPOSITORY / name).is_file()]


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((REPOSITORY / folder).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def imports(source: str) -> Iterator[str]:
    """The modules that a Python text imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def calls(source: str) -> Iterator[str]:
    """The names that a Python text calls, with what they are called on: `time.sleep`, `open`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Whether the module is one of the packages or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _is_hidden(path: Path) -> bool:
    parts = path.relative_to(REPOSITORY).parts
    return any(part.startswith(".") or part in ("node_modules", "__pycache__", "build", "dist") for part in parts)
