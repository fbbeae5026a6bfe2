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
        busy = len(mine) < len(story.wanted) or any(one["state"] in UNDER_WAY for one in mine)
        return None if busy else mine

    story.deliveries = until(f"{len(story.wanted)} e-mails handed over", all_done)
    got = [(one["template"], address(story, one), one["language"], one["state"]) for one in story.deliveries]
    wanted = [(one.template, one.email, one.language, "sent") for one in story.wanted]
    story.checks.same("deliveries (template, address, language, state)", got, wanted)
    return f"{len(story.deliveries)} e-mails handed to the mail server, each once and in its recipient's language"


def check_mails(story: StoryState) -> str:
    """Every delivery has its one e-mail, and there is no other."""
    if story.mailbox.directory is None:
        return "the e-mails went to a mail server outside of this stack: what arrived is not checked here"
    until(f"{len(story.wanted)} e-mails arrived", lambda: len(story.mailbox.mails) >= len(story.wanted))
    story.mails = mails = story.mailbox.mails
    by_id = {one["message_id"].strip("<>"): one for one in story.deliveries}
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
    return next(one.person.email for one in story.registered if one.id == delivery["registration_id"])


def _mine(story: StoryState) -> list[Json]:
    """The deliveries to the story's people."""
    contacts = {one["id"] for one in story.contacts.values()}
    strangers = {one.id for one in story.registered if one.contact_id is None}
    return [
        one
        for one in story.coordinator.notifications.every("/v1/deliveries")
        if one["contact_id"] in contacts or (not one["contact_id"] and one["registration_id"] in strangers)
    ]


def _measure(story: StoryState) -> None:
    """From the answer to a registration to its e-mail on the catcher's disk."""
    answered = {one.id: one.answered_at for one in story.registered}
    registration = {
        one["message_id"].strip("<>"): one["registration_id"]
        for one in story.deliveries
        if one["template"] in OF_A_REGISTRATION
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
    events = {one["id"]: one for one in (story.webinar, story.workshop, story.refused)}
    names: dict[str, str] = events.get(delivery["event_id"], story.season)["title" if delivery["event_id"] else "name"]
    return names
