"""What reached the topics, read as another system would read it."""

from collections import Counter

from deploy.local.demo.people import MUNICIPALITIES, PUBLIC
from deploy.local.demo.story_state import Json, StoryState
from deploy.local.demo.topics import CONTACTS, DEAD_LETTERS, Record, newest, read_topics

Key = tuple[str, str]


def read_messages(story: StoryState) -> str:
    """The last record of each key is the newest; names and addresses stand on the contacts topic alone."""
    versions = {(topic, one["id"]): one["version"] for topic, things in _shown(story).items() for one in things}
    story.records = read_topics(
        story.stack["kafka"]["bootstrap_servers"],
        complete=lambda records: _holds_all(records, versions),
    )
    last = {(topic, key): one.sequence for topic in _shown(story) for key, one in newest(story.records, topic).items()}
    story.checks.same(
        "the last record of each key (topic, key, version)",
        [(*key, last[key]) for key in versions],
        [(*key, version) for key, version in versions.items()],
    )
    ids = Counter(one.id for one in story.records if one.id)
    story.checks.equal("messages that came twice", [one for one, count in ids.items() if count > 1], [])
    dead = [(one.topic, one.text[:300]) for one in story.records if DEAD_LETTERS.fullmatch(one.topic)]
    story.checks.equal("dead letters", dead, [])
    story.checks.equal("names and addresses on topics other than contacts", _leaked(story.records), [])
    topics = len({one.topic for one in story.records})
    return f"{len(story.records)} messages on {topics} topics; the last of each key is what its GET shows"


def _shown(story: StoryState) -> dict[str, list[Json]]:
    """What GET shows of everything the story touched, by topic."""
    events, enrolment, notifications = (
        story.coordinator.events,
        story.coordinator.enrolment,
        story.coordinator.notifications,
    )
    gatherings = (story.webinar, story.workshop, story.refused)
    enrolments = [enrolment.get(f"/v1/enrolments/{one['id']}") for one in story.enrolments.values()]
    mine = {one["id"] for one in story.deliveries}
    return {
        "uso.enrolment.organisations.v1": list(story.organisations.values()),
        CONTACTS: enrolment.every("/v1/contacts"),
        "uso.enrolment.seasons.v1": [enrolment.get(f"/v1/seasons/{story.season['id']}")],
        "uso.enrolment.enrolments.v1": enrolments,
        "uso.events.events.v1": [events.get(f"/v1/events/{one['id']}") for one in gatherings],
        "uso.events.registrations.v1": events.every(f"/v1/events/{story.webinar['id']}/registrations"),
        "uso.notifications.deliveries.v1": [one for one in notifications.every("/v1/deliveries") if one["id"] in mine],
    }


def _holds_all(records: list[Record], versions: dict[Key, int]) -> bool:
    last = {(one.topic, one.key): one.sequence for one in records}
    return all(last.get(key, 0) >= version for key, version in versions.items())


def _leaked(records: list[Record]) -> list[str]:
    """The people's names and addresses that stand where they must not."""
    spoken = "\n".join(one.text for one in records if one.topic != CONTACTS).lower()
    people = [*(one for town in MUNICIPALITIES for one in town.people), *PUBLIC]
    return [
        word
        for one in people
        for word in (one.email, one.name.lower(), f'"{one.family_name.lower()}"')
        if word in spoken
    ]
