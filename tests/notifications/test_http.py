"""Deliveries, templates, preferences and suppressions at HTTP."""

import pytest

from services.notifications.rules.reminders import remind
from tests.notifications import builders as a


def one_sent(notifications):
    aino, event = a.contact(), a.event()
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(event, aino)),
    )
    notifications.sends()
    return aino, event, notifications.deliveries()[0]["_id"]


def test_a_delivery_shows_what_was_written_and_why(notifications) -> None:
    _aino, _event, identifier = one_sent(notifications)
    answer = notifications.client.get(f"/v1/deliveries/{identifier}", role="viewer")
    assert answer.status_code == 200
    assert answer.json["state"] == "sent"
    assert answer.json["because"]["message_type"] == "registration.created"
    assert "Aino" in answer.json["text"]
    assert answer.headers["ETag"] == '"2"'
    history = notifications.client.get(f"/v1/deliveries/{identifier}/history").json["items"]
    assert [entry["version"] for entry in history] == [2, 1]


def test_deliveries_are_found_by_what_they_are_about(notifications) -> None:
    aino, event, identifier = one_sent(notifications)
    one_sent(notifications)
    for query in (f"contact_id={aino['id']}", f"event_id={event['id']}"):
        answer = notifications.client.get(f"/v1/deliveries?{query}")
        assert [item["id"] for item in answer.json["items"]] == [identifier]
        assert "text" not in answer.json["items"][0]
    assert len(notifications.client.get("/v1/deliveries?state=sent").json["items"]) == 2
    assert notifications.client.get("/v1/deliveries?state=failed").json["items"] == []
    newest_first = notifications.client.get("/v1/deliveries?limit=1").json
    assert newest_first["items"][0]["id"] != identifier
    rest = notifications.client.get(f"/v1/deliveries?limit=1&cursor={newest_first['next_cursor']}").json
    assert rest["items"][0]["id"] == identifier
    assert notifications.client.get("/v1/deliveries?state=gone").status_code == 422


def test_a_delivery_can_be_sent_again_by_staff(notifications, mailbox) -> None:
    _, _, identifier = one_sent(notifications)
    path, key = f"/v1/deliveries/{identifier}/resend", {"Idempotency-Key": "again"}
    first = notifications.client.post(path, headers=key)
    again = notifications.client.post(path, headers=key)
    assert (first.status_code, first.json["id"]) == (201, again.json["id"])
    assert first.json["because"] == {
        "message_id": None,
        "message_type": None,
        "rule": "resend",
        "actor": "test-coordinator",
    }
    assert first.json["resend_of"] == identifier
    assert notifications.client.post(f"/v1/deliveries/{first.json['id']}/resend").status_code == 409
    notifications.sends()
    assert len(set(mailbox.ids)) == 2
    assert notifications.client.post(path, role="viewer").status_code == 403


def test_every_text_is_there_in_three_languages(notifications) -> None:
    items = notifications.client.get("/v1/templates?limit=200").json["items"]
    assert len(items) == 24 * 3
    first = notifications.client.get("/v1/templates?limit=40").json
    rest = notifications.client.get(f"/v1/templates?limit=40&cursor={first['next_cursor']}").json
    assert [*first["items"], *rest["items"]] == items
    assert notifications.client.get("/v1/templates/event_changed/de").status_code == 404


def test_a_changed_text_is_used_from_the_next_mail_on(notifications, mailbox) -> None:
    one_sent(notifications)
    path = "/v1/templates/registration_confirmed/fi"
    text = {"subject": "Tervetuloa", "body": "Hei {{ contact.given_name }}!"}
    assert notifications.client.put(path, json=text).status_code == 428
    answer = notifications.client.put(path, json=text, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json["version"]) == (200, 2)
    assert notifications.client.put(path, json=text, headers={"If-Match": '"1"'}).status_code == 412
    one_sent(notifications)
    assert mailbox.subjects[1] == "Tervetuloa"
    assert mailbox.subjects[0] != "Tervetuloa"
    history = notifications.client.get(f"{path}/history").json["items"]
    assert [entry["version"] for entry in history] == [2, 1]


def test_a_placeholder_that_does_not_exist_is_refused_when_saved(notifications) -> None:
    path = "/v1/templates/registration_confirmed/fi"
    text = {"subject": "Tervetuloa", "body": "Hei {{ contact.nothing }}!"}
    answer = notifications.client.put(path, json=text, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["body"]
    assert notifications.client.get(path).json["version"] == 1


def test_a_text_can_be_tried_before_it_is_saved(notifications) -> None:
    answer = notifications.client.post(
        "/v1/templates/registration_confirmed/preview", json={"language": "sv", "subject": "Hej"}
    )
    assert answer.status_code == 200
    assert answer.json["subject"] == "Hej"
    assert answer.json["html"]
    assert notifications.client.post("/v1/templates/nothing/preview", json={"language": "sv"}).status_code == 404


def test_a_suppression_can_be_lifted(notifications) -> None:
    made = notifications.client.post("/v1/suppressions", json={"email": "Aino@kunta.example", "reason": "bounced"})
    assert (made.status_code, made.json["email"]) == (201, "aino@kunta.example")
    again = notifications.client.post("/v1/suppressions", json={"email": "aino@KUNTA.example"})
    assert (again.status_code, again.json["existing_id"]) == (409, made.json["id"])
    assert len(notifications.client.get("/v1/suppressions").json["items"]) == 1
    assert notifications.client.delete(f"/v1/suppressions/{made.json['id']}").status_code == 204
    assert notifications.client.get("/v1/suppressions").json["items"] == []
    assert notifications.client.delete(f"/v1/suppressions/{made.json['id']}").status_code == 404
    assert notifications.client.post("/v1/suppressions", json={"email": "aino@kunta.example"}).status_code == 201


def test_preferences_of_an_unknown_contact_are_404(notifications) -> None:
    assert notifications.client.get(f"/v1/contacts/{a.contact()['id']}/preferences").status_code == 404


def link_of(notifications) -> tuple[str, dict]:
    """The one-click link in a reminder, and its recipient."""
    aino, event = a.contact(), a.event(starts_at=a.in_(minutes=90), ends_at=a.in_(minutes=150))
    notifications.hears(
        a.known(a.CONTACTS, aino), a.known(a.EVENTS, event), a.known(a.REGISTRATIONS, a.registration(event, aino))
    )
    remind(notifications.db)
    mail = notifications.sends()[-1]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return mail["List-Unsubscribe"].strip("<>").removeprefix("https://notifications.example"), aino


def test_one_click_in_a_mail_program_unsubscribes_from_that_kind_of_mail(notifications) -> None:
    link, aino = link_of(notifications)
    answer = notifications.client.post(link, role=None, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert answer.json == {"announcements": True, "reminders": False, "feedback_requests": True}
    assert not notifications.client.get(f"/v1/contacts/{aino['id']}/preferences").json["reminders"]


def test_a_person_sees_and_changes_their_own_choices_by_the_link_alone(notifications) -> None:
    link = link_of(notifications)[0].partition("?")[0]
    assert notifications.client.get(link, role=None).json["announcements"] is True
    answer = notifications.client.post(link, role=None, json={"announcements": False})
    assert answer.json == {"announcements": False, "reminders": True, "feedback_requests": True}
    assert notifications.client.post(link, role=None, json={"nothing": False}).status_code == 422
    assert notifications.client.get(f"{link}x", role=None).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": ""},
        {"data": "List-Unsubscribe=One-Click", "content_type": "text/plain"},
        {"data": b"List-Unsubscribe=One-Click\r\n", "content_type": "application/x-www-form-urlencoded"},
        {"data": "List-Unsubscribe=One-Click&foo=bar", "content_type": "application/x-www-form-urlencoded"},
        {"data": {"List-Unsubscribe": "One-Click"}, "content_type": "multipart/form-data"},
        {"data": "\x00\xff", "content_type": "application/octet-stream"},
    ],
)
def test_whatever_a_mail_program_posts_to_the_link_unsubscribes(notifications, body) -> None:
    link, aino = link_of(notifications)
    for _ in range(2):
        assert notifications.client.post(f"{link}&utm=mail", role=None, **body).status_code == 200
    choices = notifications.client.get(f"/v1/contacts/{aino['id']}/preferences").json
    assert [choices[name] for name in ("announcements", "reminders", "feedback_requests")] == [True, False, True]


@pytest.mark.parametrize(
    ("suppressed", "contact"),
    [
        ("Idn@XN--hmeenlinna-q5a.example", "idn@hämeenlinna.example"),
        ("idn@Hämeenlinna.example", "idn@xn--hmeenlinna-q5a.example"),
    ],
)
def test_an_address_is_suppressed_in_either_spelling_of_its_domain(notifications, suppressed, contact) -> None:
    answer = notifications.client.post("/v1/suppressions", json={"email": suppressed})
    assert answer.status_code == 201
    found = notifications.client.post("/v1/suppressions/search", json={"email": contact})
    assert [row["id"] for row in found.json["items"]] == [answer.json["id"]]
    aino, event = a.contact(email=contact), a.event()
    notifications.hears(
        a.known(a.CONTACTS, aino),
        a.known(a.EVENTS, event),
        a.came(a.REGISTRATIONS, "registration.created", a.registration(event, aino)),
    )
    assert notifications.sends() == []
    assert notifications.states() == ["suppressed"]


def test_an_address_is_never_asked_for_in_a_web_address(notifications) -> None:
    assert notifications.client.get("/v1/suppressions?email=a@b.example").status_code == 422


BAD_TEXTS = [
    ("subject", "   "),
    ("subject", "{% if event.venue %}Paikka{% endif %}"),
    ("body", "   \n"),
    ("body", "{% if event.online_url and event.venue %}{{ event.venue }}{% endif %}"),
    ("body", "&nbsp;\u200b"),
    ("body", "{{ event.venue|length }}"),
    ("body", "Hei {{ event.venue|length }}"),
    ("body", "{{ contact.given_name|join(', ') }}"),
    ("body", "{{ 'a' * 1000000000 }}"),
    ("body", "{{ 'aaaa'|join('" + "b" * 3000 + "') }}"),
    ("body", "{{ " + "9" * 5000 + " }}"),
    ("body", "{{ " + " ~ ".join(["event.title"] * 3000) + " }}"[:20]),
    ("body", "Hei " + "{% if event.venue %}" * 300 + "x" + "{% endif %}" * 300),
    ("body", "[" * 19000),
    ("body", "*a_ " * 4000),
]


@pytest.mark.parametrize(("field", "text"), BAD_TEXTS, ids=range(len(BAD_TEXTS)))
def test_a_text_of_which_no_mail_could_come_is_refused_when_saved_and_previewed(notifications, field, text) -> None:
    fields = {"subject": "Hei", "body": "Hei"} | {field: text}
    saved = notifications.client.put(
        "/v1/templates/registration_confirmed/fi", json=fields, headers={"If-Match": '"1"'}
    )
    assert saved.status_code == 422
    assert list(saved.json["errors"]) == [field]
    tried = notifications.client.post(
        "/v1/templates/registration_confirmed/preview", json={"language": "fi", field: text}
    )
    assert tried.status_code in (200, 422)


def test_an_old_version_of_a_text_is_restored_with_one_call(notifications) -> None:
    path = "/v1/templates/registration_confirmed/fi"
    first = notifications.client.get(path).json
    assert [row["version"] for row in notifications.client.get(f"{path}/versions").json["items"]] == [1]
    changed = {"subject": "Uusi", "body": "Hei {{ contact.given_name }}"}
    assert notifications.client.put(path, json=changed, headers={"If-Match": '"1"'}).status_code == 200
    assert notifications.client.post(f"{path}/versions/1/restore").status_code == 428
    stale = notifications.client.post(f"{path}/versions/1/restore", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    restored = notifications.client.post(f"{path}/versions/1/restore", headers={"If-Match": '"2"'})
    assert (restored.status_code, restored.json["version"]) == (200, 3)
    assert (restored.json["subject"], restored.json["body"]) == (first["subject"], first["body"])
    versions = notifications.client.get(f"{path}/versions").json["items"]
    assert [(row["version"], row["subject"]) for row in versions] == [
        (3, first["subject"]),
        (2, "Uusi"),
        (1, first["subject"]),
    ]
    missing = notifications.client.post(f"{path}/versions/9/restore", headers={"If-Match": '"3"'})
    assert missing.status_code == 404


def test_a_text_is_previewed_as_a_real_contact_would_get_it(notifications) -> None:
    aino, event = a.contact(given_name="Aino-Kaisa"), a.event(title={"fi": "Kevätseminaari"})
    notifications.hears(a.known(a.CONTACTS, aino), a.known(a.EVENTS, event))
    tried = notifications.client.post(
        "/v1/templates/registration_confirmed/preview",
        json={"language": "fi", "contact_id": aino["id"], "event_id": event["id"]},
    )
    assert "Aino-Kaisa" in tried.json["text"]
    assert "Kevätseminaari" in tried.json["text"]
    unknown = notifications.client.post(
        "/v1/templates/registration_confirmed/preview", json={"language": "fi", "contact_id": event["id"]}
    )
    assert unknown.status_code == 422
