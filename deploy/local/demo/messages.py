"""What reached the topics, read as another system would read it."""

from collections import Counter

from deploy.local.demo.people import MUNICIPALITIES, PUBLIC
from deploy.local.demo.told import Json, Told
from deploy.local.demo.topics import CONTACTS, DEAD_LETTERS, Record, newest, read_topics

Key = tuple[str, str]


def read_messages(told: Told) -> str:
    """The last record of each key is the newest; names and addresses stand on the contacts topic alone."""
    versions = {(topic, one["id"]): one["version"] for topic, things in _shown(told).items() for one in things}
    told.records = read_topics(
        told.stack["kafka"]["bootstrap_servers"],
        complete=lambda records: _holds_all(records, versions),
    )
    last = {(topic, key): one.sequence for topic in _shown(told) for key, one in newest(told.records, topic).items()}
    told.checks.same(
        "the last record of each key (topic, key, version)",
        [(*key, last[key]) for key in versions],
        [(*key, version) for key, version in versions.items()],
    )
    ids = Counter(one.id for one in told.records if one.id)
    told.checks.equal("messages that came twice", [one for one, count in ids.items() if count > 1], [])
    dead = [(one.topic, one.text[:300]) for one in told.records if DEAD_LETTERS.fullmatch(one.topic)]
    told.checks.equal("dead letters", dead, [])
    told.checks.equal("names and addresses on topics other than contacts", _leaked(told.records), [])
    topics = len({one.topic for one in told.records})
    return f"{len(told.records)} messages on {topics} topics; the last of each key is what its GET shows"


def _shown(told: Told) -> dict[str, list[Json]]:
    """What GET shows of everything the story touched, by topic."""
    events, enrolment, notifications = (
        told.coordinator.events,
        told.coordinator.enrolment,
        told.coordinator.notifications,
    )
    gatherings = (told.webinar, told.workshop, told.refused)
    enrolments = [enrolment.get(f"/v1/enrolments/{one['id']}") for one in told.enrolments.values()]
    mine = {one["id"] for one in told.deliveries}
    return {
        "uso.enrolment.organisations.v1": list(told.organisations.values()),
        CONTACTS: enrolment.every("/v1/contacts"),
        "uso.enrolment.seasons.v1": [enrolment.get(f"/v1/seasons/{told.season['id']}")],
        "uso.enrolment.enrolments.v1": enrolments,
        "uso.events.events.v1": [events.get(f"/v1/events/{one['id']}") for one in gatherings],
        "uso.events.registrations.v1": events.every(f"/v1/events/{told.webinar['id']}/registrations"),
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
