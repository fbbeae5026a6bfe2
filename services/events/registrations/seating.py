"""Who may have a seat, and until when. Pure.

The seats are of two kinds, limited by organisation, and some of them held, as a transaction gives them.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any

from isodate import parse_duration

from services.events.registrations.domain import MODES, SEATED, Full, InvalidMode, NotInvited, NotOpen
from shared.errors import Invalid

ONLINE = "online"
# People read their mail within a day. Held for longer, unconfirmed seats would keep the line from moving.
CONFIRM_WITHIN = timedelta(hours=24)


def check_open(event: Mapping[str, Any], now: datetime, *, by_staff: bool = False) -> None:
    """Raises NotOpen unless the event is published and `now` lies within its registration window.

    Registration closes at the start unless `registration_closes_at` says otherwise, and at the end at the latest.
    After the start staff may still register people who came, until the event is completed.
    """
    if event["state"] != "published":
        raise NotOpen(f"This event takes no registrations: it is {event['state']}.")
    if by_staff and now >= event["starts_at"]:
        return
    opens, closes = event.get("registration_opens_at"), event.get("registration_closes_at")
    if opens and now < opens:
        raise NotOpen("Registration for this event has not opened yet.")
    if now >= min(closes or event["starts_at"], event["ends_at"]):
        raise NotOpen("Registration for this event has closed.")


def check_invited(audience: Mapping[str, Any], *, is_contact: bool, role: str | None, enrolled: bool) -> None:
    """Raises NotInvited for a person outside the audience.

    `enrolled`: the person's organisation takes part in the audience's season. The projection may be a moment behind,
    so the refusal of an organisation that is not enrolled asks the caller to try again.
    """
    roles = audience.get("roles") or []
    if roles and role not in roles:
        raise NotInvited(f"This event is for contacts in the role {' or '.join(roles)}.")
    if audience["open_to"] == "public":
        return
    if not is_contact:
        raise NotInvited("This event is not open to the public: register a contact by contact_id.")
    if not enrolled:
        raise NotInvited("This event is for organisations that take part in its season.", retry_after=1)


def may_promote(event: Mapping[str, Any], now: datetime) -> bool:
    """Whether a free seat still goes to the line: not once the event is over, cancelled or about to start."""
    return bool(event["state"] == "published" and now < before_the_start(event, "promote_until"))


def offer_on(event: Mapping[str, Any], now: datetime, *, unconfirmed: bool, in_line: bool) -> dict[str, Any] | None:
    """The fields of an offered seat: what it waits for, and until when; None when the seat is confirmed at once.

    `unconfirmed`: the owner of the e-mail address has not confirmed it. `in_line`: the seat came free for a person
    in line, and the event gives them time to accept (`offer_expires_after`). An offer ends at the last moment for
    promotion at the latest.
    """
    if unconfirmed:
        awaits, until = "address", now + CONFIRM_WITHIN
    elif in_line and event.get("offer_expires_after"):
        awaits, until = "answer", now + parse_duration(event["offer_expires_after"])
    else:
        return None
    return {"awaits": awaits, "held_until": max(now, min(until, before_the_start(event, "promote_until")))}


def before_the_start(event: Mapping[str, Any], name: str) -> datetime:
    """The moment that the duration in the event's field `name` comes before its start; the start without one."""
    moment: datetime = event["starts_at"] - parse_duration(event.get(name) or "PT0S")
    return moment


def mode_for(event: Mapping[str, Any], asked: str | None) -> str | None:
    """The kind of seat that somebody gets who asked for it: on site unless they say otherwise.

    None for an event with one kind of seats. Raises InvalidMode when somebody chooses where there is no choice.
    """
    if event.get("online_capacity") is None:
        if asked is not None:
            raise InvalidMode
        return None
    return asked or "on_site"


def line_of(registration: Mapping[str, Any]) -> str:
    """The line that the registration stands in: one for each kind of seats."""
    return ONLINE if registration.get("mode") == ONLINE else "on_site"


def counted(registration: Mapping[str, Any]) -> Counter[str]:
    """What a registration adds to the counts in the event's seats document."""
    state = registration["state"]
    name = "taken" if state in SEATED else "waiting" if state == "waitlisted" else None
    if name is None:
        return Counter()
    counts = Counter({name: 1})
    if line_of(registration) == ONLINE:
        counts[f"online_{name}"] = 1
    if name == "taken" and registration.get("held_key"):
        counts[f"held.{registration['held_key']}"] = 1
    return counts


class Seating:
    """The seats of one event, while a transaction gives them one after another.

    `counts` is the event's seats document, `seated` counts the seats of each organisation. `changes` is what this
    transaction adds to the document.

    A hold keeps seats of the room for an organisation, a role or a named group until it is released. A person whom
    it is for takes one of its seats as long as there are any, then a seat like everybody else's.
    """

    def __init__(
        self, event: Mapping[str, Any], counts: Mapping[str, Any], seated: Mapping[str, int], now: datetime
    ) -> None:
        self.changes: Counter[str] = Counter()
        self._event = event
        self._counts = {**counts, **{f"held.{key}": used for key, used in (counts.get("held") or {}).items()}}
        self._seated = Counter(seated)
        self._holds = holds_of(event, now)
        self._hybrid = event.get("online_capacity") is not None

    @property
    def has_holds(self) -> bool:
        return bool(self._holds)

    def waiting(self, line: str) -> int:
        """The number of people in this line."""
        return self._number("waiting", line)

    def free(self, line: str) -> int | None:
        """The seats that nobody has, held ones too; None where there is no limit."""
        capacity = self._event.get("online_capacity" if self._hybrid and line == ONLINE else "capacity")
        return None if capacity is None else max(0, capacity - self._number("taken", line))

    def is_full(self) -> bool:
        """Whether no seat of any kind is free."""
        return all(self.free(line) == 0 for line in (MODES if self._hybrid else ("on_site",)))

    def seats_of(self, organisation: str | None) -> int:
        return self._seated[organisation] if organisation else 0

    def hold_for(self, person: Mapping[str, Any]) -> str | None:
        """The key of the hold that has a seat left for this person."""
        if line_of(person) == ONLINE:
            return None
        wish = person.get("held_key")
        for hold in sorted(self._holds, key=lambda hold: hold["key"] != wish):
            if is_for(hold, person) and self._held(hold) < hold["seats"]:
                return str(hold["key"])
        return None

    def no_seat(self, person: Mapping[str, Any]) -> str | None:
        """Why there is no seat for a person: `event_full` or `organisation_full`; None where there is one."""
        line = line_of(person)
        free, kept = self.free(line), 0
        if line != ONLINE and self.hold_for(person) is None:
            kept = sum(max(0, hold["seats"] - self._held(hold)) for hold in self._holds)
        if free is not None and free <= kept:
            return "event_full"
        most = self._event.get("max_per_organisation")
        full = most is not None and person.get("organisation_id") and self.seats_of(person["organisation_id"]) >= most
        return "organisation_full" if full else None

    def give(self, person: Mapping[str, Any]) -> str | None:
        """Counts a seat for the person, whatever the limits say; returns the key of the hold that it is of."""
        key = self.hold_for(person)
        self.changes += counted({**person, "state": "confirmed", "held_key": key})
        if person.get("organisation_id"):
            self._seated[person["organisation_id"]] += 1
        return key

    def join_line(self, person: Mapping[str, Any]) -> int:
        """Counts the person in line; returns their position."""
        position = self.waiting(line_of(person)) + 1
        self.changes += counted({**person, "state": "waitlisted"})
        return position

    def _number(self, name: str, line: str) -> int:
        in_all, online = (self._counts.get(each, 0) + self.changes[each] for each in (name, f"online_{name}"))
        if not self._hybrid:
            return int(in_all)
        return int(online if line == ONLINE else in_all - online)

    def _held(self, hold: Mapping[str, Any]) -> int:
        name = f"held.{hold['key']}"
        return int(self._counts.get(name, 0) + self.changes[name])


def holds_of(event: Mapping[str, Any], now: datetime) -> list[Mapping[str, Any]]:
    """The event's holds that are not released yet."""
    return [hold for hold in event.get("held_seats") or [] if now < hold["released_at"]]


def check_hold(event: Mapping[str, Any], held_key: str | None) -> None:
    """Raises Invalid for a key under which the event holds no seats."""
    if held_key is not None and held_key not in [hold["key"] for hold in event.get("held_seats") or []]:
        raise Invalid({"held_key": ["This event holds no seats under that key."]})


def is_for(hold: Mapping[str, Any], person: Mapping[str, Any]) -> bool:
    """Whether the held seats are for this person: by organisation, by role, or since staff said so."""
    if person.get("held_key") == hold["key"]:
        return True
    return any(hold.get(name) and hold[name] == person.get(name) for name in ("organisation_id", "role"))


def state_on_arrival(reason: str | None, *, waitlist: bool) -> str:
    """`confirmed` without a `reason` against it, else `waitlisted`. Raises Full without a waiting list."""
    if reason is None:
        return "confirmed"
    if waitlist:
        return "waitlisted"
    full = reason == "event_full"
    raise Full("This event is full." if full else "This organisation has all the seats that it may have.")


def next_in_line(
    waiting: Iterable[Mapping[str, Any]], seating: Seating, *, fair: bool = False
) -> list[tuple[Any, str | None]]:
    """The registrations of `waiting` (in the order of arrival) that get the free seats, with the key of their hold.

    A person who may have none of the free seats is passed over, and keeps their place in line. `fair`: the next
    seat goes to the first in line of the organisation with the fewest seats.
    """
    chosen: list[tuple[Any, str | None]] = []
    for registration in by_fewest_seats(waiting, seating) if fair else waiting:
        if seating.is_full():
            break
        if seating.no_seat(registration) is None:
            chosen.append((registration, seating.give(registration)))
    return chosen


def by_fewest_seats(waiting: Iterable[Mapping[str, Any]], seating: Seating) -> Iterator[Mapping[str, Any]]:
    """The people in line as fairness between organisations serves them; of equal organisations the first in line.

    A person of no organisation is like an organisation of one, without a seat so far. The seats that the caller
    gives between two people count.
    """
    lines: dict[str, deque[tuple[int, Mapping[str, Any]]]] = {}
    for number, registration in enumerate(waiting):
        lines.setdefault(registration.get("organisation_id") or f"person {number}", deque()).append(
            (number, registration)
        )
    heap = [(seating.seats_of(organisation), line[0][0], organisation) for organisation, line in lines.items()]
    heapify(heap)
    while heap:
        _, _, organisation = heappop(heap)
        yield lines[organisation].popleft()[1]
        if lines[organisation]:
            heappush(heap, (seating.seats_of(organisation), lines[organisation][0][0], organisation))
