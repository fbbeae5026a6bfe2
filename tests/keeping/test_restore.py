"""Yesterday's backup under today's topics: nothing is sent twice to the world, and nothing is lost silently."""

from collections import Counter

from tests.keeping.conftest import Kept
from tests.support import wait_for


def test_notifications_sends_what_it_had_not_sent_and_nothing_twice(kept: Kept) -> None:
    event = kept.publish_event()
    yesterday = [kept.register(event, name) for name in ("aino", "bertil", "cecilia")]
    wait_for(lambda: kept.mails() == Counter(yesterday), seconds=120, what="a mail for each")
    backup, environment = kept.dump("notifications"), kept.environment("notifications")
    today = [kept.register(event, name) for name in ("daavid", "eeva")]
    wait_for(lambda: kept.mails() == Counter([*yesterday, *today]), seconds=300, what="two more mails")

    kept.scale("notifications", 0)
    meanwhile = [kept.register(event, "fredrik")]
    kept.restore("notifications", backup)
    kept.run("notifications", "recall", environment=environment)
    kept.scale("notifications", 1)

    everybody = [*yesterday, *today, *meanwhile]
    wait_for(lambda: set(kept.mails()) == set(everybody), seconds=300, what="the mail that had waited")
    later = kept.register(event, "gunilla")
    wait_for(lambda: kept.mails()[later] == 1, seconds=300, what="a mail about what came later")
    wait_for(lambda: kept.lag("notifications") == 0, seconds=300, what="all to be read")
    assert kept.mails() == Counter([*everybody, later])
    deliveries = kept.mongo["uso_notifications"]["deliveries"]
    assert Counter(row["state"] for row in deliveries.find()) == {"sent": 7}
    assert kept.mongo["uso_notifications"]["dead_letters"].count_documents({}) == 0


def test_events_says_what_it_has_lost_and_nobody_is_told_twice(kept: Kept) -> None:
    event = kept.publish_event()
    before = kept.mails()
    yesterday = [kept.register(event, name) for name in ("helmi", "ilmari")]
    wait_for(lambda: kept.mails() - before == Counter(yesterday), seconds=120, what="a mail for each")
    backup = kept.dump("events")
    today = [kept.register(event, name) for name in ("johanna", "kalle")]
    wait_for(lambda: kept.mails() - before == Counter([*yesterday, *today]), seconds=300, what="two more mails")

    kept.scale("events", 0)
    kept.restore("events", backup)
    kept.scale("events", 1)

    lost = kept.ops("check", "--own", "--service", "events")["events"]["result"]
    assert lost["aggregates"]["registration"]["kinds"] == {"missing": 2}
    later = kept.register(event, "liisa")
    wait_for(lambda: kept.mails()[later] == 1, seconds=300, what="a mail about what came later")
    wait_for(lambda: kept.lag("notifications") == 0 == kept.lag("events"), seconds=300, what="all to be read")
    assert kept.mails() - before == Counter([*yesterday, *today, later])
    assert kept.mongo["uso_events"]["registrations"].count_documents({"event_id": event}) == 3
