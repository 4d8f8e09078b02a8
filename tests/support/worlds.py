"""Small universes with sessions of minutes, so that days of event time pass in a test's moment.

Sessions are numbered by days since 1970-01-01 as everywhere, but a live session lasts four minutes
and the next one opens twenty minutes later: the engine knows sessions only from its calendars.

    baseline days, one a day      session 0        session 1        session 2
    XNYS  ....|....|....|   ......|0..4|...........|20..24|.........|40..44|....
    24/7  |....|....|....|  .-5...............|15...............|35................
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from core.definitions.catalogue import Catalogue, parse_catalogue
from core.engine.engine import PartitionEngine
from core.events.lookups import Lookups, LookupsByMark
from core.model.instruments import Instrument, Pair, Source, Universe
from core.model.records import NANOSECONDS_PER_SECOND
from core.model.sessions import Calendar, session_day

SECOND = NANOSECONDS_PER_SECOND
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

FIRST_DAY = datetime(2024, 6, 3, tzinfo=UTC).date()
FIRST_SESSION = session_day(FIRST_DAY)
"""Day number of the first live session."""

OPEN = int(datetime(2024, 6, 3, 14, 30, tzinfo=UTC).timestamp()) * SECOND
"""Its open, ns UTC."""

SESSION_MINUTES = 4
SESSION_SPACING = 20 * MINUTE
OFFICIAL_WAIT_S = 60

FEED, COINS, HISTORY = 1, 2, 900
"""Sources: stocks, coins, warm start."""

SML, BIG, GOO, COIN, ETH = 1, 2, 3, 4, 5
"""Instruments: an equity, the index it is held against, an equity without auction, two coins."""

CATALOGUE = """
[[definition]]
id = "opposite_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 1", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 1.0 }

[[definition]]
id = "opposite_down"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d <= -1", "benchmark_return_pct:1d > 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = -1.0 }

[[definition]]
id = "spread_1d"
family = "relative-strength"
expires = 3
enter = ["abs(relative_return_zscore:1d) >= 2"]
exit = ["abs(relative_return_zscore:1d) <= 0.5"]
show.zscore = "relative_return_zscore:1d"
show.relative_return_pct = "relative_strength_percent:1d"
show.spread_pp = "relative_strength_pp:1d"
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
threshold = { zscore = 2.0, zscore_exit = 0.5 }
series = "relative return"

[[definition]]
id = "unconfirmed_high"
family = "divergence"
cool_down = 4
expires = 2
enter = ["numerator_price > numerator_high:63d", "benchmark_price < benchmark_high:63d * 0.999"]
exit = ["paired_benchmark_price > benchmark_high:63d"]
invalidate = { key = "paired_numerator_price", below_pct = 0.5 }
show.numerator_close = "numerator_price"
show.numerator_previous_high = "numerator_high:63d"
show.benchmark_close = "benchmark_price"
show.benchmark_previous_high = "benchmark_high:63d"
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
threshold = { window_sessions = 63.0, delta_pct = 0.1, invalidation_pct = 0.5 }

[[definition]]
id = "spread_15m"
frequency = "1m"
family = "relative-strength"
cool_down = 5
enter = ["abs(relative_return_zscore:15m) >= 2"]
exit = ["abs(relative_return_zscore:15m) <= 0.5"]
show.zscore = "relative_return_zscore:15m"
show.relative_return_pct = "relative_strength_percent:15m"
show.spread_pp = "relative_strength_pp:15m"
threshold = { zscore = 2.0, zscore_exit = 0.5 }
"""


def session_open(number: int) -> int:
    """Open of a live session of the exchange, ns UTC."""
    return OPEN + number * SESSION_SPACING


def session_close(number: int) -> int:
    """Close of a live session of the exchange, ns UTC."""
    return session_open(number) + SESSION_MINUTES * MINUTE


def make_calendar(name: str, first_session: int, spans: Sequence[tuple[int, int]]) -> Calendar:
    """Make a calendar of consecutive session days.

    Args:
        name: "XNYS" or "24/7".
        first_session: Day number of the first span.
        spans: Open and close of each session, ns UTC, ascending.

    Returns:
        The calendar.
    """
    opens, closes = (np.array(column, np.int64) for column in zip(*spans, strict=True))
    days = np.arange(first_session, first_session + len(spans), dtype=np.int32)
    return Calendar(name, days, opens, closes, np.zeros(len(spans), np.bool_))


def short_calendars(
    baseline_days: int = 80, live_sessions: int = 6, minutes: int = SESSION_MINUTES
) -> dict[str, Calendar]:
    """Calendars as drawn above.

    Args:
        baseline_days: Sessions before the first live one, a day apart.
        live_sessions: Sessions after them, twenty minutes apart.
        minutes: Length of a session of the exchange; at most 14 leave room for the wait after it.

    Returns:
        Name → calendar.
    """
    length = minutes * MINUTE
    before = [(OPEN - back * DAY, OPEN - back * DAY + length) for back in range(baseline_days, 0, -1)]
    live = [(session_open(number), session_open(number) + length) for number in range(live_sessions)]
    midnights = [OPEN - 5 * MINUTE - back * DAY for back in range(baseline_days, 0, -1)]
    midnights += [OPEN - 5 * MINUTE + number * SESSION_SPACING for number in range(live_sessions + 1)]
    first = FIRST_SESSION - baseline_days
    return {
        "XNYS": make_calendar("XNYS", first, before + live),
        "24/7": make_calendar("24/7", first, list(itertools.pairwise(midnights))),
    }


def make_source(
    source_id: int, name: str, *, lateness_ms: int = 1_000, wait_s: int = OFFICIAL_WAIT_S
) -> Source:
    """A source that waits a minute for official closes."""
    return Source(
        source_id,
        name,
        allowed_lateness_ms=lateness_ms,
        official_close_wait_ms=wait_s * 1_000,
        tick_max_age_ms=3_600_000,
    )


def make_instrument(
    instrument_id: int,
    symbol: str,
    *,
    source: str = "feed",
    calendar: str = "XNYS",
    has_volume: bool = True,
    has_official_close: bool = True,
    max_age_ms: int = 60_000,
) -> Instrument:
    """An instrument with what the engine looks at."""
    return Instrument(
        instrument_id=instrument_id,
        symbol=symbol,
        name=symbol,
        asset_class="crypto" if calendar == "24/7" else "equity" if has_volume else "index",
        calendar=calendar,
        source=source,
        listing_exchange=None,
        max_age_ms=max_age_ms,
        has_volume=has_volume,
        has_official_close=has_official_close,
        group=None,
        sector=None,
    )


def small_universe() -> Universe:
    """Five instruments, two sources, two calendars, and a pair of every kind."""
    return Universe(
        sources=(
            make_source(FEED, "feed"),
            make_source(COINS, "coins", lateness_ms=2_000),
            make_source(HISTORY, "history"),
        ),
        instruments=(
            make_instrument(SML, "SML"),
            make_instrument(BIG, "BIG", has_volume=False),
            make_instrument(GOO, "GOO", has_official_close=False),
            make_instrument(COIN, "COIN", source="coins", calendar="24/7", has_official_close=False),
            make_instrument(ETH, "ETH", source="coins", calendar="24/7", has_official_close=False),
        ),
        pairs=(
            Pair("SML", "BIG"),
            Pair("GOO", "BIG"),
            Pair("SML", "GOO"),
            Pair("ETH", "COIN"),
            Pair("COIN", "BIG"),
        ),
    )


def exchange_universe(
    *, lateness_ms: int = 1_000, max_age_ms: int = 60_000, wait_s: int = OFFICIAL_WAIT_S
) -> Universe:
    """The exchange alone: SML and GOO against BIG, one source."""
    return Universe(
        sources=(
            make_source(FEED, "feed", lateness_ms=lateness_ms, wait_s=wait_s),
            make_source(HISTORY, "history"),
        ),
        instruments=(
            make_instrument(SML, "SML", max_age_ms=max_age_ms),
            make_instrument(BIG, "BIG", has_volume=False, max_age_ms=max_age_ms),
            make_instrument(GOO, "GOO", has_official_close=False, max_age_ms=max_age_ms),
        ),
        pairs=(Pair("SML", "BIG"), Pair("GOO", "BIG")),
    )


def make_engine(
    universe: Universe | None = None,
    *,
    catalogue: Catalogue | str = CATALOGUE,
    calendars: Mapping[str, Calendar] | None = None,
    partition: int = 0,
    partitions: int = 1,
    lookups: Lookups | None = None,
    lookups_by_mark: LookupsByMark | None = None,
    history_events: bool = False,
    values: bool = True,
) -> PartitionEngine:
    """A fresh engine of a small universe; it hands out values, as a worker's does by default."""
    return PartitionEngine(
        universe or small_universe(),
        parse_catalogue(catalogue) if isinstance(catalogue, str) else catalogue,
        calendars or short_calendars(),
        partition=partition,
        partitions=partitions,
        lookups=lookups,
        lookups_by_mark=lookups_by_mark,
        history_events=history_events,
        values=values,
    )
