"""The collection of notes. They have no topic: notes about people stay inside the service."""

from datetime import datetime
from typing import TypedDict

from pymongo import IndexModel

from services.enrolment.notes.schemas import Note
from shared.mongo.aggregates import Aggregate


class NoteDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    about: dict[str, str]
    text: str
    by: str


NOTES: Aggregate[NoteDocument] = Aggregate(
    name="note",
    collection="notes",
    source="/uso/enrolment",
    schema=Note,
    indexes=[
        IndexModel([("about.id", 1), ("_id", 1)], name="about"),
        IndexModel([("about.id", 1), ("updated_at", -1), ("_id", -1)], name="timeline"),
    ],
)
