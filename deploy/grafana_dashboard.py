"""Writes the Grafana dashboard from the list of its panels: `python -m deploy.grafana_dashboard`.

RED for calls (rate, errors, duration), USE for what stands between services (utilisation, saturation, errors).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("grafana") / "uso.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 8, 7, 3


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A graph of one query. `unit` is Grafana's name for it."""

    title: str
    about: str
    query: str
    legend: str
    unit: str = "short"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Calls": (
        Panel(
            title="Calls a second",
            about="Rate, by service.",
            query="sum by (service) (rate(uso_http_requests_total[$__rate_interval]))",
            legend="{{service}}",
            unit="reqps",
        ),
        Panel(
            title="Share of calls that failed",
            about="Errors: 5xx. UsoHttpErrors rises above 2 %.",
            query='(sum by (service) (rate(uso_http_requests_total{status=~"5.."}[$__rate_interval])) or '
            "0 * sum by (service) (rate(uso_http_requests_total[$__rate_interval]))) / "
            "sum by (service) (rate(uso_http_requests_total[$__rate_interval]))",
            legend="{{service}}",
            unit="percentunit",
        ),
        Panel(
            title="Duration, 99 of 100 calls",
            about="UsoHttpSlow rises above 2.5 s.",
            query="histogram_quantile(0.99, sum by (service, le) "
            "(rate(uso_http_request_seconds_bucket[$__rate_interval])))",
            legend="{{service}}",
            unit="s",
        ),
    ),
    "Journal and relay": (
        Panel(
            title="Changes that wait for the relay",
            about="UsoOutboxOld rises when the oldest has waited for a minute.",
            query="max by (service) (uso_outbox_depth)",
            legend="{{service}}",
        ),
        Panel(
            title="From commit to topic, 99 of 100",
            about="Time from the commit in MongoDB to the commit in Kafka.",
            query="histogram_quantile(0.99, sum by (service, le) "
            "(rate(uso_relay_delay_seconds_bucket[$__rate_interval])))",
            legend="{{service}}",
            unit="s",
        ),
        Panel(
            title="Relays that lead",
            about="One for each service. UsoNoRelayLeads rises after a minute without.",
            query="sum by (service) (uso_relay_leads)",
            legend="{{service}}",
        ),
    ),
    "Workers": (
        Panel(
            title="Messages not yet handled",
            about="Saturation. UsoLagGrows rises when it is above 1,000 and grows for ten minutes.",
            query="sum by (service) (uso_consumer_lag)",
            legend="{{service}}",
        ),
        Panel(
            title="Messages handled a second",
            about="By service and topic.",
            query="sum by (service, topic) (rate(uso_messages_consumed_total[$__rate_interval]))",
            legend="{{service}} {{topic}}",
            unit="ops",
        ),
        Panel(
            title="A batch's transaction, 99 of 100",
            about="When it nears ten seconds, MongoDB is the limit.",
            query="histogram_quantile(0.99, sum by (service, le) "
            "(rate(uso_consumer_batch_seconds_bucket[$__rate_interval])))",
            legend="{{service}}",
            unit="s",
        ),
        Panel(
            title="Dead letters",
            about="Neither redriven nor discarded. Any is an alert.",
            query="max by (service) (uso_dead_letters)",
            legend="{{service}}",
        ),
        Panel(
            title="Workers that stopped themselves",
            about="1: too many messages could not be handled (UsoConsumerHalted).",
            query="max by (service) (uso_consumer_halted)",
            legend="{{service}}",
        ),
    ),
    "Mail": (
        Panel(
            title="Deliveries that came to an end",
            about="By outcome, a minute.",
            query="sum by (state) (rate(uso_deliveries_settled_total[$__rate_interval])) * 60",
            legend="{{state}}",
        ),
        Panel(
            title="From due to handed over, 99 of 100",
            about="Time from a delivery's being due to the mail server's word.",
            query="histogram_quantile(0.99, sum by (le) (rate(uso_mail_delay_seconds_bucket[$__rate_interval])))",
            legend="all",
            unit="s",
        ),
        Panel(
            title="Oldest due e-mail",
            about="That nobody has taken up. UsoMailLate rises above 300 s.",
            query="max(uso_oldest_due_delivery_seconds)",
            legend="all",
            unit="s",
        ),
    ),
    "Processes": (
        Panel(
            title="Processes that answer",
            about="UsoProcessGone rises when one does not.",
            query='sum by (job) (up{job="uso"})',
            legend="{{job}}",
        ),
        Panel(
            title="Memory of workers and relays",
            about="Resident. An api's processes are not among them: their metrics are gathered from several.",
            query='process_resident_memory_bytes{job="uso"}',
            legend="{{instance}}",
            unit="bytes",
        ),
        Panel(
            title="Processor of workers and relays",
            about="Utilisation: 1 is one core.",
            query='rate(process_cpu_seconds_total{job="uso"}[$__rate_interval])',
            legend="{{instance}}",
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """What Grafana imports."""
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "uso-crm",
        "title": "USO CRM",
        "tags": ["uso"],
        "schemaVersion": 41,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [source]},
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    identifier, top = 0, 0
    for row, panels in ROWS.items():
        identifier += 1
        position = {"x": 0, "y": top, "w": WIDTH * ACROSS, "h": 1}
        yield {"id": identifier, "type": "row", "title": row, "gridPos": position, "panels": []}
        top += 1
        for number, panel in enumerate(panels):
            identifier += 1
            x, y = number % ACROSS * WIDTH, top + number // ACROSS * HEIGHT
            yield _graph(identifier, panel, {"x": x, "y": y, "w": WIDTH, "h": HEIGHT})
        top += (len(panels) + ACROSS - 1) // ACROSS * HEIGHT


def _graph(identifier: int, panel: Panel, position: dict[str, int]) -> dict[str, Any]:
    return {
        "id": identifier,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "gridPos": position,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "datasource": SOURCE, "expr": panel.query, "legendFormat": panel.legend}],
    }


def file_content() -> str:
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(file_content())
