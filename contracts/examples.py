"""One example of each message, in a short story: Kangasala's season 7.

The municipality is real; its people and their actions are invented. The documents are checked by the
schemas of the HTTP interface and written by the code that writes real messages, with ids and instants of their own.
A new message type needs an example here; `python -m contracts write` names those that are missing. A new noun takes
the next number of a chapter.
"""

from typing import Any

from contracts.event_examples import invite, offer_seat, transfer
from contracts.story import Json, Story
from contracts.workshop_day_examples import workshops
from ops.erasure.acknowledgements import ACKNOWLEDGED, acknowledgements
from services.enrolment.contacts.schemas import ContactInput
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.enrolments.commands import NOT_STARTED, START
from services.enrolment.enrolments.schemas import EnrolmentInput, SituationAnalysisInput
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.erasures.domain import acknowledged, nobody_yet
from services.enrolment.erasures.store import ERASURES
from services.enrolment.organisations.schemas import OrganisationInput
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.persons.deleting import BLANK
from services.enrolment.seasons.schemas import SeasonInput
from services.enrolment.seasons.store import SEASONS
from services.enrolment.segments.schemas import SegmentInput
from services.enrolment.segments.store import SEGMENTS
from services.enrolment.tasks.schemas import TaskInput
from services.enrolment.tasks.store import TASKS
from services.events.events.schemas import EventInput
from services.events.events.store import EVENTS
from services.events.registrations.store import REGISTRATIONS
from services.notifications.announcements.commands import NOT_BEGUN
from services.notifications.announcements.schemas import AnnouncementInput
from services.notifications.announcements.store import ANNOUNCEMENTS
from services.notifications.deliveries.domain import Because, NewDelivery, dedup_key_for_registration
from services.notifications.deliveries.store import DELIVERIES, new_document
from shared.mongo.aggregates import Document


def all_examples() -> dict[str, Json]:
    """The examples by the full names of their types, the same in each run."""
    story = Story()
    kangasala = _organisation(story)
    anna = _contact(story, kangasala)
    season = _season(story)
    enrolment = _enrolment(story, season, kangasala, anna)
    workshops(story, enrolment)
    webinar = _webinar(story)
    offer_seat(story, webinar)
    registration = _registration(story, webinar, anna)
    _delivery(story, registration, anna)
    _announcement(story, season)
    _task(story, kangasala)
    _segment(story, season)
    _mistakes(story, kangasala, anna)
    _erasure(story, anna)
    invite(story, webinar, anna)
    transfer(story, webinar)
    return story.messages


def _organisation(story: Story) -> Document:
    story.begin(1)
    fields = {
        "kind": "municipality",
        "name": {"fi": "Kangasala", "sv": "Kangasala"},
        "municipality_code": "211",
        "region": {"fi": "Pirkanmaa", "sv": "Birkaland"},
        "wellbeing_county": {"fi": "Pirkanmaan hyvinvointialue", "sv": "Birkalands välfärdsområde"},
        "languages": ["fi"],
        "population": 32799,
    }
    made = story.made(ORGANISATIONS, "organisation.created", _given(OrganisationInput(), fields))
    ends = {"ends_on": "2025-12-31", "successor_ids": ["01850000-0000-7000-8000-000000999999"]}
    story.changed(ORGANISATIONS, made, "organisation.succeeded", ends)
    return story.changed(ORGANISATIONS, made, "organisation.updated", {"population": 33106})


def _contact(story: Story, organisation: Document) -> Document:
    story.begin(2)
    fields = {
        "given_name": "Anna",
        "family_name": "Virtanen",
        "email": "anna.virtanen@kangasala.example",
        "phone": "+358401234567",
        "title": "kehittämisjohtaja",
        "organisation_id": organisation["_id"],
        "role": "officeholder",
        "language": "fi",
    }
    made = story.made(CONTACTS, "contact.created", _given(ContactInput(), fields))
    twin = {**fields, "email": "a.virtanen@kangasala.example", "title": None}
    story.made(CONTACTS, "contact.created", _given(ContactInput(), fields))
    second = story.made(CONTACTS, "contact.created", _given(ContactInput(), twin))
    story.changed(CONTACTS, second, "contact.merged", {"merged_into": made["_id"]}, into=made["_id"])
    return story.changed(CONTACTS, made, "contact.updated", {"title": "strategiajohtaja"})


def _season(story: Story) -> Document:
    story.begin(3)
    fields = {
        "number": 7,
        "name": {
            "fi": "USO 7: uudistuvan kunnan johtaminen",
            "sv": "USO 7: att leda en kommun i förnyelse",
            "en": "USO 7: leading a renewing municipality",
        },
        "starts_on": "2023-01-01",
        "ends_on": "2024-12-31",
        "enrolment_opens_on": "2022-09-01",
        "enrolment_closes_on": "2023-03-31",
        "themes": [{"key": "renewing_municipality", "name": {"fi": "Uudistuvan kunnan johtaminen"}}],
        "package": {"situation_analysis": True, "workshop_days": 3},
    }
    made = story.made(SEASONS, "season.created", {**_given(SeasonInput(), fields), "state": "draft"})
    later = story.changed(SEASONS, made, "season.updated", {"enrolment_closes_on": "2023-04-30"})
    return story.moved(SEASONS, later, "season.transitioned", "open")


def _enrolment(story: Story, season: Document, organisation: Document, contact: Document) -> Document:
    story.begin(4)
    fields = {
        "season_id": season["_id"],
        "organisation_id": organisation["_id"],
        "contact_ids": [contact["_id"]],
        "themes": ["renewing_municipality"],
        "source": "Letter to all municipalities",
    }
    start = {**START, "state_since": story.now}
    inquiry = story.made(ENROLMENTS, "enrolment.created", {**_given(EnrolmentInput(), fields), **start})
    theirs = story.changed(ENROLMENTS, inquiry, "enrolment.updated", {"coordinator": "maija.coordinator"})
    for state in ("negotiating", "enrolled", "active"):
        theirs = story.moved(ENROLMENTS, theirs, "enrolment.transitioned", state)
    analysis = {
        "status": "delivered",
        "summary": "Leadership is shared, and renewal needs time set apart for it.",
        "focus_areas": ["Strategy in everyday work"],
        "document_url": "https://files.example/season-7/situation-analysis-211.pdf",
        "delivered_on": "2023-05-11",
    }
    whole = {"situation_analysis": {**NOT_STARTED, **_given(SituationAnalysisInput(), analysis)}}
    return story.changed(ENROLMENTS, theirs, "situation_analysis.updated", whole)


def _webinar(story: Story) -> Document:
    story.begin(6)
    fields = {
        "kind": "webinar",
        "title": {"fi": "Uudistuvan kunnan johtaminen", "sv": "Att leda en kommun i förnyelse"},
        "description": {"fi": "Strategiakyselyn tulokset ja kolme esimerkkiä."},
        "starts_at": "2022-12-01T12:00:00Z",
        "ends_at": "2022-12-01T13:00:00Z",
        "online_url": "https://teams.example/l/meetup-join/season-7-strategy",
        "capacity": 24,
        "audience": {"open_to": "public"},
        "materials": [{"title": {"fi": "Kalvot"}, "url": "https://files.example/season-7/webinar-1.pdf"}],
    }
    identifier = story.new_id()
    calendar = {"uid": f"{identifier}@events.uso", "sequence": 0}
    draft = {**_given(EventInput(), fields), "_id": identifier, "state": "draft", "calendar": calendar}
    made = story.made(EVENTS, "event.created", draft)
    published = story.moved(EVENTS, made, "event.transitioned", "published", calendar={**calendar, "sequence": 1})
    more = {"capacity": 30, "calendar": {**calendar, "sequence": 2}}
    return story.changed(EVENTS, published, "event.updated", more)


def _registration(story: Story, event: Document, contact: Document) -> Document:
    story.begin(7)
    fields = {
        "event_id": event["_id"],
        "contact_id": contact["_id"],
        "organisation_id": contact["organisation_id"],
        "role": contact["role"],
        "language": contact["language"],
        "state": "waitlisted",
        "queue_number": 25,
        "position": 1,
    }
    waiting = story.made(REGISTRATIONS, "registration.created", fields)
    seated = story.moved(REGISTRATIONS, waiting, "registration.promoted", "confirmed", follows=True, position=None)
    there = story.moved(REGISTRATIONS, seated, "registration.transitioned", "attended")
    there = story.changed(REGISTRATIONS, there, "registration.updated", {"language": "sv"})
    return story.changed(REGISTRATIONS, there, "feedback.given", {"feedback": {"score": 5, "comment": None}}, score=5)


def _delivery(story: Story, registration: Document, contact: Document) -> None:
    story.begin(8)
    because = Because(
        rule="registration_promoted",
        actor="maija.coordinator",
        message_id=story.messages["fi.uso.registration.promoted"]["id"],
        message_type="registration.promoted",
    )
    new = NewDelivery(
        template="registration_promoted",
        because=because,
        dedup_key=dedup_key_for_registration("registration_promoted", registration["_id"]),
        contact_id=contact["_id"],
        language=contact["language"],
        event_id=registration["event_id"],
        registration_id=registration["_id"],
    )
    document = new_document(new, now=story.now, correlation_id=story.messages["fi.uso.registration.promoted"]["id"])
    step = {"from": None, "to": document["state"]}
    queued = story.made(DELIVERIES, "delivery.transitioned", document, change=step)
    sent = {"message_id": f"<{queued['_id']}@network.example>", "attempts": 1, "sent_at": story.now}
    story.moved(DELIVERIES, queued, "delivery.transitioned", "sent", follows=True, **sent)


def _announcement(story: Story, season: Document) -> None:
    fields = {
        "subject": {"fi": "Kevään ohjelma", "sv": "Vårens program"},
        "body": {"fi": "Kevään ohjelma on julkaistu.", "sv": "Vårens program har publicerats."},
        "segment": {"season_id": season["_id"], "roles": ["officeholder"]},
    }
    start = {**NOT_BEGUN, "state": "draft"}
    made = story.made(ANNOUNCEMENTS, "announcement.created", {**_given(AnnouncementInput(), fields), **start})
    later = story.changed(ANNOUNCEMENTS, made, "announcement.updated", {"send_at": story.now})
    story.moved(ANNOUNCEMENTS, later, "announcement.transitioned", "scheduled")


def _given(schema: Any, fields: Json) -> Document:
    """The fields, checked and loaded as HTTP does."""
    loaded: Document = schema.load(fields)
    return loaded


def _task(story: Story, organisation: Document) -> None:
    story.begin(10)
    about = {"kind": "organisation", "id": organisation["_id"]}
    fields = {"about": about, "title": "Call the mayor", "assignee": "maija.coordinator", "due_on": "2023-05-12"}
    given = {**_given(TaskInput(), fields), "state": "open", "by": "kaisa.manager"}
    task = story.made(TASKS, "task.created", given)
    later = story.changed(TASKS, task, "task.updated", {"due_on": "2023-05-15"})
    story.moved(TASKS, later, "task.transitioned", "done")


def _segment(story: Story, season: Document) -> None:
    story.begin(13)
    asked = {"name": "Officeholders of season 7", "roles": ["officeholder"], "season_id": season["_id"]}
    segment = story.made(SEGMENTS, "segment.created", _given(SegmentInput(), asked))
    story.changed(SEGMENTS, segment, "segment.updated", {"enrolment_states": ["active"]})


def _mistakes(story: Story, organisation: Document, contact: Document) -> None:
    """An organisation and a contact that were typed by mistake, and deleted; a merge that is taken back."""
    story.begin(14)
    twin = {**organisation, "_id": story.new_id(), "municipality_code": None, "version": 1}
    story.changed(ORGANISATIONS, twin, "organisation.deleted", {})
    story.changed(CONTACTS, {**contact, "_id": story.new_id(), "version": 1}, "contact.deleted", BLANK)
    other = {**contact, "_id": story.new_id(), "merged_into": contact["_id"], "version": 2}
    story.changed(CONTACTS, other, "contact.unmerged", {"merged_into": None}, **{"from": contact["_id"]})


def _erasure(story: Story, contact: Document) -> None:
    story.begin(20)
    asked = {"contact_ids": [contact["_id"]], "state": "pending", "services": nobody_yet()}
    erasure = story.made(ERASURES, "erasure.requested", asked)
    for service in ("enrolment", "events", "notifications"):
        said = {"_id": erasure["_id"], "contact_ids": erasure["contact_ids"]}
        story.made(acknowledgements(service), ACKNOWLEDGED, said)
        services = {"services": acknowledged(erasure["services"], service, story.now)}
        if service == "notifications":
            erasure = story.moved(ERASURES, erasure, "erasure.completed", "completed", follows=True, **services)
        else:
            erasure = story.changed(ERASURES, erasure, "erasure.updated", services, follows=True)
