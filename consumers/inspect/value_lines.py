"""Frames of the values topic as JSON lines and table rows, for readers without NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.kafka.records import Record
from core.model.frames import decode_frame
from core.model.instruments import Universe
from core.model.records import NO_INSTRUMENT, VALUE, Quality, ValueFlag, ValueSign
from core.model.scale import DEFAULT_EXPONENT, decimal_text
from core.model.timestamps import rfc3339

FIGURES: Final = tuple(name for name in VALUE.names or () if VALUE[name].kind == "f")
"""Fields that hold a number or, where it is unknown, NaN."""

_EPOCH: Final = date(1970, 1, 1)
_DEFAULT_SCALE: Final = (DEFAULT_EXPONENT, DEFAULT_EXPONENT)
_QUALITIES: Final = MappingProxyType({int(quality): quality.label for quality in Quality})
_SIGNS: Final = (
    ("above_ma50", ValueSign.MA50_KNOWN, ValueSign.ABOVE_MA50),
    ("above_ma200", ValueSign.MA200_KNOWN, ValueSign.ABOVE_MA200),
    ("new_high", ValueSign.EXTREMES_KNOWN, ValueSign.NEW_HIGH),
    ("new_low", ValueSign.EXTREMES_KNOWN, ValueSign.NEW_LOW),
)
_FIGURE_COLUMNS: Final = ("price", "return_pct", "day21", "day63", "d50", "rsi", "streak", "quality")
_ROW: Final = (
    "{time:<20}  {kind:<7}  {pair:<17}  {price:>14}  {return_pct:>8}  {day21:>8}  {day63:>8}  {d50:>7}  "
    "{rsi:>5}  {streak:>6}  {quality:<13}  {place}"
)

TABLE_HEADER: Final = _ROW.format(
    time="AS OF", kind="KIND", pair="PAIR", price="PRICE", return_pct="RETURN %", day21="21D PP",
    day63="63D PP", d50="D50 SD", rsi="RSI", streak="STREAK", quality="QUALITY", place="SHARD@OFFSET+INDEX",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PairNames:
    """Resolves the ids in values.

    Args:
        pairs: Ids of numerator and benchmark → name of the pair.
        scales: Id of an instrument → price and size exponent.
    """

    pairs: Mapping[tuple[int, int], str]
    scales: Mapping[int, tuple[int, int]]

    @classmethod
    def of(cls, universe: Universe) -> Self:
        """Build the names from a universe."""
        ids = {each.symbol: each.instrument_id for each in universe.instruments}
        return cls(
            {(ids[pair.numerator], ids[pair.benchmark]): pair.name for pair in universe.pairs},
            {each.instrument_id: (each.price_exponent, each.size_exponent) for each in universe.instruments},
        )


def value_lines(
    record: Record, names: PairNames, wanted: frozenset[str] = frozenset(), *, marks: bool = False
) -> Iterator[dict[str, Any]]:
    """Decode one frame.

    Args:
        record: A record of the values topic.
        names: Resolves ids; an unresolved pair is null, never an error.
        wanted: Names of pairs; empty for all.
        marks: Also give the marks. A copy of what another shard has is never given.

    Yields:
        One dict per pair, as `value-line.schema.json` describes it.

    Raises:
        FrameError: The record is not a valid frame; nothing has been yielded.
    """
    header, values = decode_frame(record.value, VALUE)
    ts_event = rfc3339(header.epoch)
    figures = {name: _figures(values[name]) for name in FIGURES}
    integers = values[[name for name in VALUE.names or () if name not in FIGURES]]
    for index, row in enumerate(integers.tolist()):
        numerator, benchmark, price, volume, quality, quadrant, signs, streak, session, flags = row
        if flags & ValueFlag.COPY:
            continue
        line: dict[str, Any] = {
            "shard": record.partition,
            "offset": record.offset,
            "index": index,
            "partition": header.source,
            "ts_event": ts_event,
            "session": (_EPOCH + timedelta(days=session)).isoformat(),
            "kind": "session" if flags & ValueFlag.FINAL else "minute",
        }
        if flags & ValueFlag.MARK or numerator == NO_INSTRUMENT:
            if marks and not wanted:
                yield line | {"mark": True, "block": benchmark, "pairs": volume}
            continue
        name = names.pairs.get((numerator, benchmark))
        if wanted and name not in wanted:
            continue
        price_exponent, size_exponent = names.scales.get(numerator, _DEFAULT_SCALE)
        yield line | {
            "revised": bool(flags & ValueFlag.REVISED),
            "pair": name,
            "numerator_id": numerator,
            "benchmark_id": benchmark,
            "price": decimal_text(price, price_exponent) if price > 0 else None,
            "volume": decimal_text(volume, size_exponent) if volume >= 0 else None,
            **{figure: column[index] for figure, column in figures.items()},
            **{sign: bool(signs & yes) if signs & known else None for sign, known, yes in _SIGNS},
            "streak": streak,
            "quadrant": quadrant,
            "quality": _QUALITIES.get(quality) or f"unknown_{quality}",
        }


def value_row(line: Mapping[str, Any]) -> str:
    """Format one dict of `value_lines` as a row under `TABLE_HEADER`."""
    place = f"{line['shard']}@{line['offset']}+{line['index']}"
    if line.get("mark"):
        pairs = f"mark of {line['pairs']}"
        empty = dict.fromkeys(_FIGURE_COLUMNS, "")
        return _ROW.format(time=line["ts_event"], kind=line["kind"], pair=pairs, place=place, **empty)
    return _ROW.format(
        time=line["ts_event"],
        kind="revised" if line["revised"] else line["kind"],
        pair=line["pair"] or f"{line['numerator_id']}/{line['benchmark_id']}",
        price=line["price"] or "-",
        return_pct=_short(line["return_pct"], 2),
        day21=_short(line["relative_21d_pp"], 2),
        day63=_short(line["relative_63d_pp"], 2),
        d50=_short(line["d50_sd"], 2),
        rsi=_short(line["rsi"], 1, sign=False),
        streak=f"{line['streak']:+d}" if line["streak"] else "-",
        quality=line["quality"],
        place=place,
    )


def _short(value: float | None, digits: int, *, sign: bool = True) -> str:
    if value is None:
        return "-"
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def _figures(column: NDArray[np.float32]) -> list[float | None]:
    """Return numbers with as many digits as the record has, which is what `str` of an f4 gives."""
    return [float(str(value)) if np.isfinite(value) else None for value in column]
