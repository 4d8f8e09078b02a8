"""Instruments, pairs and sources, and the partitions that own them.

A universe is written as TOML: `core.model.universe_file` validates each entry, `Universe` validates
their consistency.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from core.model.errors import UniverseError
from core.model.scale import DEFAULT_EXPONENT
from core.model.suggestions import nearest
from core.model.universe_file import SERIES_CLASSES, read_universe_file, universe_error
from core.model.validation import joined

SCALE_KEYS: Final = ("price_exponent", "size_exponent")
"""Keys of an instrument's scale in the universe and in its published record."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source of ticks, with the time limits of its data.

    Args:
        source_id: Stable number, 0 to 65,535; part of every tick.
        name: Lower-case name, such as "alpaca".
        allowed_lateness_ms: How far the watermark trails the source's clock mark.
        max_lead_ms: A tick further ahead of the mark than this is dead-lettered.
        official_close_wait_ms: How long after the close a day bar waits for the official close.
        tick_max_age_ms: A tick further behind the mark than this is dead-lettered.
    """

    source_id: int
    name: str
    allowed_lateness_ms: int = 1_000
    max_lead_ms: int = 5_000
    official_close_wait_ms: int = 900_000
    tick_max_age_ms: int = 86_400_000


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument.

    Args:
        instrument_id: Stable number, 0 to 2³¹ − 1.
        symbol: Symbol at the source; unique.
        name: Display name.
        asset_class: "index", "etf", "equity" or "crypto"; or a series, "rate" or "flow".
        calendar: Whose sessions it follows: "XNYS", "24/7" or another name of exchange_calendars.
        source: Name of the source that sends it.
        listing_exchange: The exchange, in the source's code, whose auctions are official.
        max_age_ms: Age after which the last price is stale.
        has_volume: Its ticks and bars have volume; an index has none.
        has_official_close: Its day bar waits for an official closing print.
        group: Free label for cross-sections; for a flow, the symbol of the numerator it flows into.
        sector: Free label for cross-sections.
        price_exponent: Power of ten of its integer prices, or of a series' values.
        size_exponent: Power of ten of its integer sizes and volumes.
        sentence_name: Its name inside a sentence, such as "small caps"; None for `name`.
    """

    instrument_id: int
    symbol: str
    name: str
    asset_class: str
    calendar: str
    source: str
    listing_exchange: str | None
    max_age_ms: int
    has_volume: bool
    has_official_close: bool
    group: str | None
    sector: str | None
    price_exponent: int = DEFAULT_EXPONENT
    size_exponent: int = DEFAULT_EXPONENT
    sentence_name: str | None = None

    @property
    def spoken(self) -> str:
        """Its name inside a sentence."""
        return self.sentence_name or self.name

    @property
    def is_series(self) -> bool:
        """Whether it is a rate or a flow: daily values, never a leg of a pair."""
        return self.asset_class in SERIES_CLASSES

    def is_listed_at(self, exchange: str) -> bool:
        """Return whether a print of this exchange may be official; any may if no listing exchange is set."""
        return self.listing_exchange is None or exchange == self.listing_exchange


@dataclass(frozen=True, slots=True)
class Pair:
    """A numerator and its benchmark, by symbol."""

    numerator: str
    benchmark: str

    @property
    def name(self) -> str:
        """Name in keys, labels and payloads: "RUT/SPX"."""
        return f"{self.numerator}/{self.benchmark}"


@dataclass(frozen=True)
class Universe:
    """All sources, instruments and pairs.

    Args:
        sources: In order of id.
        instruments: In order of id.
        pairs: In the file's order.

    Raises:
        UniverseError: An id, symbol or name is duplicated, or a pair or an instrument has an unknown
            reference.
    """

    sources: tuple[Source, ...]
    instruments: tuple[Instrument, ...]
    pairs: tuple[Pair, ...]

    def __post_init__(self) -> None:
        problems = list(_problems_between(self.sources, self.instruments, self.pairs))
        if problems:
            raise universe_error(joined(problems))

    def instrument(self, id_or_symbol: int | str) -> Instrument:
        """Return an instrument by id or symbol; UniverseError suggests the nearest symbols."""
        if isinstance(id_or_symbol, str):
            found = self._by_symbol.get(id_or_symbol)
        else:
            found = self._by_id.get(int(id_or_symbol))
        if found is None:
            hint = nearest(str(id_or_symbol), self._by_symbol)
            raise UniverseError(f"no instrument {id_or_symbol!r} in the universe{hint}")
        return found

    def pair(self, name: str) -> Pair:
        """Return a pair by its name, such as "RUT/SPX"; UniverseError suggests the nearest ones."""
        found = self._by_pair.get(name)
        if found is None:
            raise UniverseError(f"no pair {name!r} in the universe{nearest(name, self._by_pair)}")
        return found

    @cached_property
    def benchmarks(self) -> tuple[Instrument, ...]:
        """The benchmark tape: all benchmarks of pairs, by id."""
        symbols = {pair.benchmark for pair in self.pairs}
        return tuple(instrument for instrument in self.instruments if instrument.symbol in symbols)

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of the canonical form, which is equal for equivalent files."""
        return self._digest(with_words=True)

    @cached_property
    def meaning_digest(self) -> str:
        """The digest without the names in sentences, which decide nothing: a state belongs to it."""
        return self._digest(with_words=False)

    def _digest(self, *, with_words: bool) -> str:
        content = asdict(self)
        for instrument in content["instruments"]:
            for key in SCALE_KEYS:
                if instrument[key] == DEFAULT_EXPONENT:  # equivalent to a universe without scales
                    del instrument[key]
            if instrument["sentence_name"] is None or not with_words:
                del instrument["sentence_name"]
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def _by_id(self) -> dict[int, Instrument]:
        return {instrument.instrument_id: instrument for instrument in self.instruments}

    @cached_property
    def _by_symbol(self) -> dict[str, Instrument]:
        return {instrument.symbol: instrument for instrument in self.instruments}

    @cached_property
    def _by_pair(self) -> dict[str, Pair]:
        return {pair.name: pair for pair in self.pairs}


def parse_universe(text: str) -> Universe:
    """Read a universe from TOML text.

    Args:
        text: The file's text, in the shape of `core.model.universe_file.UniverseFile`.

    Returns:
        The universe, with defaults filled in.

    Raises:
        UniverseError: The message lists every problem with its entry and the nearest names.
    """
    document = read_universe_file(text)
    sources = [_source(entry) for entry in document["source"]]
    instruments = [_instrument(entry) for entry in document["instrument"]]
    return Universe(
        sources=tuple(sorted(sources, key=lambda source: source.source_id)),
        instruments=tuple(sorted(instruments, key=lambda instrument: instrument.instrument_id)),
        pairs=tuple(Pair(entry["numerator"], entry["benchmark"]) for entry in document["pair"]),
    )


def _source(entry: Mapping[str, Any]) -> Source:
    return Source(source_id=entry["id"], **{key: value for key, value in entry.items() if key != "id"})


def _instrument(entry: Mapping[str, Any]) -> Instrument:
    return Instrument(
        instrument_id=entry["id"],
        symbol=entry["symbol"],
        name=entry["name"],
        asset_class=entry["class"],
        calendar=entry["calendar"],
        source=entry["source"],
        listing_exchange=entry.get("listing_exchange"),
        max_age_ms=entry["max_age_ms"],
        has_volume=entry["has_volume"],
        has_official_close=entry["has_official_close"],
        group=entry.get("group"),
        sector=entry.get("sector"),
        price_exponent=entry.get("price_exponent", DEFAULT_EXPONENT),
        size_exponent=entry.get("size_exponent", DEFAULT_EXPONENT),
        sentence_name=entry.get("sentence_name"),
    )


def _problems_between(
    sources: tuple[Source, ...], instruments: tuple[Instrument, ...], pairs: tuple[Pair, ...]
) -> Iterable[str]:
    """Check the consistency of entries."""
    source_names = [source.name for source in sources]
    symbols = [instrument.symbol for instrument in instruments]
    yield from _twice("source id", [source.source_id for source in sources])
    yield from _twice("source name", source_names)
    yield from _twice("instrument id", [instrument.instrument_id for instrument in instruments])
    yield from _twice("symbol", symbols)
    yield from _twice("pair", [pair.name for pair in pairs])
    known_sources, known_symbols = set(source_names), set(symbols)
    for instrument in instruments:
        if instrument.source not in known_sources:
            hint = nearest(instrument.source, source_names)
            yield f"instrument {instrument.symbol!r} has the unknown source {instrument.source!r}{hint}"
    for pair in pairs:
        if pair.numerator == pair.benchmark:
            yield f"pair {pair.name!r} has the same instrument as numerator and benchmark"
        for leg in dict.fromkeys((pair.numerator, pair.benchmark)):
            if leg not in known_symbols:
                yield f"pair {pair.name!r} has the unknown leg {leg!r}{nearest(leg, symbols)}"
    yield from _series_problems(instruments, pairs)


def _series_problems(instruments: tuple[Instrument, ...], pairs: tuple[Pair, ...]) -> Iterable[str]:
    """Check that series are not legs, and that each flow has its own instrument."""
    series = {each.symbol: each for each in instruments if each.is_series}
    for pair in pairs:
        for leg in dict.fromkeys((pair.numerator, pair.benchmark)):
            if leg in series:
                yield f"pair {pair.name!r} has the {series[leg].asset_class} {leg!r} as a leg"
    traded = [each.symbol for each in instruments if not each.is_series]
    flows = [each for each in series.values() if each.asset_class == "flow"]
    for flow in flows:
        if flow.group not in traded:
            hint = nearest(flow.group or "", traded)
            yield f"flow {flow.symbol!r} must name the instrument it flows into as its 'group'{hint}"
    yield from _twice("flow into", [flow.group for flow in flows if flow.group in traded])


def _twice(what: str, values: list[int] | list[str]) -> Iterable[str]:
    seen: set[int | str] = set()
    for value in values:
        if value in seen:
            yield f"{what} {value!r} is duplicated"
        seen.add(value)
