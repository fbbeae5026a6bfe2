"""The dashboard is what its list of panels makes, and asks for metrics that exist."""

import json
import re
from importlib import import_module

from prometheus_client import REGISTRY

from deploy.grafana_dashboard import FILE, file_content

OF_EVERY_PROCESS = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def test_the_file_is_what_the_list_makes() -> None:
    assert FILE.read_text() == file_content(), "run python -m deploy.grafana_dashboard"


def test_panels_stand_beside_one_another_and_say_what_they_show() -> None:
    panels = json.loads(FILE.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
        assert panel["type"] == "row" or (panel["description"].endswith(".") and panel["targets"][0]["legendFormat"])


def test_each_panel_asks_for_metrics_that_processes_have() -> None:
    for module in ("shared.telemetry.metrics", "ops.worker", "services.notifications.sending.metrics"):
        import_module(module)
    known = set(OF_EVERY_PROCESS)
    for family in REGISTRY.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        known |= {family.name + suffix for suffix in suffixes}
    queries = [panel["targets"][0]["expr"] for panel in json.loads(FILE.read_text())["panels"] if "targets" in panel]
    asked = {name for query in queries for name in re.findall(r"\b(?:uso|process)_[a-z_]+|\bup\b", query)}
    assert asked <= known
    assert len(queries) >= 17
