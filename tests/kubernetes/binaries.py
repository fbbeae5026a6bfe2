"""The programs of a real control plane, and modules that bring definitions."""

import json
import subprocess
from pathlib import Path

from tests.support.go_programs import go_program

TOOLS = Path(__file__).with_name("tools")
VERSION = "v1.37.2"
KEDA = "github.com/kedacore/keda/v2@v2.21.0"
KWOK = "sigs.k8s.io/kwok@v0.8.0"
PROGRAMS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}


def program(name: str) -> Path:
    """Where the program is. To build all five takes ten minutes on two cores."""
    stamps = f"-X k8s.io/component-base/version.gitVersion={VERSION}"
    return go_program(name, PROGRAMS[name], tools=TOOLS, stamps=stamps)


def module(name: str) -> Path:
    """Where a module's files are, such as the definitions that it brings; Go checks its sum."""
    described = subprocess.check_output(["go", "mod", "download", "-json", name], text=True)
    return Path(json.loads(described)["Dir"])
