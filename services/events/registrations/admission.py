"""Admission: each request to register gets a seat, a place in line or a refusal, in the order of arrival."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from services.events.events.store import EVENTS, EventDocument
from services.events.people.registrants import Registrant, take_mail, takes_part
from services.events.questions.answers import Answers, keep_sensitive
from services.events.registrations.domain import (
    AlreadyRegistered,
    Full,
    NotInvited,
    check_invited,
    check_open,
    no_seat,
    offer_on,
    state_on_arrival,
)
from services.events.registrations.seats import change_seats, seated_of, take_numbers
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.errors import Problem
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
    """

    registrant: Registrant
    public: bool = False
    invited: bool = False
    seat_only: bool = False
    override: str | None = None
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
    admission = _Admission(uow, uow.get(EVENTS, event_id), requests, seats)
    answers = [admission.answer(request) for request in requests]
    change_seats(uow, event_id, taken=admission.taken - seats["taken"], waiting=admission.waiting - seats["waiting"])
    return answers


class _Admission:
    """The event's seats and people, as the requests of one transaction change them one after another."""

    def __init__(
        self, uow: UnitOfWork, event: EventDocument, requests: Sequence[Request], seats: Mapping[str, Any]
    ) -> None:
        self.uow = uow
        self.event = event
        self.taken, self.waiting = seats["taken"], seats["waiting"]
        self.number = seats["last_number"] - len(requests)
        organisations = {request.registrant.organisation_id for request in requests}
        self.seated = Counter(seated_of(uow, event, {each for each in organisations if each}))
        self.known: dict[str, RegistrationDocument] = {}
        asking = [each for each in requests if each.public or each.seat_only or each.invited]
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
            try:
                return self._register(request, self._arrival(request))
            except (Full, NotInvited) as refusal:
                if not request.public:
                    raise
                return self._register(request, "refused", refused_because=_code_of(refusal))
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

    def _arrival(self, request: Request) -> str:
        """`confirmed` or `waitlisted`. Raises NotInvited, Full."""
        organisation = request.registrant.organisation_id
        if request.override:
            return "confirmed"
        if not request.invited:
            self._check_audience(request.registrant)
        of_organisation = self.seated[organisation] if organisation else 0
        line = self.event["waitlist"] and not request.seat_only
        return state_on_arrival(self.event | {"waitlist": line}, taken=self.taken, of_organisation=of_organisation)

    def _check_audience(self, registrant: Registrant) -> None:
        audience = self.event["audience"]
        public = audience["open_to"] == "public"
        enrolled = public or takes_part(self.uow, registrant.organisation_id, audience.get("season_id"))
        check_invited(audience, is_contact=registrant.contact_id is not None, role=registrant.role, enrolled=enrolled)

    def _register(self, request: Request, state: str, *, refused_because: str | None = None) -> Answer:
        registrant, event, now = request.registrant, self.event, self.uow.now
        mail_at = take_mail(self.uow, registrant.address_key, may_wait=True) if request.public else now
        if mail_at is None:
            return NOTHING
        unconfirmed = request.public and event.get("confirm_address", False)
        offer = offer_on(event, now, unconfirmed=unconfirmed, in_line=False) if state == "confirmed" else None
        of_organisation = self.seated[registrant.organisation_id] if registrant.organisation_id else 0
        reason = no_seat(event, taken=self.taken, of_organisation=of_organisation)
        why = {"because": reason} if state == "waitlisted" else {}
        self.number += 1
        self._count(registrant.organisation_id, state)
        registration = {
            **registrant.fields(),
            "event_id": event["_id"],
            "state": "offered" if offer else state,
            "live": state != "refused",
            "queue_number": self.number,
            "position": self.waiting if state == "waitlisted" else None,
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

    def _count(self, organisation: str | None, state: str) -> None:
        self.taken += int(state == "confirmed")
        self.waiting += int(state == "waitlisted")
        if organisation and state == "confirmed":
            self.seated[organisation] += 1

    def _remember(self, registration: RegistrationDocument) -> None:
        self.known |= dict.fromkeys(registration["person_keys"], registration)


def _code_of(refusal: Problem) -> str:
    if isinstance(refusal, NotInvited):
        return "not_invited"
    return "organisation_full" if "organisation" in refusal.detail else "full"
