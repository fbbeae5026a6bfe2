"""From the topics to the other services: copies, and the messages that could not be handled."""

from collections import Counter
from collections.abc import Iterable

from tests.faults.checker.invariants import Verdict, verdict
from tests.faults.observed import Observed, Record


def projections(observed: Observed) -> Iterable[Verdict]:
    """Each copy is what its service keeps of the newest message."""
    cases = []
    for kept in observed.kept:
        newest: dict[str, Record] = {}
        for record in observed.messages(kept.topic):
            if record.key not in newest or newest[record.key].message["sequence"] <= record.message["sequence"]:
                newest[record.key] = record
        documents = {document["_id"]: document for document in observed.collection(kept.service, kept.collection)}
        where = f"{kept.service}'s copy of {kept.topic}"
        for key in documents.keys() | newest.keys():
            wanted = kept.keep(newest[key]) if key in newest else None
            cases.append((documents.get(key) == wanted, f"{where} {key} is not the newest"))
    yield verdict("each copy in another service is the newest state", cases)


def dead_letters(observed: Observed) -> Iterable[Verdict]:
    """A dead letter for each poisoned record and reader, and no other."""
    wanted = Counter(
        f"{service}: {record.place}"
        for record in observed.records
        if record.headers.get("foreign") == "poison"
        for service in observed.readers.get(record.topic, ())
    )
    found: Counter[str] = Counter()
    for service in observed.databases:
        for letter in observed.collection(service, "dead_letters"):
            about = letter["about"]
            found[f"{service}: {about['topic']}/{about['partition']}/{about['offset']}"] += 1
    yield verdict(
        "dead letters are the poisoned records, once for each reader, and nothing else",
        (
            (found[key] == wanted[key], f"{key}: {found[key]} dead letters for {wanted[key]}")
            for key in wanted.keys() | found.keys()
        ),
    )
