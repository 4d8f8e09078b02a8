from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.errors import HistoryError
from core.model.records import NANOSECONDS_PER_SECOND, PRICE_UNITS_PER_ONE
from core.model.sessions import Calendar, build_calendar
from producers.replay.bar_files import NO_CLOSES
from producers.replay.bar_paths import load_bars, tick_path
from producers.replay.demo import demo_recording
from producers.replay.recording import Recording, Trade

OPENING = datetime(2024, 7, 3, 13, 30, tzinfo=UTC)  # a half day: the session ends at 17:00 UTC
HALF_DAY = date(2024, 7, 3)


def calendar() -> Calendar:
    return build_calendar("XNYS", date(2024, 7, 2), date(2024, 7, 5))


def bar_frame(*rows: tuple[str, datetime, float, float, float, float, int]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={
            "symbol": pl.String,
            "start": pl.Datetime("ns", "UTC"),
            "open": pl.Float64,
            "high": pl.Float64,
            "low": pl.Float64,
            "close": pl.Float64,
            "volume": pl.Int64,
        },
        orient="row",
    )


def close_frame(symbol: str, session: date, close: float) -> pl.DataFrame:
    return pl.DataFrame([(symbol, session, close)], schema=NO_CLOSES.schema, orient="row")


def told(recording: Recording) -> list[Trade]:
    return [recording.trade(row) for row in range(len(recording))]


def path_of(
    opened: float, high: float, low: float, close: float, volume: int = 100
) -> list[tuple[float, float, int]]:
    """Seconds after the start, price and size of each trade."""
    recording = load_bars(
        bar_frame(("SPY", OPENING, opened, high, low, close, volume)), NO_CLOSES, calendar()
    )
    start_ns = int(OPENING.timestamp()) * NANOSECONDS_PER_SECOND
    return [
        ((trade.ts_event_ns - start_ns) / NANOSECONDS_PER_SECOND, trade.price, trade.size)
        for trade in told(recording)
    ]


def test_path_visits_the_nearer_extreme_first() -> None:
    assert path_of(100.0, 103.0, 99.0, 102.0) == [
        (0, 100.0, 25),
        (100, 99.0, 25),
        (200, 103.0, 25),
        (299, 102.0, 25),
    ]
    assert path_of(102.0, 103.0, 99.0, 100.0) == [
        (0, 102.0, 25),
        (100, 103.0, 25),
        (200, 99.0, 25),
        (299, 100.0, 25),
    ]


def test_low_comes_first_when_both_extremes_are_as_near() -> None:
    assert [price for _, price, _ in path_of(100.0, 101.0, 99.0, 100.5)] == [100.0, 99.0, 101.0, 100.5]


def test_remainder_of_the_volume_goes_with_the_close() -> None:
    assert [size for _, _, size in path_of(100.0, 103.0, 99.0, 102.0, 103)] == [25, 25, 25, 28]


def test_repeated_prices_collapse_and_keep_their_shares() -> None:
    assert path_of(100.0, 100.0, 100.0, 100.0, 103) == [(0, 100.0, 103)]
    assert path_of(99.0, 103.0, 99.0, 103.0) == [(0, 99.0, 50), (200, 103.0, 50)]


@given(
    st.lists(st.integers(1, 10**7), min_size=4, max_size=4).map(sorted),
    st.permutations([1, 2]),
    st.integers(0, 10**9),
)
def test_any_path_gives_back_its_bar(prices: list[int], middle: list[int], volume: int) -> None:
    low, first, second, high = prices
    opened, close = (first, second) if middle == [1, 2] else (second, first)
    in_dollars = {"open": opened / 100, "high": high / 100, "low": low / 100, "close": close / 100}
    frame = pl.DataFrame({"start_ns": [0], **{name: [value] for name, value in in_dollars.items()}})
    frame = frame.with_columns(volume=pl.lit(volume))
    ts_event, price, size = tick_path(frame)
    hundredths = [round(units * 100 / PRICE_UNITS_PER_ONE) for units in price.tolist()]
    assert (hundredths[0], max(hundredths), min(hundredths), hundredths[-1]) == (opened, high, low, close)
    assert size.sum() == volume
    assert np.all(np.diff(ts_event) > 0)
    assert ts_event[-1] < 300 * NANOSECONDS_PER_SECOND
    assert all(one != other for one, other in pairwise(hundredths))


def test_official_close_comes_at_the_sessions_close_also_on_a_half_day() -> None:
    recording = load_bars(
        bar_frame(("SPY", OPENING, 100.0, 101.0, 99.0, 100.5, 400)),
        close_frame("SPY", HALF_DAY, 100.75),
        calendar(),
    )
    closing_ns = int(datetime(2024, 7, 3, 17, tzinfo=UTC).timestamp()) * NANOSECONDS_PER_SECOND
    assert told(recording)[-1] == Trade("SPY", 5, closing_ns, 100.75, 0, "P", (" ", "6"), "B")


def test_index_has_no_volume_and_no_condition_but_an_official_close() -> None:
    recording = load_bars(
        bar_frame(("RUT", OPENING, 2000.0, 2001.0, 1999.0, 2000.5, 0)),
        close_frame("RUT", HALF_DAY, 2000.57),
        calendar(),
    )
    trades = told(recording)
    assert [(trade.size, trade.conditions) for trade in trades] == [(0, ())] * 4 + [(0, ("M",))]
    assert trades[-1].price == 2000.57


def test_symbol_without_official_close_has_no_closing_print() -> None:
    recording = load_bars(
        bar_frame(("GOOG", OPENING, 180.0, 181.0, 179.0, 180.5, 400)),
        close_frame("SPY", HALF_DAY, 1.0),
        calendar(),
    )
    assert [trade.conditions for trade in told(recording)] == [("@",)] * 4


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("SPY", OPENING, 100.0, 99.0, 98.0, 98.5, 1), "outside its low and high"),
        (("SPY", OPENING, 100.0, 101.0, 100.5, 101.0, 1), "outside its low and high"),
        (("SPY", OPENING, 0.0, 101.0, 0.0, 101.0, 1), "not greater than 0"),
        (("SPY", OPENING, 100.0, float("nan"), 99.0, 100.0, 1), "not greater than 0"),
        (("SPY", OPENING, 100.0, 101.0, 99.0, 100.0, -1), "volume"),
        (("SPY", OPENING - timedelta(minutes=5), 100.0, 101.0, 99.0, 100.0, 1), "outside the sessions"),
        (("SPY", datetime(2024, 7, 3, 17, tzinfo=UTC), 100.0, 101.0, 99.0, 100.0, 1), "outside the sessions"),
        (("SPY", datetime(2024, 7, 4, 15, tzinfo=UTC), 100.0, 101.0, 99.0, 100.0, 1), "outside the sessions"),
        (("XYZ", OPENING, 100.0, 101.0, 99.0, 100.0, 1), "unknown listing of XYZ"),
    ],
)
def test_bad_bar_is_refused(row: tuple[str, datetime, float, float, float, float, int], problem: str) -> None:
    with pytest.raises(HistoryError, match=problem):
        load_bars(bar_frame(row), NO_CLOSES, calendar())


def test_repeated_bar_is_refused() -> None:
    row = ("SPY", OPENING, 100.0, 101.0, 99.0, 100.0, 1)
    with pytest.raises(HistoryError, match="is duplicated"):
        load_bars(bar_frame(row, row), NO_CLOSES, calendar())


def test_rut_first_gains_three_percent_in_the_bar_of_1430_utc() -> None:
    """Guards the demo's event: the candidate of 2024-07-11 begins in this bar and no other."""
    rut = demo_recording().only(["RUT"])
    day = rut.between(
        *(int(datetime(2024, 7, day, tzinfo=UTC).timestamp()) * NANOSECONDS_PER_SECOND for day in (11, 12))
    )
    reached = next(trade for trade in told(day) if trade.price / 2051.75 - 1 >= 0.03)
    bar = datetime(2024, 7, 11, 14, 30, tzinfo=UTC)
    assert (
        bar
        <= datetime.fromtimestamp(reached.ts_event_ns / NANOSECONDS_PER_SECOND, UTC)
        < bar + timedelta(minutes=5)
    )
    assert reached.price == 2115.37
    assert told(day)[-1].price / 2051.75 - 1 == pytest.approx(0.0357, abs=5e-5)
