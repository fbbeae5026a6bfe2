"""The manifests become Pods: on one node, on a cluster, in a rollout, scaled out and when a node is emptied.

kwok plays the nodes. Not shown, since it needs a real kubelet: probes, the order of preStop and SIGTERM, whether
NetworkPolicies hold, Secrets that are mounted, and scaling by KEDA's operator. The images are run by tests/images.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kubernetes.conftest import running
from tests.kubernetes.kubectl import KUBECTL, NAMESPACE, Cluster, process_of
from tests.support import wait_for

SERVICES = ("enrolment", "events", "notifications")
PROCESSES = {f"{service}-{role}" for service in SERVICES for role in ("api", "worker", "relay")}


def nodes_of(cluster: Cluster, name: str) -> Counter[str]:
    """How many Pods of a process run on each node."""
    return Counter(pod["spec"]["nodeName"] for pod in cluster.pods(name))


def settled(cluster: Cluster, expected: dict[str, int]) -> None:
    wait_for(lambda: running(cluster) == expected, seconds=300, what=f"{expected} to run")


def test_one_node_runs_one_of_each_process(on_one_node: Counter[str]) -> None:
    assert on_one_node == dict.fromkeys(PROCESSES, 1)


def test_a_cluster_runs_two_of_each_process_on_two_nodes(applied: Cluster) -> None:
    settled(applied, dict.fromkeys(PROCESSES, 2))
    assert {name: len(nodes_of(applied, name)) for name in PROCESSES} == dict.fromkeys(PROCESSES, 2)


def test_the_restricted_namespace_refuses_no_pod_of_ours(applied: Cluster) -> None:
    namespaces = {space["metadata"]["name"]: space["metadata"]["labels"] for space in applied.get("namespaces")}
    assert namespaces[NAMESPACE]["pod-security.kubernetes.io/enforce"] == "restricted"
    states = {
        deployment["metadata"]["name"]: {
            condition["type"] for condition in deployment["status"]["conditions"] if condition["status"] == "True"
        }
        for deployment in applied.get("deployments")
    }
    assert states == {name: {"Available", "Progressing"} for name in PROCESSES}  # none has ReplicaFailure


def test_one_pod_of_each_process_may_be_taken_away_at_a_time(applied: Cluster) -> None:
    def allowed() -> dict[str, int]:
        budgets = applied.get("poddisruptionbudgets")
        return {budget["metadata"]["name"]: budget["status"].get("disruptionsAllowed", 0) for budget in budgets}

    wait_for(lambda: allowed() == dict.fromkeys(PROCESSES, 1), seconds=300, what="a budget for each process")


@contextmanager
def available_counts(cluster: Cluster, name: str, directory: Path) -> Iterator[Path]:
    """A file that gets a line whenever a Deployment's number of available Pods is told."""
    told = directory / "available"
    watch = ["get", f"deployment/{name}", "--watch", '--output=jsonpath={.status.availableReplicas}{"\\n"}']
    with told.open("w") as output:
        command = [KUBECTL, f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}", *watch]
        process = subprocess.Popen(command, stdout=output)
        try:
            wait_for(told.read_text, seconds=30, what="the first count")
            yield told
        finally:
            process.kill()
            process.wait()


def test_a_rollout_replaces_each_pod_and_takes_none_away_before_its_successor_is_ready(
    applied: Cluster, tmp_path: Path
) -> None:
    before = {pod["metadata"]["name"] for pod in applied.pods("events-api")}
    with available_counts(applied, "events-api", tmp_path) as told:
        applied.do("set", "image", "deployment/events-api", "api=uso-events:next")
        applied.do("rollout", "status", "deployment/events-api", "--timeout=600s")
        settled(applied, dict.fromkeys(PROCESSES, 2))
        wait_for(lambda: len(told.read_text().splitlines()) > 2, seconds=30, what="counts of the rollout")
    after = applied.pods("events-api")
    assert {pod["spec"]["containers"][0]["image"] for pod in after} == {"uso-events:next"}
    assert not before & {pod["metadata"]["name"] for pod in after}
    counts = [int(count or 0) for count in told.read_text().splitlines()]
    assert min(counts) == 2
    applied.do("rollout", "undo", "deployment/events-api")
    applied.do("rollout", "status", "deployment/events-api", "--timeout=600s")
    assert {pod["spec"]["containers"][0]["image"] for pod in applied.pods("events-api")} == {"uso-events:dev"}


def test_workers_are_scaled_out_over_all_nodes_and_in_again(applied: Cluster) -> None:
    """By the Deployment's scale, which is what KEDA sets."""
    applied.do("scale", "deployment/events-worker", "--replicas=6")
    settled(applied, {**dict.fromkeys(PROCESSES, 2), "events-worker": 6})
    assert nodes_of(applied, "events-worker") == {"node-1": 2, "node-2": 2, "node-3": 2}
    applied.do("scale", "deployment/events-worker", "--replicas=2")
    settled(applied, dict.fromkeys(PROCESSES, 2))


def test_a_node_can_be_emptied_while_each_process_keeps_one_pod(applied: Cluster, tmp_path: Path) -> None:
    fullest = Counter(pod["spec"]["nodeName"] for pod in applied.pods()).most_common(1)[0][0]
    [on_it, *_] = [process_of(pod) for pod in applied.pods() if pod["spec"]["nodeName"] == fullest]
    with available_counts(applied, on_it, tmp_path) as told:
        applied.do("drain", fullest, "--delete-emptydir-data", "--timeout=600s")
        settled(applied, dict.fromkeys(PROCESSES, 2))
    assert not [pod for pod in applied.pods() if pod["spec"]["nodeName"] == fullest]
    assert min(int(count or 0) for count in told.read_text().splitlines()) >= 1
    applied.do("uncordon", fullest)
