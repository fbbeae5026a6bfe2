"""The lock of Kafka's jars holds."""

import re
import subprocess
from pathlib import Path

import pytest

from deploy.local import kafka_jars
from deploy.local.errors import StackError

REPOSITORY = Path(__file__).parents[2]


def cached_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with Kafka's jars, of this test's own."""
    jars = [Path(jar) for jar in kafka_jars.class_path().split(":")]
    copy = tmp_path / jars[0].parent.name
    copy.mkdir()
    for jar in jars:
        (copy / jar.name).write_bytes(jar.read_bytes())
    monkeypatch.setenv("USO_CACHE_DIR", str(tmp_path))
    return copy


def test_a_cached_start_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = cached_elsewhere(tmp_path, monkeypatch)
    monkeypatch.setattr(kafka_jars, "_fetch", None)
    assert str(copy) in kafka_jars.class_path()


def test_a_jar_that_is_another_one_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = cached_elsewhere(tmp_path, monkeypatch)
    with (copy / "kafka-clients-4.3.0.jar").open("ab") as jar:
        jar.write(b"x")
    with pytest.raises(StackError, match=re.escape("the ones that jgo.lock.toml names: kafka-clients-4.3.0.jar.")):
        kafka_jars.class_path()


def test_no_file_of_the_stack_names_a_registry() -> None:
    files = subprocess.run(
        ["git", "ls-files", "deploy/local"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    named = re.compile(r"maven\.org|apache\.org/maven|pypi\.org|pythonhosted|sonatype", re.IGNORECASE)
    assert [file for file in files if named.search((REPOSITORY / file).read_text(errors="ignore"))] == []
