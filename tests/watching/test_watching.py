"""What operators see of a system at work: every panel, alerts that rise and fall, and one trace from call to mail."""

import json

import pytest
import requests

from deploy.grafana_dashboard import FILE
from deploy.local import scaling
from deploy.local.demo.story_state import StoryState
from deploy.local.stack import Stack
from tests.otlp_receiver import Receiver
from tests.support import wait_for
from tests.watching.conftest import Prometheus

PANELS = [panel for panel in json.loads(FILE.read_text())["panels"] if "targets" in panel]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_shows_something(prometheus: Prometheus, told: StoryState, panel: dict) -> None:
    query = panel["targets"][0]["expr"].replace("$__rate_interval", "10m")
    shown = wait_for(lambda: prometheus.query(query), seconds=30, what=f"data of {query}")
    assert all(sample["value"][1] != "NaN" for sample in shown)


def test_no_alert_rises_while_nothing_is_wrong(prometheus: Prometheus, told: StoryState) -> None:
    rules = requests.get(f"{prometheus.address}/api/v1/rules", timeout=10).json()["data"]["groups"][0]["rules"]
    assert len(rules) == 16
    assert {rule["health"] for rule in rules} == {"ok"}
    assert prometheus.alerts() == {}


def test_the_alert_of_a_relay_that_is_gone_rises_and_falls(
    watched: Stack, prometheus: Prometheus, told: StoryState
) -> None:
    scaling.ask(watched.directory, {"enrolment.relay": 0})
    wait_for(lambda: prometheus.alerts().get("UsoNoRelayLeads") == {"enrolment"}, seconds=120, what="the alert to rise")
    assert "events" not in prometheus.alerts().get("UsoNoRelayLeads", set())
    scaling.ask(watched.directory, {"enrolment.relay": 1})
    wait_for(lambda: "UsoNoRelayLeads" not in prometheus.alerts(), seconds=120, what="the alert to fall")


def test_one_trace_leads_from_the_call_to_the_mail(collector: Receiver, told: StoryState) -> None:
    """Somebody registers: the call, the message on its way, the other service's worker, the mail."""
    mail = wait_for(lambda: collector.named("send registration_confirmed"), what="a mail's span")[0]

    def trace() -> dict[str, str] | None:
        names = {span.name: span.service for span in collector.spans if span.trace == mail.trace}
        return names if len(names) >= 4 else None

    assert wait_for(trace, what="the other spans of the trace").items() >= {
        ("POST /v1/events/<id>/registrations", "uso-events"),
        ("publish uso.events.registrations.v1", "uso-events"),
        ("process uso.events.registrations.v1", "uso-notifications"),
        ("send registration_confirmed", "uso-notifications"),
    }
    [call] = [span for span in collector.spans if span.trace == mail.trace and span.name.startswith("POST")]
    following = [span for span in collector.spans if span.trace == mail.trace and span is not call]
    assert {span.parent for span in following} == {call.id}
    assert all(span.began >= call.began for span in following)
