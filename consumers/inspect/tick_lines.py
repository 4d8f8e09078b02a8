"""Frames of the ticks topic as JSON lines and table rows, for readers without NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from core.kafka.records import Record
from core.model.frames import decode_frame
from core.model.instruments import Universe
from core.model.records import NANOSECONDS_PER_SECOND, NO_INSTRUMENT, GapCause, TickKind, Update
from core.model.scale import DEFAULT_EXPONENT, decimal_text
from core.model.timestamps import rfc3339

_ROW: Final = "{time:<30}  {symbol:<10}  {kind:<13}  {price:>18}  {size:>18}  {update:<30}  {place}"
_DEFAULT_SCALE: Final = (DEFAULT_EXPONENT, DEFAULT_EXPONENT)
_KINDS: Final = MappingProxyType({int(kind): kind.name.lower() for kind in TickKind})
_UPDATES: Final = tuple([str(flag.name).lower() for flag in Update if flag & bits] for bits in range(256))
"""Names by the bits of a tick's `update`: reading them from the enumeration took half of the time."""
_UNSCALED: Final = (TickKind.ADJUSTMENT, TickKind.STATUS)
"""Kinds whose price and size use the default scale, whatever the instrument's scale."""

TABLE_HEADER: Final = _ROW.format(
    time="EVENT TIME", symbol="SYMBOL", kind="KIND", price="PRICE", size="SIZE", update="UPDATE",
    place="PARTITION@OFFSET+INDEX",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """Resolves the ids in ticks.

    Args:
        symbols: instrument_id → symbol.
        sources: source id → name.
        scales: instrument_id → price and size exponent, where not the default.
    """

    symbols: Mapping[int, str]
    sources: Mapping[int, str]
    scales: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, universe: Universe) -> Self:
        """Build the names from a universe."""
        return cls(
            {instrument.instrument_id: instrument.symbol for instrument in universe.instruments},
            {source.source_id: source.name for source in universe.sources},
            {each.instrument_id: (each.price_exponent, each.size_exponent) for each in universe.instruments},
        )


def tick_lines(
    record: Record, names: Names, instrument_ids: frozenset[int] = frozenset()
) -> Iterator[dict[str, Any]]:
    """Decode one frame.

    Args:
        record: A record of the ticks topic.
        names: Resolves ids; an unresolved id gives null, never an error, and the default scale is
            assumed.
        instrument_ids: Only these instruments; empty for all records.

    Yields:
        One dict per tick, as `tick-line.schema.json` describes it.

    Raises:
        FrameError: The record is not a valid frame; nothing has been yielded.
    """
    header, ticks = decode_frame(record.value)
    kinds, times = _KINDS, _Times()
    for index, tick in enumerate(ticks.tolist()):
        ts_event, ts_recv, price, size, trade_id, instrument_id, update, kind, source = tick
        if instrument_ids and instrument_id not in instrument_ids:
            continue
        scale = _DEFAULT_SCALE if kind in _UNSCALED else names.scales.get(instrument_id, _DEFAULT_SCALE)
        price_exponent, size_exponent = scale
        line = {
            "partition": record.partition,
            "offset": record.offset,
            "index": index,
            "epoch": header.epoch,
            "sequence": header.sequence,
            "kind": kinds.get(kind) or f"unknown_{kind}",
            "symbol": names.symbols.get(instrument_id),
            "instrument_id": None if instrument_id == NO_INSTRUMENT else instrument_id,
            "ts_event": times.text(ts_event),
            "ts_recv": times.text(ts_recv),
            "price": decimal_text(price, price_exponent),
            "size": decimal_text(size, size_exponent),
            "trade_id": str(trade_id),
            "update": _UPDATES[update],
            "source": names.sources.get(source),
            "source_id": source,
        }
        if kind == TickKind.GAP:
            line["gap_cause"] = _cause_text(trade_id)
        yield line


def tick_row(line: Mapping[str, Any]) -> str:
    """Format one dict of `tick_lines` as a row under `TABLE_HEADER`."""
    return _ROW.format(
        time=line["ts_event"],
        symbol=line["symbol"] or (line["instrument_id"] if line["instrument_id"] is not None else "-"),
        kind=line["kind"],
        price=line["price"],
        size=line["size"],
        update=line.get("gap_cause") or ",".join(line["update"]) or "-",
        place=f"{line['partition']}@{line['offset']}+{line['index']}",
    )


class _Times:
    """Formats times as `rfc3339` does; ticks of one second share its text."""

    def __init__(self) -> None:
        self._seconds: dict[int, str] = {}

    def text(self, ts_ns: int) -> str:
        seconds, nanoseconds = divmod(ts_ns, NANOSECONDS_PER_SECOND)
        text = self._seconds.get(seconds)
        if text is None:
            text = self._seconds[seconds] = rfc3339(seconds * NANOSECONDS_PER_SECOND)
        if nanoseconds == 0:
            return text
        fraction = f"{nanoseconds:09d}"
        while fraction.endswith("000"):
            fraction = fraction[:-3]
        return f"{text[:-1]}.{fraction}Z"


def _cause_text(number: int) -> str:
    try:
        return GapCause(number).label
    except ValueError:
        return f"unknown_{number}"
