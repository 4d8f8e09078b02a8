"""What the engine alone, without Kafka and without interruption, says about a log."""

from __future__ import annotations

from consumers.worker.run import engine_factory
from core.model.settings import Settings
from tests.support.kafka_log import Log


def engine_event_ids(log: Log, partitions: int) -> list[str]:
    """Give the ids of the events of a log, by partition in order.

    Args:
        log: partition → payloads in order.
        partitions: Number of partitions of the topic.
    """
    make_engine = engine_factory(Settings())
    ids: list[str] = []
    for partition, payloads in log.items():
        engine = make_engine(partition, partitions)
        for offset, payload in enumerate(payloads):
            ids += [event.event_id for event in engine.step(payload, offset).events]
    return ids
