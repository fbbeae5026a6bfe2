"""From the databases to the topics: nothing lost, nothing twice, each key in order, the newest last."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.faults.checker.invariants import Verdict, verdict
from tests.faults.observed import Observed, row_id


def log(observed: Observed) -> Iterable[Verdict]:
    """Committed outbox rows against what a reader of committed records finds."""
    rows = {
        row_id(row): row["topic"]
        for service in observed.databases
        for row in observed.collection(service, "journal")
        if "topic" in row
    }
    on_topics = Counter(record.id for record in observed.own_records if record.value is not None)
    yield verdict(
        "every committed change is on its topic (lost)",
        ((on_topics[message] > 0, f"{message} for {topic} is on no topic") for message, topic in rows.items()),
    )
    yield verdict(
        "no message is on a topic twice (doubled)",
        ((count == 1, f"{message} is there {count} times") for message, count in on_topics.items()),
    )
    yield verdict(
        "nothing is on a topic that was not committed",
        ((message in rows, f"{message} is in no outbox") for message in on_topics),
    )
    yield from _order(observed)
    yield _newest_is_last(observed)


def _order(observed: Observed) -> Iterable[Verdict]:
    versions: dict[tuple[str, str], list[int]] = defaultdict(list)
    topics = {owned.topic for owned in observed.owned}
    for record in observed.own_records:
        if record.topic in topics and record.value is not None:
            versions[record.topic, record.key].append(record.message["sequence"])
    yield verdict(
        "the versions of each key ascend (out of order)",
        ((found == sorted(found), f"{topic} {key}: {found}") for (topic, key), found in versions.items()),
    )
    yield verdict(
        "the versions of each key have no gap",
        (
            (sorted(set(found)) == list(range(1, max(found) + 1)), f"{topic} {key}: {found}")
            for (topic, key), found in versions.items()
        ),
    )


def _newest_is_last(observed: Observed) -> Verdict:
    cases = []
    for owned in observed.owned:
        last = observed.last(owned.topic)
        documents = {
            owned.key(document): owned.show(document)
            for document in observed.collection(owned.service, owned.collection)
        }
        for key in documents.keys() | last.keys():
            said = last[key].state if key in last and last[key].value is not None else None
            cases.append((said == documents.get(key), f"{owned.topic} {key}: the last record is not what is kept"))
    return verdict("the last record of each key is the document in the database", cases)
