"""Kafka's storage is made for any cluster id."""

from pathlib import Path

from deploy.local import kafka, kafka_jars
from deploy.local.ports import Ports


def test_a_cluster_id_may_begin_with_a_dash(tmp_path: Path) -> None:
    identifier = "-VXbOblCTKOQRJIRVIwddw"
    kafka.write_config(directory=tmp_path, broker_id=1, brokers=1, ports=Ports(tmp_path / "ports.json"))
    kafka.format_storage(directory=tmp_path, broker_id=1, cluster_id=identifier, classes=kafka_jars.class_path())
    assert identifier in (tmp_path / "data" / "kafka-1" / "meta.properties").read_text()
