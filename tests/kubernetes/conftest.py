"""A cluster with our manifests applied: `make test-kubernetes`."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.kubernetes.control_plane import control_plane
from tests.kubernetes.kubectl import Cluster, overlay, process_of
from tests.support.go_programs import lacking


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes with nothing of ours on them."""
    if lack := lacking("go", "kubectl"):
        pytest.skip(lack)
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture(scope="session")
def on_one_node(cluster: Cluster) -> Counter[str]:
    """How many Pods of each process ran when the overlay for one node was all that was applied."""
    apply(cluster, "single-node")
    return running(cluster)


@pytest.fixture(scope="session")
def applied(cluster: Cluster, on_one_node: Counter[str]) -> Cluster:
    """The overlay for a cluster, applied to a cluster that had the one for one node."""
    apply(cluster, "cluster")
    return cluster


def running(cluster: Cluster) -> Counter[str]:
    """How many Pods of each process run."""
    return Counter(map(process_of, cluster.pods()))


def apply(cluster: Cluster, name: str) -> None:
    """Applies an overlay, its namespace first, and waits for its Deployments. Fails when the server warns."""
    wanted = overlay(name)
    for group in ([document for document in wanted if document["kind"] == "Namespace"], wanted):
        done = cluster.apply(*group)
        assert (done.returncode, done.stderr) == (0, "")
    cluster.do("wait", "--for=condition=Available", "deployment", "--all", "--timeout=600s")
