"""The state of the story so far: each chapter reads what it needs and keeps what it made."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploy.local.demo.checks import Checks, WentWrong
from deploy.local.demo.mails import Mail, Mailbox
from deploy.local.demo.people import Person
from deploy.local.demo.topics import Record
from ops.client import Staff

AT_ONCE = 8

A = TypeVar("A")
B = TypeVar("B")
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A registration as its POST answered it, whose it is, and when the answer was there."""

    id: str
    person: Person
    contact_id: str | None
    answer: Json
    answered_at: float


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An e-mail that the story must lead to: one, in this language."""

    template: str
    email: str
    language: str


@dataclass
class StoryState:
    """`organisations`, `enrolments` by municipality code; `contacts` by e-mail address."""

    stack: Json
    coordinator: Staff
    manager: Staff
    mailbox: Mailbox
    checks: Checks = field(default_factory=Checks)
    organisations: dict[str, Json] = field(default_factory=dict)
    season: Json = field(default_factory=dict)
    contacts: dict[str, Json] = field(default_factory=dict)
    enrolments: dict[str, Json] = field(default_factory=dict)
    webinar: Json = field(default_factory=dict)
    registered: list[Registered] = field(default_factory=list)
    cancelled: Registered | None = None
    promoted: Registered | None = None
    workshop: Json = field(default_factory=dict)
    refused: Json = field(default_factory=dict)
    account: Json = field(default_factory=dict)
    wanted: list[Wanted] = field(default_factory=list)
    deliveries: list[Json] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    seconds_to_mail: list[float] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def wants(self, template: str, *people: Person) -> None:
        """From here on each of them must get this e-mail."""
        self.wanted += [Wanted(template=template, email=person.email, language=person.language) for person in people]

    def of_contact(self, contact_id: str) -> Json:
        """The contact with this id. Raises WentWrong when the story knows none."""
        found = next((contact for contact in self.contacts.values() if contact["id"] == contact_id), None)
        if found is None:
            raise WentWrong(f"contact {contact_id} is none of the story's")
        return found


def at_once(action: Callable[[A], B], things: list[A]) -> list[B]:
    """Does it for all of them, several at a time; the answers in the order of `things`."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(action, things))
