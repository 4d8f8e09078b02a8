"""The demo's days as a log: warm start, then ticks and marks, cut into frames."""

from __future__ import annotations

import io
from datetime import date
from functools import cache
from importlib import resources

import polars as pl

from core.engine.baseline import baseline_records
from core.model.instruments import Universe, parse_universe
from core.model.sessions import build_calendars
from core.research.history import check_daily, parse_daily
from producers.replay.demo import demo_daily, demo_recording
from tests.support.recorded_log import frames_of, recorded_ticks, with_marks

FIRST_SESSION, LAST_BASELINE_SESSION = date(1990, 1, 2), date(2024, 7, 5)
RECENT_HISTORY = date(2020, 1, 2)
"""Since then there is enough for every window; 35 years would only take time."""
TICKS_SOURCE, HISTORY_SOURCE = 1, 900


def demo_universe() -> Universe:
    """The universe that ships with Rotascope."""
    return parse_universe((resources.files("core") / "data" / "demo_universe.toml").read_text())


@cache
def demo_log(
    partitions: int,
    *,
    flush_records: int = 512,
    before_ns: int = 2**63 - 1,
    history_from: date = FIRST_SESSION,
) -> dict[int, tuple[bytes, ...]]:
    """Give the demo's log.

    Args:
        partitions: Number of partitions.
        flush_records: Records a frame.
        before_ns: Only ticks and marks before this event time.
        history_from: Only closes since then, for tests that are about something else.

    Returns:
        partition → payloads in order.
    """
    universe = demo_universe()
    calendars = build_calendars(
        {each.calendar for each in universe.instruments}, date(1990, 1, 1), date(2024, 12, 31)
    )
    symbols = {each.symbol: each.instrument_id for each in universe.instruments}
    daily = demo_daily(LAST_BASELINE_SESSION).filter(pl.col("session") >= history_from)
    closes = {
        symbols[str(symbol)]: check_daily(_parsed(frame), calendars["XNYS"]).frame
        for (symbol,), frame in daily.group_by("symbol", maintain_order=True)
        if symbol in symbols
    }
    history = baseline_records(closes, universe, calendars, LAST_BASELINE_SESSION, HISTORY_SOURCE)
    ticks = recorded_ticks(demo_recording(), universe, TICKS_SOURCE)
    stream = with_marks(ticks, universe, TICKS_SOURCE, list(calendars.values()))
    stream = stream[stream["ts_event"] < before_ns]
    log = frames_of(
        {HISTORY_SOURCE: history, TICKS_SOURCE: stream}, universe, partitions, flush_records=flush_records
    )
    return {partition: tuple(payloads) for partition, payloads in log.items()}


def _parsed(frame: pl.DataFrame) -> pl.DataFrame:
    file = io.BytesIO()
    frame.select(pl.col("session").alias("date"), "close").write_parquet(file)
    return parse_daily(file.getvalue(), "demo", format="parquet")
