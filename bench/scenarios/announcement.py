"""An announcement to a hundred thousand contacts: each gets it once, and the worker's memory stays what it was."""

from collections import Counter
from collections.abc import Iterator

from bench.bench_stack import BenchStack
from bench.rows import Row
from bench.scenarios.large_event import project
from bench.scenarios.mail import CONTACTS, contact_state
from bench.sink import Sink
from services.notifications.announcements.commands import create_announcement, move_announcement
from services.notifications.app import SERVICE
from shared.cause import own_initiative
from shared.ids import new_id
from shared.messaging.topics import Topic
from shared.mongo.unit_of_work import UnitOfWork
from tests.support import wait_for

MEGABYTE = 1024 * 1024
# Of a worker that holds nobody in memory: the cache of skeletons and the driver's buffers are less.
MOST_GROWTH_MB = 60


def measure(bench: BenchStack) -> Iterator[Row]:
    """One announcement to all contacts, by one worker; checked: each once."""
    count = bench.many(100_000, 500)
    bench.topics([Topic(name=topic) for topic in SERVICE.subscriptions])
    name = bench.name("announcement")
    with bench.database(name) as db, Sink(bench.free_port()) as sink:
        SERVICE.prepare(db)
        for start in range(0, count, 5000):
            project(db, CONTACTS, [contact_state(new_id()) for _ in range(min(5000, count - start))])
        with bench.service(
            "notifications", "worker", database=name, SMTP_URL=sink.url, OPTIONAL_MAIL_HOURS=""
        ) as worker:
            db.transact(_schedule, cause=own_initiative("bench"))
            wait_for(lambda: len(sink.mails) >= min(count, 1000) // 2, seconds=60, what="the first mails")
            before = worker.process.memory_info().rss
            wait_for(lambda: len(sink.mails) >= count, seconds=1800, what="the last of the mails")
            growth = (worker.process.memory_info().rss - before) / MEGABYTE
    times = Counter(recipient for _, _, recipient, _ in sink.mails)
    assert len(times) == count, f"{count - len(times)} people were left out"
    assert set(times.values()) == {1}, "somebody got it twice"
    took = sink.mails[-1][0] - sink.mails[0][0]
    yield Row(path="announcement", what=f"to {count:,} contacts, one worker", unit="recipients/s", ours=[count / took])
    yield Row(
        path="announcement", what="… growth of the worker's memory", unit="MB", ours=[growth], below=MOST_GROWTH_MB
    )


def _schedule(uow: UnitOfWork) -> None:
    texts = {"subject": {"fi": "Ohjelma"}, "body": {"fi": "Kevään **ohjelma** on julkaistu."}}
    made = create_announcement(uow, {**texts, "reply_to": None, "segment": {}, "send_at": None})
    move_announcement(uow, made["_id"], to="scheduled", reason=None)
