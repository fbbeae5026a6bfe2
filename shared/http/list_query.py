"""The schema of a list's query string."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields

from shared.schemas import Id, Instant, PageQuery, Several, one_of


def list_query(
    given: type[PageQuery],
    *,
    filters: Iterable[str],
    sorts: Iterable[str],
    shown: Iterable[str],
    expand: Iterable[str],
) -> type[PageQuery]:
    """The query schema `given` with the parameters of all lists. Each of the `filters` may be given several times."""
    added: dict[str, Any] = {
        **several(given, filters),
        "sort": one_of(
            *(f"{sign}{name}" for name in sorts for sign in ("", "-")),
            metadata={"description": "a minus sign turns the order around; without it, the order of creation"},
        ),
        "ids": Several(Id(), commas=True, metadata={"description": "just these, as far as they exist"}),
        "updated_since": Instant(metadata={"description": "changed then or later; in the order of `updated_at`"}),
        "fields": Several(one_of(*shown), commas=True, metadata={"description": "just these fields, and the id"}),
        "format": one_of("json", "csv", "xlsx", metadata={"description": "as Accept says when it is not given"}),
        "separator": one_of(",", ";", metadata={"description": "between the fields of a CSV line"}),
    }
    if tuple(expand):
        added["expand"] = Several(
            one_of(*expand), commas=True, metadata={"description": "resources that each item refers to, in full"}
        )
    return type(given.__name__, (given,), added)


def counts_query(given: type[PageQuery], *, filters: Iterable[str], by: Iterable[str]) -> type[PageQuery]:
    """The filters of a list, and the fields to count by; pages are for lists."""
    added: dict[str, Any] = {**several(given, filters), "by": Several(one_of(*by), commas=True)}
    made: type[PageQuery] = type(f"{given.__name__}Counts", (given,), added)
    for name in ("limit", "cursor"):
        made._declared_fields.pop(name)
    return made


def several(given: type[Schema], names: Iterable[str]) -> dict[str, fields.Field[Any]]:
    """These fields of the schema, each changed so that it may be given several times."""
    declared = given._declared_fields
    return {
        name: declared[name] if isinstance(declared[name], fields.List) else Several(declared[name]) for name in names
    }
