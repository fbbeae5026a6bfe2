"""What reached the topics, read as another system would read it."""

from collections import Counter

from deploy.local.demo.people import MUNICIPALITIES, PUBLIC
from deploy.local.demo.story_state import Json, StoryState
from deploy.local.demo.topics import CONTACTS, DEAD_LETTERS, Record, newest, read_topics

Key = tuple[str, str]


def read_messages(story: StoryState) -> str:
    """The last record of each key is the newest; names and addresses stand on the contacts topic alone."""
    versions = {(topic, thing["id"]): thing["version"] for topic, things in _shown(story).items() for thing in things}
    story.records = read_topics(
        story.stack["kafka"],
        complete=lambda records: _holds_all(records, versions),
    )
    last = {
        (topic, key): record.sequence for topic in _shown(story) for key, record in newest(story.records, topic).items()
    }
    story.checks.same(
        "the last record of each key (topic, key, version)",
        [(*key, last[key]) for key in versions],
        [(*key, version) for key, version in versions.items()],
    )
    ids = Counter(record.id for record in story.records if record.id)
    story.checks.equal("messages that came twice", [identifier for identifier, count in ids.items() if count > 1], [])
    dead = [(record.topic, record.text[:300]) for record in story.records if DEAD_LETTERS.fullmatch(record.topic)]
    story.checks.equal("dead letters", dead, [])
    story.checks.equal("names and addresses on topics other than contacts", _leaked(story.records), [])
    topics = len({record.topic for record in story.records})
    return f"{len(story.records)} messages on {topics} topics; the last of each key is what its GET shows"


def _shown(story: StoryState) -> dict[str, list[Json]]:
    """What GET shows of everything the story touched, by topic."""
    events, enrolment, notifications = (
        story.coordinator.events,
        story.coordinator.enrolment,
        story.coordinator.notifications,
    )
    shown = (story.webinar, story.workshop, story.refused)
    enrolments = [enrolment.get(f"/v1/enrolments/{known['id']}") for known in story.enrolments.values()]
    mine = {delivery["id"] for delivery in story.deliveries}
    return {
        "uso.enrolment.organisations.v1": list(story.organisations.values()),
        CONTACTS: enrolment.every("/v1/contacts"),
        "uso.enrolment.seasons.v1": [enrolment.get(f"/v1/seasons/{story.season['id']}")],
        "uso.enrolment.enrolments.v1": enrolments,
        "uso.events.events.v1": [events.get(f"/v1/events/{event['id']}") for event in shown],
        "uso.events.registrations.v1": events.every(f"/v1/events/{story.webinar['id']}/registrations"),
        "uso.notifications.deliveries.v1": [
            delivery for delivery in notifications.every("/v1/deliveries") if delivery["id"] in mine
        ],
    }


def _holds_all(records: list[Record], versions: dict[Key, int]) -> bool:
    last = {(record.topic, record.key): record.sequence for record in records}
    return all(last.get(key, 0) >= version for key, version in versions.items())


def _leaked(records: list[Record]) -> list[str]:
    """The people's names and addresses that stand where they must not."""
    spoken = "\n".join(record.text for record in records if record.topic != CONTACTS).lower()
    people = [*(person for town in MUNICIPALITIES for person in town.people), *PUBLIC]
    return [
        word
        for person in people
        for word in (person.email, person.name.lower(), f'"{person.family_name.lower()}"')
        if word in spoken
    ]
