"""The Kubernetes manifests follow the services: topics, users and processes."""

from typing import Any

import pytest
import yaml

from deploy.kafka_rights import Right, principals
from deploy.kubernetes_kafka import FOLDER, files
from services.notifications.sending.metrics import OLDEST_DUE
from shared.environment import variables
from shared.settings import Settings

BASE = FOLDER.parent / "base"
RIGHTS = {principal.name: principal.rights for principal in principals()}


def test_topics_and_users_are_what_the_services_own_lists_make() -> None:
    assert {path: path.read_text() for path in files()} == files(), "run python -m deploy.kubernetes_kafka"


def test_there_is_a_principal_for_each_kind_of_process() -> None:
    services, roles = ("enrolment", "events", "notifications"), ("api", "relay", "worker")
    assert sorted(RIGHTS) == sorted(f"{service}-{role}" for service in services for role in roles)


@pytest.mark.parametrize("name", sorted(RIGHTS))
def test_only_a_relay_writes_and_only_its_own_services_topics(name: str) -> None:
    service, role = name.split("-")
    writes = {right for right in RIGHTS[name] if {"Write", "Create", "AlterConfigs", "Delete"} & set(right.operations)}
    assert {right.name for right in writes} == (
        {f"uso.{service}.", f"uso.{service}.relay"} if role == "relay" else set()
    )


def test_contacts_are_read_by_nobody_but_who_subscribes_to_them() -> None:
    def reads(right: Right) -> bool:
        named = "uso.enrolment.contacts.v1"
        return right.kind == "topic" and (named.startswith(right.name) if right.is_prefix else right.name == named)

    assert {name.split("-")[0] for name, rights in RIGHTS.items() if any(map(reads, rights))} == {
        "enrolment",
        "events",
        "notifications",
    }


@pytest.mark.parametrize("role", ["api", "worker", "relay"])
def test_a_process_is_confined_probed_and_asked_for_no_more_than_it_needs(role: str) -> None:
    [deployment, *_] = yaml.safe_load_all((BASE / "roles" / f"{role}.yaml").read_text())
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "admin"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert pod["terminationGracePeriodSeconds"] >= 5 + 10  # the wait before SIGTERM, and what a process takes after it


def test_every_setting_that_the_manifests_give_is_one_that_processes_know() -> None:
    known = {variable.name for _, variable in variables(Settings)} | {"MAIL_FROM"}
    [settings] = yaml.safe_load_all((BASE / "settings.yaml").read_text())
    assert set(settings["data"]) <= known


def test_workers_are_added_for_messages_that_wait_and_for_mails_that_are_due() -> None:
    documents = yaml.safe_load_all((FOLDER.parent / "overlays" / "cluster" / "scaling.yaml").read_text())
    scalers = {each["metadata"]["name"]: each["spec"] for each in documents if each["kind"] == "ScaledObject"}
    asked = {name: [trigger["type"] for trigger in spec["triggers"]] for name, spec in scalers.items()}
    assert asked == {
        "enrolment-worker": ["kafka"],
        "events-worker": ["kafka"],
        "notifications-worker": ["kafka", "prometheus"],
    }
    assert OLDEST_DUE.describe()[0].name in scalers["notifications-worker"]["triggers"][1]["metadata"]["query"]
    assert min(spec["minReplicaCount"] for spec in scalers.values()) >= 1
