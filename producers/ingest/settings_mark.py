"""A settings mark: the place in the log from which a new catalogue is in force.

Workers started with the new catalogue keep the definitions of their snapshot until they process the
mark that names it. All workers therefore switch at the same place, also in a replay.
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
    """Write a mark to every partition, as the history's source: as a feed's source it would fence the feed.

    Args:
        catalogue: Catalogue in force from there.
        universe: Contains the source.
        settings: Broker and source.
        ts_ns: Wall time of the mark, ns UTC.
        epoch: Producer epoch: higher than that of any earlier run of the source.

    Returns:
        Number of partitions.

    Raises:
        ConfigurationError: The universe has no such source, or the topic has a different number of
            partitions.
        TransportError: The broker does not acknowledge the mark.
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
    """Queue one frame per partition that contains only the mark; raises what `run_settings_mark` raises."""
    mark = np.zeros(1, TICK)
    mark["ts_event"] = mark["ts_recv"] = ts_ns
    mark["instrument_id"] = NO_INSTRUMENT
    mark["kind"] = TickKind.SETTINGS
    mark["source"] = source.source_id
    mark["trade_id"] = catalogue.mark
    framer = Framer(universe, partitions=partitions, source_id=source.source_id, epoch=epoch)
    for frame in [*framer.add(mark, 0.0), *framer.flush()]:
        publisher.send(frame)
