"""A settings mark: the place in the log from which another catalogue is in force.

Workers that were started with the new catalogue go on with the definitions of their snapshot until
they step the mark that names it, so that all change at the same place, also when they step it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.model.instruments import Source, Universe
from core.model.records import NO_INSTRUMENT, TICK, TickKind
from core.model.settings import Settings
from producers.backfill.history import patience_s, patient
from producers.backfill.warm_start import find_source
from producers.framing.framer import Framer
from producers.framing.publisher import Publisher, check_topics, open_producer
from producers.metrics import ProducerCounters

if TYPE_CHECKING:
    from core.definitions.catalogue import Catalogue


def run_settings_mark(
    catalogue: Catalogue, universe: Universe, settings: Settings, *, ts_ns: int, epoch: int
) -> int:
    """Write a mark into every partition, as the history's source: a feed's own frames would be fenced.

    Args:
        catalogue: What is in force from there.
        universe: Knows the source.
        settings: Name the broker and the source.
        ts_ns: The mark's time, wall time, ns UTC.
        epoch: Higher than that of any earlier run of the source.

    Returns:
        Number of partitions.

    Raises:
        ConfigurationError: The universe has no such source, or the topic another number of partitions.
        TransportError: The broker does not take it.
    """
    source = find_source(universe, settings.history_source)
    sender = open_producer(patient(settings.kafka))
    publisher = Publisher(
        sender,
        topic=settings.kafka.ticks_topic,
        source=source.name,
        bytes_in_flight_max=settings.producer.bytes_in_flight_max,
        counters=ProducerCounters(source.name),
    )
    try:
        check_topics(sender, settings.kafka)
        partitions = settings.kafka.partitions
        publish_settings_mark(
            catalogue, universe, publisher, source, partitions=partitions, ts_ns=ts_ns, epoch=epoch
        )
        publisher.flush(patience_s(settings))
    finally:
        publisher.close()
    return partitions


def publish_settings_mark(
    catalogue: Catalogue,
    universe: Universe,
    publisher: Publisher,
    source: Source,
    *,
    partitions: int,
    ts_ns: int,
    epoch: int,
) -> None:
    """Queue one frame a partition, with the mark and nothing else; errors as of `run_settings_mark`."""
    mark = np.zeros(1, TICK)
    mark["ts_event"] = mark["ts_recv"] = ts_ns
    mark["instrument_id"] = NO_INSTRUMENT
    mark["kind"] = TickKind.SETTINGS
    mark["source"] = source.source_id
    mark["trade_id"] = catalogue.mark
    framer = Framer(universe, partitions=partitions, source_id=source.source_id, epoch=epoch)
    for frame in [*framer.add(mark, 0.0), *framer.flush()]:
        publisher.send(frame)
