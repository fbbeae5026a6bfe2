"""Why somebody got something, would get it, or did not."""

from tests.notifications import builders as a
from tests.notifications.test_sending import registered


def explained(notifications, contact: dict, **query: str) -> dict[str, tuple[str, str]]:
    answer = notifications.client.get(f"/v1/contacts/{contact['id']}/explain", query_string=query)
    assert answer.status_code == 200, answer.json
    return {row["template"]: (row["outcome"], row["why"]) for row in answer.json}


def test_what_a_contact_got_and_would_get_of_an_event_is_explained(notifications) -> None:
    event, (aino,), _ = registered(notifications)
    before = explained(notifications, aino, event_id=event["id"])
    assert before["registration_confirmed"] == ("would_send", "registration_confirmed")
    notifications.sends()
    after = explained(notifications, aino, event_id=event["id"])
    assert after["registration_confirmed"] == ("sent", "registration_confirmed")
    assert after["event_reminder"] == ("would_send", "event_reminder")
    assert after["registration_waitlisted"] == ("not_sent", "nothing_led_to_it")
    notifications.client.put(
        f"/v1/contacts/{aino['id']}/preferences",
        json={"announcements": True, "reminders": False, "feedback_requests": True},
        headers={"If-Match": "*"},
    )
    assert explained(notifications, aino, event_id=event["id"])["event_reminder"] == ("not_sent", "opted_out")
    assert explained(notifications, aino, template="announcement") == {"announcement": ("would_send", "announcement")}
    notifications.client.post("/v1/suppressions", json={"email": aino["email"]})
    told = explained(notifications, aino, event_id=event["id"], template="event_changed")
    assert told == {"event_changed": ("not_sent", "suppressed_address")}


def test_a_refused_mail_is_explained_by_the_servers_answer(notifications, mailbox) -> None:
    event, (aino,), _ = registered(notifications)
    mailbox.answers[aino["email"]] = "550 5.7.1 no"
    notifications.sends()
    told = explained(notifications, aino, event_id=event["id"], template="registration_confirmed")
    assert told == {"registration_confirmed": ("not_sent", "smtp_550")}


def test_who_is_not_registered_gets_nothing_of_the_event(notifications) -> None:
    aino, event = a.contact(), a.event()
    notifications.hears(a.known(a.CONTACTS, aino), a.known(a.EVENTS, event))
    told = explained(notifications, aino, event_id=event["id"])
    for_the_invited = {template: told.pop(template) for template in ("invitation", "invitation_reminder")}
    assert set(for_the_invited.values()) == {("not_sent", "not_invited")}
    assert set(told.values()) == {("not_sent", "not_registered")}
    unknown = notifications.client.get(f"/v1/contacts/{event['id']}/explain")
    assert unknown.status_code == 404
