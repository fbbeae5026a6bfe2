"""The commands on templates."""

from typing import Any

from services.notifications.templates.rendering import compile_template
from services.notifications.templates.store import TEMPLATES, packaged
from services.notifications.templates.trial import check_every_case
from shared.errors import NotFound
from shared.mongo.aggregates import Document
from shared.mongo.journal import JOURNAL, state_in
from shared.mongo.unit_of_work import UnitOfWork


def save_template(uow: UnitOfWork, name: str, fields: dict[str, Any]) -> Document:
    """The next version of a text. Raises Invalid for a text that cannot become a mail, Stale, NotFound."""
    ours = packaged()[name]
    check_every_case(compile_template(ours["key"], fields["subject"], fields["body"]), ours["language"])
    before = uow.find_one(TEMPLATES.collection, {"_id": name})
    if before is None:  # the first change: the packaged text becomes version 1
        before = uow.insert(TEMPLATES, ours, "template.created")
    uow.check_version(TEMPLATES, before)
    return uow.save(TEMPLATES, before, fields, "template.updated")


def restore_version(uow: UnitOfWork, name: str, number: str) -> Document:
    """An old version's subject and body as the next version. Raises as `save_template`, and NotFound."""
    version = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0
    row = uow.find_one(JOURNAL, {"of": name, "kind": TEMPLATES.name, "version": version})
    state = (row and state_in(row)) or (packaged()[name] if version == 1 else None)
    if state is None:
        raise NotFound(f"version of {name}", number)
    return save_template(uow, name, {field: state[field] for field in ("subject", "body")})
