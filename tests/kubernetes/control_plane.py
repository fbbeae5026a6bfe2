"""A real control plane: etcd, the API server, its controllers and scheduler, and kwok in place of kubelets."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.http.test_server import free_port
from tests.kubernetes import binaries
from tests.kubernetes.kubectl import APPLY, Cluster
from tests.support import wait_for

HERE = Path(__file__).parent
TOKEN = "only-for-this-test"
KEDA_KINDS = ("scaledobjects", "triggerauthentications")
STAGES = ("node/fast", "node/heartbeat", "pod/fast")


class ControlPlane:
    """The programs, each with a log of its own in the directory, until the block ends."""

    def __init__(self, directory: Path, running: ExitStack) -> None:
        self.directory = directory
        self.running = running
        self.etcd = f"http://127.0.0.1:{free_port()}"
        self.port = free_port()
        self.key = _service_account_key(directory)
        self.kubeconfig = _kubeconfig(directory, self.port)

    def start(self, name: str, *arguments: str) -> None:
        program = binaries.program(name)
        log = self.running.enter_context((self.directory / f"{name}.log").open("w"))
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=log, cwd=self.directory)
        self.running.callback(process.wait)
        self.running.callback(process.kill)

    def start_api_server(self) -> Cluster:
        peer = f"http://127.0.0.1:{free_port()}"
        self.start(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={self.etcd}",
            f"--advertise-client-urls={self.etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )
        (self.directory / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        self.start(
            "kube-apiserver",
            f"--etcd-servers={self.etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.directory / 'certificates'}",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.example",
            f"--service-account-key-file={self.key}",
            f"--service-account-signing-key-file={self.key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--advertise-address=192.0.2.1",  # a loopback address is refused
            "--endpoint-reconciler-type=none",
        )
        cluster = Cluster(self.kubeconfig)
        wait_for(lambda: cluster.run("get", "--raw=/readyz").returncode == 0, seconds=180, what="the API server")
        return cluster

    def start_controllers(self) -> None:
        alone = (f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        self.start("kube-controller-manager", *alone, f"--service-account-private-key-file={self.key}")
        self.start("kube-scheduler", *alone)

    def start_nodes(self, cluster: Cluster) -> None:
        """Three nodes that are ready, and to which the scheduler gives Pods."""
        folder = binaries.module(binaries.KWOK) / "kustomize" / "stage"
        files = [file for stage in STAGES for file in sorted((folder / stage).glob("*.yaml"))]
        stages = [yaml.safe_load(file.read_text()) for file in files if file.name != "kustomization.yaml"]
        (self.directory / "stages.yaml").write_text(yaml.safe_dump_all(stages))
        config = f"--config={self.directory / 'stages.yaml'}"
        self.start("kwok", config, f"--kubeconfig={self.kubeconfig}", "--manage-all-nodes=true")
        cluster.do(*APPLY, f"--filename={HERE / 'nodes.yaml'}")
        cluster.do("wait", "--for=condition=Ready", "node", "--all", "--timeout=600s")


@contextmanager
def control_plane(directory: Path) -> Iterator[Cluster]:
    """A cluster of three nodes that knows KEDA's kinds and Strimzi's."""
    with ExitStack() as running:
        plane = ControlPlane(directory, running)
        cluster = plane.start_api_server()
        plane.start_controllers()
        plane.start_nodes(cluster)
        keda = binaries.module(binaries.KEDA) / "config" / "crd" / "bases"
        files = [keda / f"keda.sh_{name}.yaml" for name in KEDA_KINDS]
        cluster.do(*APPLY, *(f"--filename={file}" for file in (*files, HERE / "definitions")))
        cluster.do("wait", "--for=condition=Established", "crd", "--all", "--timeout=600s")
        yield cluster


def _service_account_key(directory: Path) -> Path:
    file = directory / "service-accounts.pem"
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    file.write_bytes(made.private_bytes(*form))
    return file


def _kubeconfig(directory: Path, port: int) -> Path:
    file = directory / "kubeconfig"
    server = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file.write_text(yaml.safe_dump(content))
    return file
