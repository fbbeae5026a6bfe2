"""Takes one change of a resource back, by its entry in the journal."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Concatenate

from shared.errors import Conflict, NotFound
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.journal import JOURNAL, change_in
from shared.mongo.unit_of_work import UnitOfWork

Command = Callable[Concatenate[UnitOfWork, ...], Any]


def revert(
    uow: UnitOfWork,
    aggregate: Aggregate[Any],
    command: Command,
    identifier: str,
    entry_id: str,
    *,
    names: Collection[str],
) -> Document:
    """The resource after `command(uow, id, patch)` gave the entry's fields their earlier values.

    `names` are the fields that staff give. Those that follow from them (the positions of a contact from its role) are
    left to the command. Raises NotFound, Stale, Conflict for a step or a creation and for fields that somebody changed
    since, and what the command raises.
    """
    document = uow.get(aggregate, identifier)
    entry = uow.find_one(JOURNAL, {"_id": entry_id, "of": identifier, "kind": aggregate.name})
    if entry is None:
        raise NotFound("entry of this history", entry_id)
    if entry["version"] == 1:
        raise Conflict("This is where it was made: delete it instead, while nothing refers to it.")
    change = change_in(entry)
    changed = {name: values for name, values in (change.get("changed") or {}).items() if name in names}
    if not changed or not entry["type"].endswith(".updated") or "merged" in change:
        raise Conflict("Only a change of fields that staff gave is taken back: this entry is none.")
    shown = aggregate.to_public(document)
    since = [name for name, values in changed.items() if shown.get(name) != values["to"]]
    if since:
        raise Conflict(
            f"Changed again since: {', '.join(since)}.", changed_since=_since(uow, aggregate, entry, set(since))
        )
    patch = {name: _patch(values["from"], values["to"]) for name, values in changed.items()}
    result: Document = command(uow, identifier, patch)
    return result


def _patch(before: Any, now: Any) -> Any:
    """What a merge patch must say so that `now` becomes `before`."""
    if isinstance(before, dict) and isinstance(now, dict):
        return {**dict.fromkeys(now.keys() - before.keys()), **{n: _patch(v, now.get(n)) for n, v in before.items()}}
    return before


def _since(uow: UnitOfWork, aggregate: Aggregate[Any], entry: Mapping[str, Any], names: set[str]) -> list[Document]:
    query = {"of": entry["of"], "kind": aggregate.name, "version": {"$gt": entry["version"]}}
    rows = uow.find(JOURNAL, query, sort=[("_id", 1)], limit=100)
    return [
        {"field": name, **values, "by": row["by"], "at": row["at"].isoformat().replace("+00:00", "Z")}
        for row in rows
        for name, values in (change_in(row).get("changed") or {}).items()
        if name in names
    ]
