"""Mails to people who are invited, and to people who came."""

import re

import pytest

from shared.errors import NotFound
from tests.notifications import builders as a


def text_of(mail) -> str:
    return str(mail.get_body(("plain",)).get_content())


def link_in(mail, path: str) -> str:
    """The token of the recipient's own link."""
    return re.search(rf"https://events\.example/public/{path}/([A-Za-z0-9._-]+)", text_of(mail))[1]


@pytest.fixture
def invited(notifications):
    """A contact who was invited to an event; the invitation."""
    aino, event = a.contact(), a.event()
    invitation = a.invitation(event, aino)
    notifications.hears(
        a.known(a.CONTACTS, aino), a.known(a.EVENTS, event), a.came(a.INVITATIONS, "invitation.created", invitation)
    )
    return event, aino, invitation


def reminded(invitation: dict) -> object:
    invitation.update(version=invitation["version"] + 1, reminded_at=a.in_())
    return a.came(a.INVITATIONS, "invitation.reminded", invitation)


def test_the_invited_get_a_link_to_answer_and_are_reminded_with_the_same_link(notifications, invited) -> None:
    event, _, invitation = invited
    (first,) = notifications.sends()
    notifications.hears(reminded(invitation))
    second = notifications.sends()[1]
    assert notifications.templates() == ["invitation", "invitation_reminder"]
    assert [first["Subject"], second["Subject"]] == ["Kutsu: Tilannekuva", "Muistutus kutsusta: Tilannekuva"]
    for mail in (first, second):
        assert notifications.secrets.unsign("invitations", link_in(mail, "invitations")) == invitation["id"]
    with pytest.raises(NotFound):
        notifications.secrets.unsign("registrations", link_in(first, "invitations"))
    assert {row["event_id"] for row in notifications.deliveries()} == {event["id"]}


def test_nobody_else_reads_the_link_to_answer(notifications, invited) -> None:
    (mail,) = notifications.sends()
    (delivery,) = notifications.deliveries()
    kept = notifications.client.get(f"/v1/deliveries/{delivery['_id']}").json["text"]
    assert "https://events.example/public/invitations/…" in kept
    assert link_in(mail, "invitations") not in kept


@pytest.mark.parametrize("answer", ["accepted", "declined", "replaced"])
def test_who_has_answered_meanwhile_is_not_reminded(notifications, invited, answer) -> None:
    _, _, invitation = invited
    notifications.sends()
    notifications.hears(reminded(invitation), a.became(a.INVITATIONS, "invitation.transitioned", invitation, answer))
    notifications.sends()
    (_, reminder) = notifications.deliveries()
    assert (reminder["state"], reminder["error"]) == ("cancelled", f"invitation_{answer}")


def test_nobody_is_invited_to_what_is_cancelled(notifications, invited) -> None:
    event, _, _ = invited
    notifications.hears(a.became(a.EVENTS, "event.transitioned", event, "cancelled"))
    assert notifications.sends() == []
    assert notifications.deliveries()[0]["error"] == "event_cancelled"


def test_why_somebody_was_or_was_not_invited_is_explained(notifications, invited) -> None:
    event, aino, _ = invited
    notifications.sends()
    answer = notifications.client.get(f"/v1/contacts/{aino['id']}/explain?event_id={event['id']}").json
    found = {row["template"]: (row["outcome"], row["why"]) for row in answer}
    assert found["invitation"] == ("sent", "invitation")
    assert found["invitation_reminder"] == ("not_sent", "nothing_led_to_it")
    assert found["certificate"] == ("not_sent", "not_registered")


def test_those_who_came_get_their_certificate_once(notifications) -> None:
    came, absent, event = a.contact(), a.contact(), a.event(starts_at=a.in_(hours=-2), ends_at=a.in_(hours=-1))
    here, missing = a.registration(event, came, state="attended"), a.registration(event, absent)
    notifications.hears(
        a.known(a.CONTACTS, came, absent),
        a.known(a.EVENTS, event),
        a.known(a.REGISTRATIONS, here, missing),
        a.became(a.EVENTS, "event.transitioned", event, "completed"),
        a.became(a.REGISTRATIONS, "registration.transitioned", here, "attended"),
    )
    notifications.make_due()
    notifications.sends()
    certificates = [mail for mail in notifications.mailbox.mails if "todistuksesi" in mail["Subject"]]
    assert [mail["To"].addresses[0].addr_spec for mail in certificates] == [came["email"]]
    token = link_in(certificates[0], "registrations")
    assert f"/public/registrations/{token}/certificate.pdf" in text_of(certificates[0])
    assert notifications.secrets.unsign("registrations", token) == here["id"]
    (delivery,) = notifications.deliveries(template="certificate")
    assert "registrations/…/certificate.pdf" in delivery["text"]
    assert token not in delivery["text"]
