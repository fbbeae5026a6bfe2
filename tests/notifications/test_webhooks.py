"""Webhooks: a real HTTP server takes the calls, and checks them with Standard Webhooks' own library."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.notifications.app import SERVICE
from services.notifications.webhook_settings import WebhookSettings
from services.notifications.webhooks.caller import WebhookCaller
from services.notifications.webhooks.store import CALLS, LINES, MESSAGES
from shared.ids import new_id, utc_now
from shared.messaging.messages import TOMBSTONE_SEQUENCE
from tests.notifications import builders
from tests.notifications.conftest import Notifications
from tests.support import message, wait_for

LOOPBACK = [ip_network("127.0.0.0/8")]


class Hook:
    """An endpoint that keeps what it is called with and answers as it is told, each path for itself."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: dict[str, tuple[int, dict[str, str]]] = {}
        self.held = threading.Event()
        self.held.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/slow":
                    hook.held.wait(20)
                hook.calls.append((self.path, dict(self.headers), body))
                key = json.loads(body).get("subject", "")
                status, headers = hook.answers.get(key, hook.answers.get(self.path, (204, {})))
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def bodies(self, path: str = "/in") -> list[dict[str, Any]]:
        return [json.loads(body) for where, _, body in self.calls if where == path]


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.held.set()
    made.server.shutdown()
    made.server.server_close()


class Webhooks:
    def __init__(self, notifications: Notifications, hook: Hook) -> None:
        self.db, self.client = notifications.db, notifications.client
        self.hears = notifications.hears
        self.caller = WebhookCaller(notifications.db, notifications.secrets, allowed=LOOPBACK)
        self.url = hook.url

    def add(self, types: list[str], path: str = "/in", **fields: Any) -> dict[str, Any]:
        body = {"url": self.url + path, "types": types, **fields}
        answer = self.client.post("/v1/webhooks", json=body, role="manager")
        assert answer.status_code == 201, answer.json
        return dict(answer.json)

    def calls(self, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get(f"/v1/webhooks/{webhook['id']}/calls", query_string=query)
        return list(answer.json["items"])

    def state(self, webhook: dict[str, Any]) -> str:
        return str(self.client.get(f"/v1/webhooks/{webhook['id']}").json["state"])

    def rested(self, **fields: Any) -> None:
        """Time passes until everything that waits is due."""
        past = utc_now() - timedelta(seconds=1)
        self.db[LINES].update_many({}, {"$set": {"next_at": past, **fields}})
        self.db[CALLS].update_many({"state": "waiting"}, {"$set": {"next_at": past}})


@pytest.fixture
def webhooks(notifications: Notifications, hook: Hook) -> Iterator[Webhooks]:
    settings = notifications.client.app.extensions["uso"]
    usual = settings[WebhookSettings]
    settings[WebhookSettings] = WebhookSettings(allowed=LOOPBACK)
    yield Webhooks(notifications, hook)
    settings[WebhookSettings] = usual


def event_message(**changes: Any) -> Any:
    return builders.came(builders.EVENTS, "event.created", builders.event(**changes))


def test_a_message_is_posted_signed_to_who_wants_it(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.created"])
    webhooks.add(["season.*"], path="/other")
    sent = event_message()
    webhooks.hears(sent, builders.came(builders.EVENTS, "event.updated", builders.event()))
    webhooks.caller.serve(made["id"])

    ((path, headers, body),) = hook.calls
    assert path == "/in"
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert headers["webhook-id"] == sent.id
    said = Webhook(made["secret"]).verify(body, headers)
    assert said["type"] == "fi.uso.event.created"
    assert (said["specversion"], said["id"], said["subject"]) == ("1.0", sent.id, sent.key)
    assert said["data"]["state"]["title"] == {"fi": "Tilannekuva", "sv": "Lägesbild", "en": "Situation"}
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(body + b" ", headers)
    (call,) = webhooks.calls(made)
    assert (call["state"], call["attempts"], call["tries"][0]["status"]) == ("delivered", 1, 204)


def test_a_message_that_comes_twice_is_posted_once(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    sent = event_message()
    webhooks.hears(sent, [sent, sent])
    webhooks.caller.serve(made["id"])
    assert len(hook.calls) == 1


def test_the_secret_is_shown_once_and_the_old_one_signs_for_a_while(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    assert "secret" not in webhooks.client.get(f"/v1/webhooks/{made['id']}").json
    rotated = webhooks.client.post(f"/v1/webhooks/{made['id']}/rotate", json={"overlap": "PT1H"}, role="manager").json
    assert rotated["secret"] != made["secret"]
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    ((_, headers, body),) = hook.calls
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(body, headers)

    webhooks.client.post(f"/v1/webhooks/{made['id']}/rotate", json={"overlap": "PT0S"}, role="manager")
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    with pytest.raises(WebhookVerificationError):
        Webhook(rotated["secret"]).verify(hook.calls[1][2], hook.calls[1][1])


def test_each_keys_messages_come_in_order_and_one_that_is_refused_holds_up_its_own_key_alone(
    webhooks: Webhooks, hook: Hook
) -> None:
    made = webhooks.add(["event.*"])
    refused, taken = builders.event(), builders.event()
    hook.answers[refused["id"]] = (500, {})
    for number in range(3):
        webhooks.hears(
            [
                message(builders.EVENTS, "event.updated", {**post, "version": 3 + number}, change={})
                for post in (refused, taken)
            ]
        )
    webhooks.caller.serve(made["id"])
    sequences = [said["sequence"] for said in hook.bodies() if said["subject"] == taken["id"]]
    assert sequences == [3, 4, 5]
    assert [said["sequence"] for said in hook.bodies() if said["subject"] == refused["id"]] == [3]

    hook.answers.clear()
    webhooks.rested()
    webhooks.caller.serve(made["id"])
    assert [said["sequence"] for said in hook.bodies() if said["subject"] == refused["id"]] == [3, 3, 4, 5]
    assert {call["state"] for call in webhooks.calls(made)} == {"delivered"}


@pytest.mark.parametrize("asked", ["3600", "date"])
def test_retry_after_is_obeyed(webhooks: Webhooks, hook: Hook, asked: str) -> None:
    made = webhooks.add(["event.*"])
    if asked == "date":
        asked = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))
    hook.answers["/in"] = (429, {"Retry-After": asked})
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    webhooks.caller.serve(made["id"])
    assert len(hook.calls) == 1
    line = webhooks.db[LINES].find_one({"_id": made["id"]})
    assert line is not None
    assert timedelta(minutes=55) < line["next_at"] - utc_now() < timedelta(minutes=65)


def test_a_redirect_is_a_refusal(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    hook.answers["/in"] = (302, {"Location": f"{hook.url}/elsewhere"})
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    assert [path for path, _, _ in hook.calls] == ["/in"]
    (call,) = webhooks.calls(made)
    assert (call["state"], call["tries"][0]["status"]) == ("waiting", 302)


def test_410_ends_it_at_once(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    hook.answers["/in"] = (410, {})
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    assert webhooks.state(made) == "gone"
    webhooks.hears(event_message())
    assert webhooks.db[CALLS].count_documents({}) == 1


def test_an_endpoint_that_takes_nothing_for_three_days_is_dead_and_goes_on_when_it_is_made_active(
    webhooks: Webhooks, hook: Hook
) -> None:
    made = webhooks.add(["event.*"])
    hook.answers["/in"] = (503, {})
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    webhooks.rested(failing_since=utc_now() - timedelta(days=2, hours=23))
    webhooks.caller.serve(made["id"])
    assert webhooks.state(made) == "active"
    webhooks.rested(failing_since=utc_now() - timedelta(days=3, minutes=1))
    webhooks.caller.serve(made["id"])
    shown = webhooks.client.get(f"/v1/webhooks/{made['id']}").json
    assert (shown["state"], shown["stopped_because"]) == ("dead", "503")

    webhooks.hears(event_message())  # what comes meanwhile is kept
    webhooks.rested()
    webhooks.caller.serve(made["id"])
    assert len(hook.calls) == 3
    hook.answers.clear()
    moved = webhooks.client.post(f"/v1/webhooks/{made['id']}/transitions", json={"to": "active"}, role="manager")
    assert moved.status_code == 200
    webhooks.rested()
    webhooks.caller.serve(made["id"])
    assert [call["state"] for call in webhooks.calls(made)] == ["delivered", "delivered"]


@pytest.mark.parametrize(("answer", "says"), [(410, "address is gone"), (503, "no message for three days")])
def test_the_staff_who_registered_it_hear_that_it_has_stopped(
    webhooks: Webhooks, hook: Hook, notifications: Notifications, answer: int, says: str
) -> None:
    me = {"name": "Maija", "email": "maija@verkosto.example", "language": "en"}
    assert webhooks.client.put("/v1/staff/me", json=me, role="manager", headers={"If-Match": '"1"'}).status_code == 200
    made = webhooks.add(["event.*"])
    hook.answers["/in"] = (answer, {})
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    webhooks.rested(failing_since=utc_now() - timedelta(days=3, minutes=1))
    webhooks.caller.serve(made["id"])
    (mail,) = notifications.sends()
    assert mail["To"].addresses[0].addr_spec == "maija@verkosto.example"
    assert mail["Subject"] == "A webhook has stopped: 127.0.0.1"
    assert says in mail.get_body(("plain",)).get_content()
    assert hook.url not in mail.get_body(("plain",)).get_content(), "an address may hold a secret"


def test_nobody_makes_a_webhook_dead_by_hand(webhooks: Webhooks) -> None:
    made = webhooks.add(["event.*"])
    for to in ("dead", "gone"):
        answer = webhooks.client.post(f"/v1/webhooks/{made['id']}/transitions", json={"to": to}, role="manager")
        assert answer.status_code == 409


def test_a_paused_one_is_called_with_what_came_meanwhile(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    path = f"/v1/webhooks/{made['id']}/transitions"
    webhooks.client.post(path, json={"to": "paused", "reason": "we move"}, role="manager")
    webhooks.hears(event_message())
    webhooks.caller.serve(made["id"])
    assert hook.calls == []
    webhooks.client.post(path, json={"to": "active"}, role="manager")
    webhooks.caller.serve(made["id"])
    assert len(hook.calls) == 1


def test_a_replay_calls_again_what_came_since(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    early, late = event_message(), event_message()
    webhooks.hears(early, late)
    webhooks.caller.serve(made["id"])
    webhooks.db[MESSAGES].update_one({"_id": early.id}, {"$set": {"at": utc_now() - timedelta(days=2)}})
    since = (utc_now() - timedelta(days=1)).isoformat()
    asked = webhooks.client.post(f"/v1/webhooks/{made['id']}/replay", json={"since": since}, role="manager")
    assert asked.status_code == 202
    webhooks.caller.serve(made["id"])
    assert sorted(said["id"] for said in hook.bodies()) == sorted([early.id, late.id, late.id])
    assert [call["is_replay"] for call in webhooks.calls(made)] == [True, False, False]


def test_a_ping_is_called_and_logged(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    answer = webhooks.client.post(f"/v1/webhooks/{made['id']}/ping")
    assert answer.status_code == 202
    webhooks.caller.serve(made["id"])
    assert [said["type"] for said in hook.bodies()] == ["fi.uso.webhook.ping"]
    assert [call["id"] for call in webhooks.calls(made, state="delivered")] == [answer.json["call_id"]]


def test_an_erased_contact_is_told_of_and_what_was_kept_of_them_goes(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["contact.*"])
    person = builders.contact(email="erased@kunta.example")
    webhooks.hears(builders.came(builders.CONTACTS, "contact.created", person))
    webhooks.hears(
        message(builders.CONTACTS, "tombstone", None, key=person["id"], sequence=TOMBSTONE_SEQUENCE, id=new_id())
    )
    webhooks.caller.serve(made["id"])
    (said,) = hook.bodies()
    assert (said["type"], said["subject"]) == ("fi.uso.contact.erased", person["id"])
    assert "erased@kunta.example" not in str(list(webhooks.db[MESSAGES].find({})))
    assert sorted(call["state"] for call in webhooks.calls(made)) == ["delivered", "erased"]


def test_one_slow_endpoint_delays_no_other(webhooks: Webhooks, hook: Hook) -> None:
    hook.held.clear()
    webhooks.add(["event.*"], path="/slow")
    webhooks.add(["event.*"], path="/in")
    webhooks.hears(event_message())
    webhooks.caller.run()
    wait_for(lambda: hook.bodies("/in"), seconds=10, what="the quick endpoint's call")
    assert hook.bodies("/slow") == []
    hook.held.set()
    wait_for(lambda: hook.bodies("/slow"), seconds=10, what="the slow endpoint's call")
    webhooks.caller.stop()


def test_two_workers_make_each_call_once(
    webhooks: Webhooks, hook: Hook, notifications: Notifications, in_threads: Callable[..., None]
) -> None:
    made = webhooks.add(["event.*"])
    webhooks.hears([event_message() for _ in range(20)])
    others = [WebhookCaller(webhooks.db, notifications.secrets, allowed=LOOPBACK) for _ in range(4)]
    in_threads([lambda caller=caller: caller.serve(made["id"]) for caller in others])
    webhooks.caller.serve(made["id"])
    ids = [said["id"] for said in hook.bodies()]
    assert len(ids) == len(set(ids)) == 20


def test_a_worker_that_died_in_a_call_is_followed_by_another(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    webhooks.hears(event_message())
    claimed = {"claim": "a dead worker", "claimed_until": utc_now() + timedelta(seconds=50)}
    webhooks.db[LINES].update_one({"_id": made["id"]}, {"$set": claimed}, upsert=True)
    webhooks.caller.serve(made["id"])
    assert hook.calls == []
    webhooks.rested(claimed_until=utc_now() - timedelta(seconds=1))
    webhooks.caller.serve(made["id"])
    assert len(hook.calls) == 1


def test_a_deleted_webhook_is_called_no_more(webhooks: Webhooks, hook: Hook) -> None:
    made = webhooks.add(["event.*"])
    webhooks.hears(event_message())
    assert webhooks.client.delete(f"/v1/webhooks/{made['id']}", role="manager").status_code == 204
    webhooks.caller.run()
    webhooks.caller.serve(made["id"])
    assert hook.calls == []
    assert webhooks.client.get(f"/v1/webhooks/{made['id']}").status_code == 404


def test_managers_alone_send_data_out(webhooks: Webhooks) -> None:
    body = {"url": webhooks.url, "types": ["event.*"]}
    assert webhooks.client.post("/v1/webhooks", json=body, role="coordinator").status_code == 403
    made = webhooks.add(["event.*"])
    assert webhooks.client.post(f"/v1/webhooks/{made['id']}/rotate", json={}).status_code == 403


@pytest.mark.parametrize("types", [[], ["delivery.transitioned"], ["event"], ["*"], ["event.created "]])
def test_unknown_types_are_refused(webhooks: Webhooks, types: list[str]) -> None:
    answer = webhooks.client.post("/v1/webhooks", json={"url": webhooks.url, "types": types}, role="manager")
    assert answer.status_code == 422


def test_the_service_hears_all_that_webhooks_can_have() -> None:
    topics = {topic for topic, handlers in SERVICE.subscriptions.items() if any(h.name == "webhooks" for h in handlers)}
    assert topics == {
        "uso.enrolment.organisations.v1",
        "uso.enrolment.contacts.v1",
        "uso.enrolment.seasons.v1",
        "uso.enrolment.enrolments.v1",
        "uso.enrolment.workshop-days.v1",
        "uso.enrolment.tasks.v1",
        "uso.events.events.v1",
        "uso.events.registrations.v1",
        "uso.events.invitations.v1",
        "uso.notifications.announcements.v1",
    }


def test_secrets_overlap_for_a_week_at_most(webhooks: Webhooks) -> None:
    made = webhooks.add(["event.*"])
    for overlap in ("P8D", "P1M", "P2Y6542M479D"):
        path = f"/v1/webhooks/{made['id']}/rotate"
        assert webhooks.client.post(path, json={"overlap": overlap}, role="manager").status_code == 422
