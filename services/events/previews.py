"""What a change of an event would say to whom: the change is made in a transaction that is taken back."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from services.events.events.store import EventDocument
from services.events.registrations.store import REGISTRATIONS
from shared.http.calls import database, precondition, request_cause
from shared.ids import new_id
from shared.mongo.aggregates import Document
from shared.mongo.journal import JOURNAL, change_in, state_in
from shared.mongo.unit_of_work import UnitOfWork

Command = Callable[[UnitOfWork], EventDocument]
# A person looks at a sample; the counts are of all.
MOST_PEOPLE = 200
# The changes of an event that its guests are told of: the same as in notifications' table of rules.
NOTICED = frozenset({"title", "starts_at", "ends_at", "timezone", "venue", "online_url"})
PLACE_OR_LINE = ("confirmed", "offered", "waitlisted")
TO_ONE_PERSON = {
    ("registration.created", "confirmed"): "registration_confirmed",
    ("registration.promoted", "confirmed"): "registration_promoted",
    ("registration.offered", "offered"): "registration_offered",
}


class _TakenBack(Exception):
    def __init__(self, result: Document) -> None:
        super().__init__()
        self.result = result


def preview(command: Command) -> Document:
    """The event as `command` would leave it, still with its present version; `preview` holds the mails.

    Nothing is changed. Raises what the command raises.
    """
    try:
        database().transact(lambda uow: _try(uow, command), cause=request_cause(), if_match=precondition())
    except _TakenBack as taken_back:
        return taken_back.result
    raise AssertionError("a preview is never committed")


def _try(uow: UnitOfWork, command: Command) -> None:
    """Raises _TakenBack with the result."""
    first = new_id()  # ids grow: all rows that the command writes to the journal have greater ones
    after = command(uow)
    own = {"_id": {"$gte": first}, "correlation_id": uow.cause.correlation_id}
    rows = uow.find(JOURNAL, own, sort=[("_id", 1)])
    is_new = any(row["of"] == after["_id"] for row in rows)
    raise _TakenBack({**after, "version": after["version"] - is_new, "preview": _mails(uow, after["_id"], rows)})


def _mails(uow: UnitOfWork, event_id: str, rows: Sequence[Document]) -> Document:
    counts: Counter[tuple[str, str]] = Counter()
    people: list[Document] = []
    for template, person in _recipients(uow, event_id, rows):
        counts[template, person["language"]] += 1
        if len(people) < MOST_PEOPLE:
            people.append({**person, "template": template})
    mails = [
        {"template": template, "language": language, "count": count}
        for (template, language), count in sorted(counts.items())
    ]
    return {"mails": mails, "people": people}


def _recipients(uow: UnitOfWork, event_id: str, rows: Sequence[Document]) -> Iterator[tuple[str, Document]]:
    """Each mail with its person, as notifications would send them for these messages."""
    for row in rows:
        state = state_in(row) or {}
        if row["of"] == event_id:
            template = _to_everybody(row["type"], change_in(row), state)
            if template:
                yield from ((template, person) for person in _everybody(uow, event_id, template))
        elif template := TO_ONE_PERSON.get((row["type"], state.get("state", ""))):
            yield template, _person({**state, "_id": row["of"]})


def _to_everybody(type: str, change: Mapping[str, Any], state: Mapping[str, Any]) -> str | None:
    """The mail about a change of the event to its guests."""
    if type == "event.transitioned":
        return {"cancelled": "event_cancelled", "completed": "feedback_request"}.get(change["to"])
    noticed = type == "event.updated" and NOTICED & (change.get("changed") or {}).keys()
    return "event_changed" if noticed and state.get("state") == "published" else None


def _everybody(uow: UnitOfWork, event_id: str, template: str) -> list[Document]:
    if template != "feedback_request":
        return _those_who_are(uow, event_id, PLACE_OR_LINE)
    return _those_who_are(uow, event_id, ("attended",)) or _those_who_are(uow, event_id, ("confirmed",))


def _those_who_are(uow: UnitOfWork, event_id: str, states: Sequence[str]) -> list[Document]:
    projection = {"contact_id": 1, "language": 1}
    query = {"event_id": event_id, "state": {"$in": list(states)}}
    return [_person(row) for row in uow.find(REGISTRATIONS.collection, query, projection=projection)]


def _person(registration: Mapping[str, Any]) -> Document:
    return {
        "registration_id": registration["_id"],
        "contact_id": registration.get("contact_id"),
        "language": registration["language"],
    }
