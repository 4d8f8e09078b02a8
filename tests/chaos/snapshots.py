"""The snapshots of a round: what committed offsets name, what stands in the topic, and how to spoil it."""

from __future__ import annotations

from collections.abc import Mapping

from kafka import KafkaProducer

from consumers.snapshots.log import TopicSnapshotLog
from consumers.snapshots.position import decode_position
from consumers.snapshots.records import SNAPSHOTS_TOPIC, SnapshotName
from core.kafka.records import Headers, Record
from core.model.settings import KafkaSettings
from tests.chaos.arena import Arena
from tests.chaos.market_day import PARTITIONS

SEND_TIMEOUT_S = 10.0


def committed_snapshots(arena: Arena) -> dict[int, SnapshotName]:
    """Partition → the snapshot that its committed offset names; without those that name none."""
    found = {}
    for partition in range(PARTITIONS):
        metadata = arena.cluster.committed_metadata(arena.fleet.group_id, partition)
        position = decode_position(metadata, partition=partition)
        if position is not None and position.snapshot is not None:
            found[partition] = position.snapshot
    return found


def stored(arena: Arena, partition: int) -> dict[bytes, Record]:
    """Key → its latest record, of one partition."""
    log = TopicSnapshotLog(KafkaSettings(bootstrap_servers=arena.cluster.bootstrap_servers))
    try:
        return {record.key: record for record in log.read(partition) if record.key is not None}
    finally:
        log.close()


def overwrite(arena: Arena, partition: int, records: Mapping[bytes, tuple[bytes | None, Headers]]) -> None:
    """Append records under keys that are there; None for a value drops the key."""
    producer = KafkaProducer(bootstrap_servers=arena.cluster.bootstrap_servers.split(","), acks="all")
    try:
        sent = [
            producer.send(SNAPSHOTS_TOPIC, key=key, value=value, headers=list(headers), partition=partition)
            for key, (value, headers) in records.items()
        ]
        for future in sent:
            future.get(SEND_TIMEOUT_S)
    finally:
        producer.close(timeout=SEND_TIMEOUT_S)
