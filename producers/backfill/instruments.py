"""The compacted topic of instruments, which resolves instrument ids.

A producer writes it before its first tick, so that readers of ticks or bars need no universe file.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from core.kafka.topic_reader import TopicReader
from core.model.instruments import Instrument, Universe
from core.model.published_scales import require_same_scales
from core.model.schemas import INSTRUMENT
from core.model.topics import INSTRUMENTS_TOPIC
from producers.framing.outlet import Outlet

HEADERS: Final = [("content-type", b"application/json"), ("schema", INSTRUMENT.encode())]


def check_scales(reader: TopicReader, universe: Universe) -> None:
    """Refuse a universe in which an instrument's scale differs from the log, before anything is sent.

    Args:
        reader: Reads the log.
        universe: All instruments.

    Raises:
        UniverseError: See `core.model.published_scales.require_same_scales`.
        TransportError: The broker does not answer.
    """
    if reader.existing([INSTRUMENTS_TOPIC]):
        records = reader.read([INSTRUMENTS_TOPIC], until_end=True)
        require_same_scales(universe, ((record.key, record.value) for record in records))


def publish_instruments(universe: Universe, publisher: Outlet) -> int:
    """Send one record per instrument; the key is the id in decimal digits.

    Args:
        universe: All instruments.
        publisher: Sends the records.

    Returns:
        Number of records.

    Raises:
        TransportError: A record could not be delivered.
    """
    benchmarks = {instrument.instrument_id for instrument in universe.benchmarks}
    for instrument in universe.instruments:
        body = instrument_body(instrument, benchmark=instrument.instrument_id in benchmarks)
        key = str(instrument.instrument_id).encode()
        publisher.keyed(INSTRUMENTS_TOPIC, key, msgspec.json.encode(body), HEADERS)
    return len(universe.instruments)


def instrument_body(instrument: Instrument, *, benchmark: bool) -> dict[str, Any]:
    """Return the JSON of an instrument.

    Args:
        instrument: The instrument.
        benchmark: Whether it is the benchmark of any pair.

    Returns:
        A document valid against `core/data/schemas/instrument.schema.json`.
    """
    return {
        "instrument_id": instrument.instrument_id,
        "symbol": instrument.symbol,
        "name": instrument.name,
        "class": instrument.asset_class,
        "group": instrument.group,
        "sector": instrument.sector,
        "benchmark": benchmark,
        "calendar": instrument.calendar,
        "source": instrument.source,
        "listing_exchange": instrument.listing_exchange,
        "has_volume": instrument.has_volume,
        "has_official_close": instrument.has_official_close,
        "max_age_ms": instrument.max_age_ms,
        "price_exponent": instrument.price_exponent,
        "size_exponent": instrument.size_exponent,
    }
