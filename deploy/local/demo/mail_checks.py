"""What reached people, against what the story must lead to: each e-mail once, in its recipient's language."""

from datetime import datetime

from deploy.local.demo.checks import until
from deploy.local.demo.mails import Mail
from deploy.local.demo.story_state import Json, StoryState

UNDER_WAY = ("scheduled", "queued", "sending")
WITH_CALENDAR = ("registration_confirmed", "registration_promoted")
OF_A_REGISTRATION = ("registration_confirmed", "registration_waitlisted")


def wait_for_deliveries(story: StoryState) -> str:
    def all_done() -> list[Json] | None:
        mine = _mine(story)
        busy = len(mine) < len(story.wanted) or any(delivery["state"] in UNDER_WAY for delivery in mine)
        return None if busy else mine

    story.deliveries = until(f"{len(story.wanted)} e-mails handed over", all_done)
    got = [
        (delivery["template"], address(story, delivery), delivery["language"], delivery["state"])
        for delivery in story.deliveries
    ]
    wanted = [(mail.template, mail.email, mail.language, "sent") for mail in story.wanted]
    story.checks.same("deliveries (template, address, language, state)", got, wanted)
    return f"{len(story.deliveries)} e-mails handed to the mail server, each once and in its recipient's language"


def check_mails(story: StoryState) -> str:
    """Every delivery has its one e-mail, and there is no other."""
    if story.mailbox.directory is None:
        return "the e-mails went to a mail server outside of this stack: what arrived is not checked here"
    until(f"{len(story.wanted)} e-mails arrived", lambda: len(story.mailbox.mails) >= len(story.wanted))
    story.mails = mails = story.mailbox.mails
    by_id = {delivery["message_id"].strip("<>"): delivery for delivery in story.deliveries}
    story.checks.equal("Message-IDs of the deliveries, all different", len(by_id), len(story.deliveries))
    story.checks.same("Message-IDs that arrived", [mail.message_id for mail in mails], by_id)
    for mail in mails:
        _check_mail(story, mail, by_id[mail.message_id])
    _measure(story)
    return f"{len(mails)} e-mails arrived, none twice and none astray"


def address(story: StoryState, delivery: Json) -> str:
    """Whom a delivery went to: a contact's address, or that of the person behind the registration."""
    if delivery["contact_id"]:
        email: str = story.of_contact(delivery["contact_id"])["email"]
        return email
    return next(
        registration.person.email for registration in story.registered if registration.id == delivery["registration_id"]
    )


def _mine(story: StoryState) -> list[Json]:
    """The deliveries to the story's people."""
    contacts = {contact["id"] for contact in story.contacts.values()}
    strangers = {registration.id for registration in story.registered if registration.contact_id is None}
    return [
        delivery
        for delivery in story.coordinator.notifications.every("/v1/deliveries")
        if delivery["contact_id"] in contacts
        or (not delivery["contact_id"] and delivery["registration_id"] in strangers)
    ]


def _measure(story: StoryState) -> None:
    """From the answer to a registration to its e-mail on the catcher's disk."""
    answered = {registration.id: registration.answered_at for registration in story.registered}
    registration = {
        delivery["message_id"].strip("<>"): delivery["registration_id"]
        for delivery in story.deliveries
        if delivery["template"] in OF_A_REGISTRATION
    }
    story.seconds_to_mail = sorted(
        mail.written_at - answered[registration[mail.message_id]]
        for mail in story.mails
        if mail.message_id in registration
    )
    story.checks.equal("registrations with a measured e-mail", len(story.seconds_to_mail), len(story.registered))


def _check_mail(story: StoryState, mail: Mail, delivery: Json) -> None:
    template, language = delivery["template"], delivery["language"]
    story.checks.equal(f"whom the {template} is for", mail.address, address(story, delivery))
    story.checks.equal(f"the language of the {template}", mail.language, language)
    name = _subject_matter(story, delivery)[language]
    story.checks.holds(f"the {template} names “{name}”", name in mail.subject + mail.text, mail.subject)
    entry = mail.entry if mail.entry is not None and mail.entry.method == "REQUEST" else None
    story.checks.equal(f"whether the {template} has an entry to add", entry is not None, template in WITH_CALENDAR)
    if entry is not None:
        story.checks.equal("the entry's name", entry.summary, name)
        story.checks.equal("the entry's time", entry.starts_at, datetime.fromisoformat(story.webinar["starts_at"]))


def _subject_matter(story: StoryState, delivery: Json) -> dict[str, str]:
    """By language: the name of the event, or else of the season, that the e-mail is about."""
    events = {event["id"]: event for event in (story.webinar, story.workshop, story.refused)}
    names: dict[str, str] = events.get(delivery["event_id"], story.season)["title" if delivery["event_id"] else "name"]
    return names
