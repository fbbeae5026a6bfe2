"""The findings from the admin ports of a service's processes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

ANSWER_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Sign:
    """A metric that is a finding when it is above `limit`."""

    limit: float
    severity: str
    what: str
    remedy: str


SIGNS: Mapping[str, Sign] = {
    "uso_sequence_leaps_total": Sign(
        limit=0,
        severity="wrong",
        what="{topic}: {value:.0f} messages came with a gap before them",
        remedy="docs/runbooks/UsoMessageLost.md: find the writer, then uso ops check.",
    ),
    "uso_relay_gaps_total": Sign(
        limit=0,
        severity="wrong",
        what="the relay was away for longer than the journal keeps rows",
        remedy="docs/runbooks/UsoRelayGap.md: uso ops republish for each aggregate.",
    ),
    "uso_oldest_unread_seconds": Sign(
        limit=36 * 3600,
        severity="wrong",
        what="{topic}: no worker has read for {value:.0f} s; after three days messages lose their effect",
        remedy="Start the workers of this service.",
    ),
    "uso_oldest_due_delivery_seconds": Sign(
        limit=300,
        severity="wrong",
        what="an e-mail has been due for {value:.0f} s",
        remedy="docs/runbooks/UsoMailLate.md: workers of notifications, and the mail server.",
    ),
    "uso_saved_texts_not_usable_total": Sign(
        limit=0,
        severity="advice",
        what="{value:.0f} e-mails went out with the packaged text, since the saved one failed",
        remedy="The coordinator looks at the preview of the texts that were changed last.",
    ),
}


def examine(name: str, admin_url: str) -> Iterator[dict[str, Any]]:
    """The findings about one process, by its admin port."""
    try:
        ready = requests.get(f"{admin_url}/readyz", timeout=ANSWER_SECONDS)
        metrics = requests.get(f"{admin_url}/metrics", timeout=ANSWER_SECONDS).text
    except requests.RequestException as error:
        what = f"{name} does not answer ({type(error).__name__})."
        yield _finding("wrong", what, "Look whether it runs, and at its log.")
        return
    if ready.status_code != requests.codes.ok:
        checks = ready.json().get("checks", {})
        failing = "; ".join(f"{check}: {result}" for check, result in checks.items() if result != "ok")
        yield _finding("wrong", f"{name} is not ready ({failing}).", "Look at its log, and at what it names.")
    yield from _signs(name, metrics)


def _signs(name: str, metrics: str) -> Iterator[dict[str, Any]]:
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            sign = SIGNS.get(sample.name)
            if sign and sample.value > sign.limit:
                what = sign.what.format(topic=sample.labels.get("topic", ""), value=sample.value)
                yield _finding(sign.severity, f"{name}: {what}.", sign.remedy)


def _finding(severity: str, what: str, remedy: str) -> dict[str, Any]:
    return {"severity": severity, "what": what, "remedy": remedy}
