"""The shape of a delivery in messages is that of its schema."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.deliveries.schemas import Delivery
from services.notifications.deliveries.store import DELIVERIES

INSTANTS = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1))  # noqa: DTZ001
TEXTS = st.none() | st.text(max_size=20)
NEEDED = {
    "_id": st.text(max_size=36),
    "version": st.integers(1, 10**6),
    "created_at": INSTANTS,
    "updated_at": INSTANTS,
    "state": st.sampled_from(["queued", "sent", "failed"]),
}
OTHERS = {
    **dict.fromkeys(("channel", "template", "contact_id", "language", "event_id", "registration_id"), TEXTS),
    **dict.fromkeys(("enrolment_id", "announcement_id", "resend_of", "message_id", "error", "subject"), TEXTS),
    "attempts": st.integers(0, 99),
    "due_at": st.none() | INSTANTS,
    "sent_at": st.none() | INSTANTS,
    "handed_over_at": st.none() | INSTANTS,
    "because": st.fixed_dictionaries(dict.fromkeys(("message_id", "message_type", "rule", "actor"), TEXTS)),
}


@given(st.fixed_dictionaries(NEEDED, optional=OTHERS))
def test_it_is_what_the_schema_makes(document: dict[str, object]) -> None:
    assert json.dumps(DELIVERIES.to_public(document)) == json.dumps(Delivery().dump(document))
