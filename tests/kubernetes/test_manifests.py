"""A real API server takes the manifests strictly, with the definitions that they need, and refuses wrong ones."""

from typing import Any

import pytest
import yaml

from tests.kubernetes.kubectl import APPLY, Cluster, overlay

SERVICES = ("enrolment", "events", "notifications")


def find(kind: str, name: str) -> dict[str, Any]:
    documents = [each for each in overlay("cluster") if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return documents[0]


def test_topics_users_and_scalers_are_taken(applied: Cluster) -> None:
    topics = {topic["spec"]["topicName"] for topic in applied.get("kafkatopics")}
    assert topics == {each["spec"]["topicName"] for each in overlay("cluster") if each["kind"] == "KafkaTopic"}
    assert {"uso.enrolment.contacts.v1", "uso.events.events.v1", "uso.notifications.relay-offsets.v1"} <= topics
    assert {user["metadata"]["name"] for user in applied.get("kafkausers")} == {
        f"{service}-{role}" for service in SERVICES for role in ("api", "worker", "relay")
    }
    scaled = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in applied.get("scaledobjects")}
    assert scaled == {f"{service}-worker" for service in SERVICES}, "a relay is never scaled"


def test_applying_it_again_changes_nothing(applied: Cluster) -> None:
    def generations() -> dict[str, int]:
        return {each["metadata"]["name"]: each["metadata"]["generation"] for each in applied.get("deployments")}

    # Once by force: a rollout or a scale-out that a test tried by hand owns its field.
    assert applied.run(*APPLY, "--force-conflicts", "--filename=-", given=everything()).returncode == 0
    before = generations()
    assert applied.run(*APPLY, "--filename=-", given=everything()).returncode == 0
    assert generations() == before


def everything() -> str:
    return yaml.safe_dump_all(overlay("cluster"))


def with_wrong_field() -> dict[str, Any]:
    document = find("Deployment", "events-api")
    [container] = document["spec"]["template"]["spec"]["containers"]
    container["securityContext"]["readOnlyRootFileSystem"] = True
    return document


def with_wrong_operation() -> dict[str, Any]:
    document = find("KafkaUser", "events-relay")
    document["spec"]["authorization"]["acls"][0]["operations"] = ["Writ"]
    return document


def with_wrong_limit() -> dict[str, Any]:
    document = find("ScaledObject", "events-worker")
    document["spec"]["maxReplicas"] = document["spec"].pop("maxReplicaCount")
    return document


def with_a_wait_beyond_the_grace_period() -> dict[str, Any]:
    document = find("Deployment", "events-api")
    [container] = document["spec"]["template"]["spec"]["containers"]
    container["lifecycle"]["preStop"]["sleep"]["seconds"] = 500
    return document


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (with_wrong_field, "readOnlyRootFileSystem"),
        (with_wrong_operation, "Unsupported value"),
        (with_wrong_limit, "maxReplicas"),
        (with_a_wait_beyond_the_grace_period, "preStop.sleep"),
    ],
)
def test_what_is_wrong_is_refused_with_a_sentence_that_names_it(applied: Cluster, make: Any, said: str) -> None:
    refused = applied.run(*APPLY, "--dry-run=server", "--force-conflicts", "--filename=-", given=yaml.safe_dump(make()))
    assert refused.returncode == 1
    assert said in refused.stderr


def test_the_namespace_takes_no_pod_with_more_rights_than_ours(applied: Cluster) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "mallory", "namespace": "uso"},
        "spec": {"hostNetwork": True, "containers": [{"name": "c", "image": "registry.example/c"}]},
    }
    refused = applied.apply(pod)
    assert refused.returncode == 1
    assert 'violates PodSecurity "restricted' in refused.stderr
