"""Every alert has its runbook, asks for metrics that exist, and rises and falls when it should."""

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
[GROUP] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS = {rule["alert"]: rule for rule in GROUP["rules"]}


def test_every_alert_has_a_runbook_and_every_runbook_its_alert() -> None:
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == set(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_asks_for_metrics_that_processes_have(name: str) -> None:
    for module in ("shared.telemetry.metrics", "ops.worker", "services.notifications.sending.metrics"):
        import_module(module)
    known = set()
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        known |= {family.name + suffix for suffix in suffixes}
    asked = set(re.findall(r"\buso_[a-z_]+", ALERTS[name]["expr"]))
    assert asked <= known


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_a_runbook_begins_with_what_people_notice_and_ends_with_how_to_see_that_it_is_over(name: str) -> None:
    headings = re.findall(r"^#+ (.*)$", (RUNBOOKS / f"{name}.md").read_text(), re.MULTILINE)
    assert headings == [name, "What people notice", "Look", "Do", "Over when"]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool was not found: `make prometheus` fetches it")
def test_alerts_rise_and_fall_when_they_should() -> None:
    command = ["promtool", "test", "rules", str(RULES.with_name("alerts.test.yaml"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
