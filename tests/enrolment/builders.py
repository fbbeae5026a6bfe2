"""Things that staff tell enrolment, tables that they import, and what events says of workshops."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import openpyxl

from shared.ids import new_id
from shared.messaging.messages import Message
from tests.support import message

Json = dict[str, Any]

EVENTS = "uso.events.events.v1"
ORGANISATIONS = "uso.enrolment.organisations.v1"
CONTACTS = "uso.enrolment.contacts.v1"
SEASONS = "uso.enrolment.seasons.v1"
ENROLMENTS = "uso.enrolment.enrolments.v1"
WORKSHOP_DAYS = "uso.enrolment.workshop-days.v1"


def organisation(**changes: Any) -> Json:
    """The body of a new organisation; None leaves a field out."""
    usual = {"kind": "other", "name": {"fi": "Kuntaliitto", "sv": "Kommunförbundet"}}
    return _without_none(usual | changes)


def municipality(code: str = "837", **changes: Any) -> Json:
    usual = {
        "kind": "municipality",
        "name": {"fi": "Tampere", "sv": "Tammerfors"},
        "municipality_code": code,
        "languages": ["fi"],
        "population": 249_009,
    }
    return _without_none(usual | changes)


def contact(organisation: Json, **changes: Any) -> Json:
    usual = {
        "given_name": "Aino",
        "family_name": "Meriläinen",
        "email": f"aino.{new_id()[-8:]}@kunta.example",
        "organisation_id": organisation["id"],
        "role": "officeholder",
    }
    return _without_none(usual | changes)


def season(**changes: Any) -> Json:
    usual = {
        "number": 7,
        "name": {"fi": "Kausi 7"},
        "starts_on": "2023-08-01",
        "ends_on": "2024-06-30",
        "themes": [{"key": "johtaminen", "name": {"fi": "Johtaminen"}}, {"key": "tieto", "name": {"fi": "Tieto"}}],
        "package": {"situation_analysis": True, "workshop_days": 3},
    }
    return _without_none(usual | changes)


def enrolment(season: Json, organisation: Json, **changes: Any) -> Json:
    return _without_none({"season_id": season["id"], "organisation_id": organisation["id"]} | changes)


def workshop(enrolment: Json, state: str = "awaiting_days", **changes: Any) -> Json:
    """A workshop of one and a half days as events tells it; published once asks for its days."""
    usual = {
        "id": new_id(),
        "version": 2,
        "kind": "workshop",
        "state": state,
        "enrolment_id": enrolment["id"],
        "days": 1.5,
    }
    return usual | changes


def then(workshop: Json, state: str, **changes: Any) -> Json:
    """The workshop one version on."""
    return workshop | {"version": workshop["version"] + 1, "state": state} | changes


def told(workshop: Json, **changes: Any) -> Message:
    """The message that events tells of the workshop as it is."""
    return message(EVENTS, "event.transitioned", workshop, **changes)


def csv_table(rows: Iterable[Mapping[str, Any]], *, delimiter: str = ",") -> bytes:
    """The rows as CSV, all columns of all rows."""
    lines = [[str(cell) for cell in line] for line in _lines(list(rows))]
    return "".join(delimiter.join(line) + "\r\n" for line in lines).encode()


def xlsx_table(rows: Iterable[Mapping[str, Any]]) -> bytes:
    book = openpyxl.Workbook()
    for line in _lines(list(rows)):
        book.active.append(line)  # type: ignore[union-attr]
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return [columns, *([row.get(name, "") for name in columns] for row in rows)]


def _without_none(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
