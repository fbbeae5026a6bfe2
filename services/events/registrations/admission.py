"""Admission: each request to register gets a seat, a place in line or a refusal, in the order of arrival."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from services.events.events.store import EVENTS, EventDocument
from services.events.people.registrants import Registrant, take_mail, takes_part
from services.events.questions.answers import Answers, keep_sensitive
from services.events.registrations.domain import AlreadyRegistered, Full, NotInvited
from services.events.registrations.seating import (
    Seating,
    check_hold,
    check_invited,
    check_open,
    mode_for,
    offer_on,
    state_on_arrival,
)
from services.events.registrations.seats import (
    change_seats,
    fill_seats,
    plan_release,
    seated_of,
    take_numbers,
)
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.errors import Problem
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.group_commit import GroupCommit, GroupRequest
from shared.mongo.unit_of_work import UnitOfWork

Answer = RegistrationDocument | Problem


@dataclass(eq=False, kw_only=True)
class Request(GroupRequest):
    """A request to register.

    A `public` request came by the public form: the address is unconfirmed, and the result goes there by e-mail.
    `invited`: staff asked for this person, or for the colleague in whose place they come; the audience does not matter.
    `seat_only`: it is refused where there is no seat. `override`: why staff let this person in whatever the limits say.
    `mode`: in the room or online, at a hybrid event. `held_key`: staff say that a held seat is for this person.
    `listed`: the person agrees that other participants see their name. `of_series`: it is one of several in the
    transaction, so a registration that the person has already must refuse this one alone.
    """

    registrant: Registrant
    public: bool = False
    invited: bool = False
    seat_only: bool = False
    override: str | None = None
    mode: str | None = None
    held_key: str | None = None
    listed: bool = False
    of_series: bool = False
    answers: Answers = field(default_factory=Answers)


class RegistrationBatcher(GroupCommit[Request, RegistrationDocument]):
    """Admits the requests for one event that wait in this process together."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, admit)


# The result of a public request to an address that has had its limit of mails: nothing is written or sent.
NOTHING = cast("RegistrationDocument", {})


def admit(uow: UnitOfWork, event_id: str, requests: Sequence[Request]) -> list[Answer]:
    """Registers the requests in their order. Returns the registration or the refusal of each request.

    The refusals are NotOpen, NotInvited, Full and AlreadyRegistered. A public request is refused with NotOpen only:
    the other results go to the address by e-mail. Raises NotFound without such an event, and Conflict when a
    person is registered already.
    """
    seats = take_numbers(uow, event_id, len(requests))
    event = uow.get(EVENTS, event_id)
    if seats.get("release_at") and seats["release_at"] <= uow.now:  # the people in line come before new ones
        release_held_seats(uow, event)
        seats = take_numbers(uow, event_id, len(requests))
    admission = _Admission(uow, event, requests, seats)
    answers = [admission.answer(request) for request in requests]
    change_seats(uow, event_id, admission.seating.changes)
    return answers


def release_held_seats(uow: UnitOfWork, event: EventDocument) -> None:
    """The seats of the holds whose time is over go to the people in line."""
    fill_seats(uow, event)
    plan_release(uow, event)


class _Admission:
    """The event's seats and people, as the requests of one transaction change them one after another."""

    def __init__(
        self, uow: UnitOfWork, event: EventDocument, requests: Sequence[Request], seats: Mapping[str, Any]
    ) -> None:
        self.uow = uow
        self.event = event
        self.number = seats["last_number"] - len(requests)
        organisations = {request.registrant.organisation_id for request in requests}
        seated = seated_of(uow, event, {each for each in organisations if each})
        self.seating = Seating(event, seats, seated, uow.now)
        self.known: dict[str, RegistrationDocument] = {}
        asking = [each for each in requests if each.public or each.seat_only or each.invited or each.of_series]
        keys = [key for request in asking for key in request.registrant.keys]
        if keys:  # other second registrations of a person are met by the unique index, without asking first
            live = {"event_id": event["_id"], "person_keys": {"$in": keys}, "live": True}
            for registration in uow.find_all(REGISTRATIONS, live):
                self._remember(registration)

    def answer(self, request: Request) -> Answer:
        try:
            if not request.override or self.event["state"] != "published":
                check_open(self.event, self.uow.now, by_staff=bool(request.cause.roles))
            known = next((self.known[key] for key in request.registrant.keys if key in self.known), None)
            if known is not None:
                return self._again(request, known)
            person = self._person(request)
            try:
                return self._register(request, person, self._arrival(request, person))
            except (Full, NotInvited) as refusal:
                if not request.public:
                    raise
                return self._register(request, person, "refused", refused_because=_code_of(refusal))
        except Problem as refusal:
            return refusal

    def _again(self, request: Request, known: RegistrationDocument) -> Answer:
        """Refuses a second registration. A public request causes a mail instead, as far as the limit allows."""
        if not request.public:
            return AlreadyRegistered("This person is registered for the event already.", existing_id=known["_id"])
        if take_mail(self.uow, request.registrant.address_key, may_wait=False) is None:
            return NOTHING
        changes = {"asked_again_at": self.uow.now, "mail_not_before": None}
        after = self.uow.due_to(request.cause).save(REGISTRATIONS, known, changes, "registration.asked_again")
        self._remember(after)
        return after

    def _person(self, request: Request) -> Document:
        """The fields of the registration by which the person gets a seat. Raises Invalid."""
        if not request.invited:  # a hold may have ended since the invitation was sent
            check_hold(self.event, request.held_key)
        mode = mode_for(self.event, request.mode)
        return {**request.registrant.fields(), "mode": mode, "held_key": request.held_key}

    def _arrival(self, request: Request, person: Document) -> str:
        """`confirmed` or `waitlisted`. Raises NotInvited, Full."""
        if request.override:
            return "confirmed"
        if not request.invited:
            self._check_audience(request.registrant)
        line = self.event["waitlist"] and not request.seat_only
        return state_on_arrival(self.seating.no_seat(person), waitlist=line)

    def _check_audience(self, registrant: Registrant) -> None:
        audience = self.event["audience"]
        public = audience["open_to"] == "public"
        enrolled = public or takes_part(self.uow, registrant.organisation_id, audience.get("season_id"))
        check_invited(audience, is_contact=registrant.contact_id is not None, role=registrant.role, enrolled=enrolled)

    def _register(
        self, request: Request, person: Document, state: str, *, refused_because: str | None = None
    ) -> Answer:
        registrant, event, now = request.registrant, self.event, self.uow.now
        mail_at = take_mail(self.uow, registrant.address_key, may_wait=True) if request.public else now
        if mail_at is None:
            return NOTHING
        unconfirmed = request.public and event.get("confirm_address", False)
        offer = offer_on(event, now, unconfirmed=unconfirmed, in_line=False) if state == "confirmed" else None
        why, position, held_key = {}, None, person["held_key"]
        if state == "waitlisted":
            why = {"because": self.seating.no_seat(person)}
            position = self.seating.join_line(person)
        elif state == "confirmed":
            held_key = self.seating.give(person)
        self.number += 1
        registration = {
            **person,
            "held_key": held_key,
            "event_id": event["_id"],
            "state": "offered" if offer else state,
            "live": state != "refused",
            "listed": request.listed,
            "queue_number": self.number,
            "position": position,
            "feedback": None,
            "confirm_address": unconfirmed,
            "mail_not_before": mail_at if mail_at > now else None,
            "refused_because": refused_because,
            "calendar_sequence": self.number,
            "answers": request.answers.plain,
            **(offer or {}),
        }
        made = self.uow.due_to(request.cause).insert(
            REGISTRATIONS, registration, "registration.created", change=why, reason=request.override
        )
        if made["live"]:
            if request.answers.sealed is not None:
                keep_sensitive(self.uow, made["_id"], event, request.answers.sealed)
            self._remember(made)
        return made

    def _remember(self, registration: RegistrationDocument) -> None:
        self.known |= dict.fromkeys(registration["person_keys"], registration)


def _code_of(refusal: Problem) -> str:
    if isinstance(refusal, NotInvited):
        return "not_invited"
    return "organisation_full" if "organisation" in refusal.detail else "full"
