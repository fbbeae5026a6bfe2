"""What is too large for Kafka is refused where it is written; a row that stands there all the same can be passed."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from marshmallow import fields

from shared.cause import Cause, own_initiative
from shared.errors import Conflict, NotFound
from shared.ids import new_id, utc_now
from shared.messaging.dead_letters import dead_letter
from shared.messaging.relay import Relay
from shared.messaging.topics import dead_letters
from shared.messaging.unsendable import skip_unsendable, unsendable_rows
from shared.mongo.database import DEAD_LETTERS
from shared.mongo.journal import JOURNAL
from shared.schemas import Resource
from shared.telemetry.metrics import RELAY_BLOCKED
from tests.shared.test_relay_start import running
from tests.support import wait_for


class Text(Resource):
    text = fields.String()


CAUSE = own_initiative("test")


def test_a_change_whose_message_would_have_more_than_a_megabyte_is_refused(service: SimpleNamespace) -> None:
    texts = replace(service.things, schema=Text)

    def create(text: str) -> Any:
        return service.db.transact(lambda uow: uow.insert(texts, {"text": text}, "thing.created"), cause=CAUSE)

    create("x" * 900_000)
    with pytest.raises(Conflict, match="1,000,000 is the limit"):
        create("x" * 1_000_001)
    assert service.db["things"].count_documents({}) == 1
    assert service.db[JOURNAL].count_documents({}) == 1


@pytest.mark.parametrize("size", [7_899_000, 7_999_900])
def test_a_dead_letter_of_a_record_just_below_the_limit_holds_up_no_relay(
    service: SimpleNamespace, relaying: Any, read_topic: Any, size: int
) -> None:
    record = SimpleNamespace(
        topic="uso.other.things.v1", partition=0, offset=7, key=b"k", value=b"x" * size, headers=[("a", b"b")]
    )
    letter = dead_letter(record, ValueError(), tries=3, service=service.name, group="g")
    service.db.transact(letter.store, cause=CAUSE)
    assert len(service.db[DEAD_LETTERS].find_one()["value"]) == size
    with relaying(service):
        [sent] = wait_for(lambda: read_topic(service.settings, dead_letters(service.name)), seconds=60)
    headers = dict(sent.headers)
    assert headers["dead-letter-offset"] == b"7"
    assert len(sent.value or b"") + int(headers.get("dead-letter-left-out", b"0")) == size


def test_a_row_that_cannot_be_sent_is_named_and_an_operator_lets_the_relay_past_it(
    service: SimpleNamespace, write: Any, read_topic: Any
) -> None:
    write(service, 4)
    large = {
        "_id": new_id(),
        "topic": service.topic,
        "key": "large",
        "value": b"x" * 8_500_000,
        "headers": [],
        "sequence": 1,
        "slot": 1,
        "at": utc_now(),
    }
    relay = Relay(service.db, service.settings)
    blocked = RELAY_BLOCKED.labels(service.name)._value
    with running(relay) as state:
        wait_for(lambda: len(read_topic(service.settings, service.topic)) == 4)
        service.db[JOURNAL].insert_one(large)
        write(service, 3)
        wait_for(lambda: unsendable_rows(service.db), seconds=30)
        wait_for(lambda: blocked.get() == 1)
        assert relay.blocked_by == large["_id"]
        [row] = unsendable_rows(service.db)
        assert (row["_id"], row["topic"], row["state"]) == (large["_id"], service.topic, "blocking")
        assert len(read_topic(service.settings, service.topic)) == 4
        operator = Cause(actor="operator@uso.example", correlation_id="c")
        with pytest.raises(NotFound):
            service.db.transact(lambda uow: skip_unsendable(uow, "another", reason="r"), cause=operator)
        service.db.transact(lambda uow: skip_unsendable(uow, large["_id"], reason="a bad import"), cause=operator)
        wait_for(lambda: len(read_topic(service.settings, service.topic)) == 7, seconds=30)
        assert (blocked.get(), relay.blocked_by, state.error) == (0, None, None)
    [row] = unsendable_rows(service.db)
    assert (row["state"], row["by"], row["reason"]) == ("skipped", "operator@uso.example", "a bad import")
    with pytest.raises(Conflict):
        service.db.transact(lambda uow: skip_unsendable(uow, large["_id"], reason="again"), cause=operator)
