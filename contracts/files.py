"""The contract's files as they stand in the repository: written, checked, and compared with the last release."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.asyncapi import asyncapi
from contracts.catalogue import catalogue
from contracts.compatibility import Contract
from contracts.shapes import Json, as_text, document_schema, message_types
from shared.kafka_settings import KafkaSettings
from shared.service import Service

FOLDERS = ("schemas", "examples")
ASYNCAPI = "asyncapi.json"


class NoExample(Exception):
    """A message type without an example, or an example without its message type."""


def contract(services: Sequence[Service], *, version: str, defaults: KafkaSettings) -> Contract:
    """The services' present contract."""
    types = list(message_types(services))
    sources: dict[str, list[str]] = {}
    for message in types:
        sources.setdefault(message.full_name, []).append(message.aggregate.source)
    return Contract(
        asyncapi=asyncapi(services, version=version, defaults=defaults),
        schemas={message.full_name: document_schema(message, sources=sources[message.full_name]) for message in types},
    )


def texts(services: Sequence[Service], promised: Contract, examples: Mapping[str, Json]) -> dict[str, str]:
    """All files: path → text. `examples` has one document for each message, by its full name.

    Raises NoExample when a type has none, or an example has no type.
    """
    astray = sorted(promised.schemas.keys() ^ examples.keys())
    if astray:
        raise NoExample(f"each message type needs one example: see {', '.join(astray)}")
    return {
        ASYNCAPI: as_text(promised.asyncapi),
        "README.md": catalogue(services, promised, examples),
        **{f"schemas/{name}.json": as_text(schema) for name, schema in promised.schemas.items()},
        **{f"examples/{name}.json": as_text(example) for name, example in examples.items()},
    }


def write(directory: Path, files: Mapping[str, str]) -> None:
    """Writes the files, and removes the files of topics and types that no longer exist."""
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")
    for path in _present(directory) - files.keys():
        (directory / path).unlink()


def outdated(directory: Path, files: Mapping[str, str]) -> list[str]:
    """The paths of the files that are out of date."""
    present = _present(directory)
    wrong = {path for path in present & files.keys() if (directory / path).read_text(encoding="utf-8") != files[path]}
    return sorted(wrong | (present ^ files.keys()))


def release(directory: Path, promised: Contract) -> None:
    """Keeps `promised` as the release that later changes are compared with."""
    schemas = {f"schemas/{name}.json": as_text(schema) for name, schema in promised.schemas.items()}
    write(directory, {ASYNCAPI: as_text(promised.asyncapi), **schemas})


def read(directory: Path) -> Contract:
    """The contract in a folder that `release` or `write` made."""
    return Contract(
        asyncapi=json.loads((directory / ASYNCAPI).read_text(encoding="utf-8")),
        schemas={
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((directory / "schemas").glob("*.json"))
        },
    )


def _present(directory: Path) -> set[str]:
    found = [path for folder in FOLDERS for path in (directory / folder).glob("*.json")]
    found += [directory / name for name in (ASYNCAPI, "README.md") if (directory / name).exists()]
    return {path.relative_to(directory).as_posix() for path in found}
