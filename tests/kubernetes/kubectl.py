"""kubectl on a cluster, and what kustomize makes of our overlays."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

OVERLAYS = Path(__file__).parents[2] / "deploy" / "kubernetes" / "overlays"
NAMESPACE = "uso"
# By the server, strictly: an unknown field is refused.
APPLY = ("apply", "--server-side", "--validate=strict")
KUBECTL = shutil.which("kubectl") or "kubectl"


class Cluster:
    """kubectl on one cluster, in our namespace."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [KUBECTL, f"--kubeconfig={self.kubeconfig}", f"--namespace={NAMESPACE}", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=900)

    def do(self, *arguments: str, given: str | None = None) -> str:
        """What kubectl prints. Fails with kubectl's own words."""
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects of a kind."""
        found: list[dict[str, Any]] = json.loads(self.do("get", "--output=json", *arguments))["items"]
        return found

    def pods(self, name: str | None = None) -> list[dict[str, Any]]:
        """The Pods that run and are not about to end: all of ours, or those of one Deployment."""
        return [
            pod
            for pod in self.get("pods", "--selector=app.kubernetes.io/part-of=uso")
            if pod["status"]["phase"] == "Running"
            and "deletionTimestamp" not in pod["metadata"]
            and name in (None, process_of(pod))
        ]

    def apply(self, *documents: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        return self.run(*APPLY, "--filename=-", given=yaml.safe_dump_all(documents))


def process_of(pod: dict[str, Any]) -> str:
    """The Deployment that a Pod belongs to."""
    labels = pod["metadata"]["labels"]
    return f"{labels['app.kubernetes.io/name']}-{labels['app.kubernetes.io/component']}"


def overlay(name: str) -> list[dict[str, Any]]:
    """What kustomize makes of an overlay."""
    built = subprocess.check_output([KUBECTL, "kustomize", str(OVERLAYS / name)], text=True)
    return [document for document in yaml.safe_load_all(built) if document]
