"""The examples of an account of workshop days: Kangasala's, with three workshops."""

from collections.abc import Iterator

from contracts.story import Story
from services.enrolment.workshop_days.domain import EMPTY, Entry, sums
from services.enrolment.workshop_days.store import WORKSHOP_DAYS
from shared.mongo.aggregates import Document


def workshops(story: Story, enrolment: Document) -> None:
    """An account with three days; a workshop that gets its days, one that is refused, one that is called off."""
    story.begin(5)
    account = story.made(WORKSHOP_DAYS, "workshop_days.opened", {**EMPTY, "_id": enrolment["_id"]})
    account = _entered(story, account, Entry(kind="adjusted", half_days=6, reason="The package of season 7"))
    account = _entered(
        story, account, Entry(kind="adjusted", half_days=1, reason="Carried to season 7", carried="carried_in")
    )
    for workshop in _workshop_entries(story):
        for entry in workshop:
            account = _entered(story, account, entry, follows=True)


def _workshop_entries(story: Story) -> Iterator[list[Entry]]:
    for kinds, half_days, reason in (
        (("reserved", "used"), 4, None),
        (("refused",), 4, "2 days are asked for, but 1 days of 3 days are free."),
        (("reserved", "released"), 2, None),
    ):
        event_id = story.new_id()
        yield [
            Entry(kind=kind, half_days=half_days, event_id=event_id, event_version=version, reason=reason)
            for version, kind in enumerate(kinds, 2)
        ]


def _entered(story: Story, account: Document, entry: Entry, *, follows: bool = False) -> Document:
    line = {
        "id": story.new_id(),
        "kind": entry.kind,
        "half_days": entry.half_days,
        "event_id": entry.event_id,
        "event_version": entry.event_version,
        "reason": entry.reason,
        "carried": entry.carried,
        "at": story.now,
        "by": "maija.coordinator",
    }
    change = {"half_days": entry.half_days, "event_id": entry.event_id}
    return story.changed(
        WORKSHOP_DAYS,
        account,
        "workshop_days.carried" if entry.carried else f"workshop_days.{entry.kind}",
        {**sums(account, entry), "ledger": [*account["ledger"], line]},
        follows=follows,
        **change | ({"reason": entry.reason} if entry.reason else {}),
    )
