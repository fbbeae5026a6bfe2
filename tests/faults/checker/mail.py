"""E-mails: one for each message, rule and recipient, sent once; again only where the outcome was not known."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.faults.checker.effects import EVENTS, REGISTRATIONS
from tests.faults.checker.invariants import Verdict, verdict
from tests.faults.observed import Document, Observed, Record

ENROLMENTS = "uso.enrolment.enrolments.v1"
CONTACTS = "uso.enrolment.contacts.v1"


def deliveries(observed: Observed) -> Iterable[Verdict]:
    """What the messages call for against the deliveries that there are."""
    found: Counter[tuple[str, str, str]] = Counter()
    for delivery in observed.collection("notifications", "deliveries"):
        if delivery["because"]["message_id"] is None:  # an announcement's or a reminder's
            continue
        found[delivery["because"]["message_id"], delivery["template"], delivery["contact_id"]] += 1
    wanted = list(_called_for(observed))
    yield verdict(
        "each message led to one delivery for each rule and recipient",
        ((found[message] == 1, f"{message}: {found[message]} deliveries") for message in wanted),
    )
    yield verdict(
        "no delivery is there twice", ((count == 1, f"{delivery}: {count}") for delivery, count in found.items())
    )
    cancelled: dict[str, Counter[str]] = defaultdict(Counter)
    for delivery in observed.collection("notifications", "deliveries"):
        cancelled[delivery["template"]][delivery["registration_id"]] += 1
    off = {key for key, record in observed.last(EVENTS).items() if record.state["state"] == "cancelled"}
    left = [record for record in observed.last(REGISTRATIONS).values() if record.state["event_id"] in off]
    yield verdict(
        "whoever had a place at a cancelled event was told so once",
        (
            (
                cancelled["event_cancelled"][record.key] == 1,
                f"{record.key}: {cancelled['event_cancelled'][record.key]} times",
            )
            for record in left
            if record.state["state"] in ("confirmed", "waitlisted")
        ),
    )


def mails(observed: Observed) -> Iterable[Verdict]:
    """The mailbox against the deliveries."""
    sent: dict[str, Document] = {}
    unsettled = []
    gone = {key for key, record in observed.last(CONTACTS).items() if record.state["email"].startswith("gone.")}
    for delivery in observed.collection("notifications", "deliveries"):
        refused = delivery["state"] == "failed" and delivery["contact_id"] in gone
        ended = refused or delivery["state"] in ("sent", "cancelled", "suppressed")
        unsettled.append((ended, f"{delivery['_id']} is {delivery['state']}"))
        if delivery["message_id"]:
            sent[delivery["message_id"]] = delivery
    arrived = Counter(mail.message_id for mail in observed.mails)
    yield verdict("every delivery came to its end", unsettled)
    yield verdict(
        "every sent delivery is in the mailbox",
        (
            (arrived[message_id] > 0, f"{delivery['_id']} is sent and did not arrive")
            for message_id, delivery in sent.items()
            if delivery["state"] == "sent"
        ),
    )
    yield verdict(
        "no mail went to an address that the mail server does not take",
        ((not mail.to.startswith("gone."), mail.message_id) for mail in observed.mails),
    )
    yield verdict(
        "every mail is a sent delivery's",
        ((sent.get(message_id, {}).get("state") == "sent", f"{message_id} is nobody's") for message_id in arrived),
    )
    yield verdict(
        "a mail came once; again only where its outcome was unknown",
        (
            (count == 1 or _explained(observed, sent.get(message_id), count), f"{message_id} came {count} times")
            for message_id, count in arrived.items()
        ),
    )


def _explained(observed: Observed, delivery: Document | None, count: int) -> bool:
    return bool(delivery) and delivery["_id"] in observed.sent_again and delivery["attempts"] >= count


def _called_for(observed: Observed) -> Iterable[tuple[str, str, str]]:
    for record in observed.messages(REGISTRATIONS, "registration.created"):
        template = "registration_confirmed" if record.state["state"] == "confirmed" else "registration_waitlisted"
        yield record.id, template, record.state["contact_id"]
    for record in observed.messages(REGISTRATIONS, "registration.promoted"):
        yield record.id, "registration_promoted", record.state["contact_id"]
    for record in observed.messages(ENROLMENTS, "enrolment.created"):
        yield from ((record.id, "enrolment_received", contact) for contact in record.state["contact_ids"])
    for record in observed.messages(ENROLMENTS, "enrolment.transitioned"):
        if record.state["state"] == "enrolled":
            yield from ((record.id, "enrolment_confirmed", contact) for contact in record.state["contact_ids"])
    contacts = {key: record.state["contact_ids"] for key, record in observed.last(ENROLMENTS).items()}
    for record in observed.messages(EVENTS, "event.transitioned"):
        template = _answer_to_a_workshop(record)
        if template:
            yield from ((record.id, template, contact) for contact in contacts[record.state["enrolment_id"]])


def _answer_to_a_workshop(record: Record) -> str | None:
    if record.message["data"]["change"].get("from") != "awaiting_days":
        return None
    return {"published": "workshop_confirmed", "refused": "workshop_refused"}.get(record.state["state"])
