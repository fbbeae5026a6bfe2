"""Everybody who gets optional mail can stop it: contacts and strangers, on a page or with one click."""

import json
import re
from typing import Any

import pytest

from services.notifications.preferences.store import PREFERENCES
from services.notifications.rules.reminders import remind
from tests.notifications import builders as a
from tests.notifications.conftest import Notifications

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def stranger(notifications: Notifications, email: str = "Outi@Example.com", **event: Any) -> dict[str, Any]:
    """A registration of somebody who is no contact, for an event that is soon."""
    soon = a.event(starts_at=a.in_(minutes=90), ends_at=a.in_(minutes=150), **event)
    person = {"given_name": "Outi", "family_name": "Ulko", "email": email, "language": "sv"}
    mine = a.registration(soon, None, person_sealed=notifications.secrets.seal(json.dumps(person)), language="sv")
    notifications.hears(a.known(a.EVENTS, soon), a.known(a.REGISTRATIONS, mine))
    return mine


def reminded(notifications: Notifications) -> list[Any]:
    before = len(notifications.mailbox.mails)
    remind(notifications.db)
    return notifications.sends()[before:]


def link_in(mail: Any) -> str:
    return str(mail["List-Unsubscribe"]).strip("<>").removeprefix("https://notifications.example")


def test_a_stranger_unsubscribes_with_one_click_for_all_registrations_of_the_address(
    notifications: Notifications,
) -> None:
    stranger(notifications)
    (mail,) = reminded(notifications)
    answer = notifications.client.post(link_in(mail), role=None, data={"List-Unsubscribe": "One-Click"})
    assert answer.json == {"announcements": True, "reminders": False, "feedback_requests": True}
    stranger(notifications, email="outi@example.com")
    assert reminded(notifications) == []
    assert [(row["state"], row["error"]) for row in notifications.deliveries()][-1] == ("suppressed", "opted_out")
    stranger(notifications, email="other@example.com")
    assert len(reminded(notifications)) == 1


def test_no_address_stands_with_a_strangers_choices(notifications: Notifications) -> None:
    stranger(notifications)
    (mail,) = reminded(notifications)
    notifications.client.post(link_in(mail), role=None, data="")
    (kept,) = notifications.db[PREFERENCES.collection].find({})
    assert "outi" not in str(kept).lower()


def test_the_page_is_in_ones_own_language_and_saves_what_is_ticked(notifications: Notifications) -> None:
    stranger(notifications)
    (mail,) = reminded(notifications)
    link = link_in(mail).partition("?")[0]
    shown = notifications.client.get(link, role=None, headers=HTML)
    assert shown.mimetype == "text/html"
    assert '<html lang="sv">' in shown.text
    assert "Vilka meddelanden vill du ha" in shown.text
    assert shown.text.count(" checked") == 3

    form = {"save": "yes", "announcements": "true"}
    saved = notifications.client.post(link, role=None, headers=HTML, data=form)
    assert saved.status_code == 303
    again = notifications.client.get(saved.headers["Location"], role=None, headers=HTML)
    assert "Ditt val har sparats" in again.text
    assert re.findall(r'name="(\w+)" value="true" checked', again.text) == ["announcements"]
    assert notifications.client.get(link, role=None).json == {
        "announcements": True,
        "reminders": False,
        "feedback_requests": False,
    }


@pytest.mark.parametrize(
    ("language", "title"), [("fi", "Mitä viestejä haluat"), ("sv", "Vilka meddelanden"), ("en", "Which e-mails")]
)
def test_the_page_is_there_in_each_language(notifications: Notifications, language: str, title: str) -> None:
    stranger(notifications)
    (mail,) = reminded(notifications)
    page = notifications.client.get(f"{link_in(mail)}&language={language}", role=None, headers=HTML)
    assert title in page.text
    assert f'<html lang="{language}">' in page.text


def test_a_browser_that_opens_the_way_out_is_asked_first(notifications: Notifications) -> None:
    """Scanners and previews follow links: a GET changes nothing."""
    stranger(notifications)
    (mail,) = reminded(notifications)
    page = notifications.client.get(link_in(mail), role=None, headers=HTML)
    action = re.search(r'action="([^"]*choice=reminders[^"]*)"', page.text)
    assert action is not None
    assert notifications.client.get(link_in(mail), role=None).json["reminders"] is True
    stopped = notifications.client.post(action[1].replace("&amp;", "&"), role=None, headers=HTML, data={})
    assert stopped.status_code == 303
    assert notifications.client.get(link_in(mail), role=None).json["reminders"] is False


def test_the_link_of_an_erased_stranger_leads_nowhere(notifications: Notifications) -> None:
    mine = stranger(notifications)
    (mail,) = reminded(notifications)
    notifications.hears(a.erased(a.REGISTRATIONS, mine))
    assert notifications.client.get(link_in(mail), role=None).status_code == 404
    assert notifications.client.post(link_in(mail), role=None, data="").status_code == 404
