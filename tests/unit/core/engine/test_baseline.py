"""core.engine.baseline: the warm start as records, session by session, exact to the last unit."""

from datetime import date
from decimal import Decimal
from importlib import resources

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.engine.baseline import baseline_records, to_units
from core.model.errors import HistoryError, UniverseError
from core.model.instruments import Universe, parse_universe
from core.model.records import NO_INSTRUMENT, TICK, TickKind, Update
from core.model.sessions import Calendar, build_calendar, session_day
from core.research.history import check_daily, parse_daily
from tests.support.shared_data import shared_data

HISTORY = 900
FILES = {
    "RUT": "RUT",
    "SPX": "GSPC",
    "SPY": "SPY",
    **{symbol: f"{symbol}_yahoo" for symbol in "QQQ AAPL AMZN META MSFT NVDA TSLA".split()},
}
DEMO = resources.files("core").joinpath("data/demo_universe.toml").read_text(encoding="utf-8")
MIXED = """
source = [{id = 1, name = "a"}]
pair = [{numerator = "BTC", benchmark = "SPX"}]
instrument = [
    {id = 1, symbol = "SPX", class = "index", calendar = "XNYS", source = "a"},
    {id = 0, symbol = "BTC", class = "crypto", calendar = "24/7", source = "a"},
]
"""


@pytest.fixture(scope="module")
def calendars() -> dict[str, Calendar]:
    return {
        "XNYS": build_calendar("XNYS", date(1990, 1, 1), date(2024, 12, 31)),
        "24/7": build_calendar("24/7", date(1990, 1, 1), date(2024, 12, 31)),
    }


@pytest.fixture(scope="module")
def demo() -> Universe:
    return parse_universe(DEMO)


@pytest.fixture(scope="module")
def frames(demo: Universe, calendars: dict[str, Calendar]) -> dict[int, pl.DataFrame]:
    read = {}
    for symbol, name in FILES.items():
        data = shared_data(f"daily/{name}.csv").read_bytes()
        checked = check_daily(parse_daily(data, name, format="csv"), calendars["XNYS"], name=name)
        read[demo.instrument(symbol).instrument_id] = checked.frame
    return read


@pytest.fixture(scope="module")
def records(
    frames: dict[int, pl.DataFrame], demo: Universe, calendars: dict[str, Calendar]
) -> NDArray[np.void]:
    return baseline_records(frames, demo, calendars, date(2024, 7, 5), HISTORY)


def small(closes: list[tuple[str, float]], **columns: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "date": [date.fromisoformat(day) for day, _ in closes],
            "close": [close for _, close in closes],
            **{name: pl.Series(values, dtype=pl.Float64) for name, values in columns.items()},
        }
    )


def rows_of(made: NDArray[np.void]) -> NDArray[np.void]:
    rows: NDArray[np.void] = made[made["instrument_id"] != NO_INSTRUMENT]
    return rows


def test_every_close_of_the_real_files_is_there(
    records: NDArray[np.void], frames: dict[int, pl.DataFrame]
) -> None:
    until = date(2024, 7, 5)
    expected = {number: frame.filter(pl.col("date") <= until) for number, frame in frames.items()}
    rows = rows_of(records)
    assert len(rows) == sum(frame.height for frame in expected.values())
    for number, frame in expected.items():
        prices = rows["price"][rows["instrument_id"] == number]
        exact = [int(Decimal(str(close)).scaleb(9)) for close in frame["close"].to_list()]
        assert prices.tolist() == exact


def test_the_last_session_before_the_demo(records: NDArray[np.void], demo: Universe) -> None:
    rows = rows_of(records)
    last = rows[rows["ts_event"] == rows["ts_event"][-1]]
    assert {demo.instrument(int(row["instrument_id"])).symbol for row in last} == set(FILES)
    assert last["price"][0] == 2_026_729_980_000
    assert str(last["ts_event"][0].astype("datetime64[ns]")) == "2024-07-05T20:00:00.000000000"


def test_each_session_ends_with_one_mark(records: NDArray[np.void]) -> None:
    marks = records["instrument_id"] == NO_INSTRUMENT
    assert marks.sum() == len(np.unique(records["ts_event"])) == 8_693
    ends = np.flatnonzero(marks)
    assert ends[-1] == len(records) - 1
    assert (records["ts_event"][ends] == records["ts_event"][ends - 1]).all()
    assert (records["trade_id"][ends] == records["trade_id"][ends - 1]).all()
    assert (np.diff(records["ts_event"][ends]) > 0).all()
    for field in ("price", "size", "update"):
        assert not records[field][ends].any()


def test_records_are_in_order_and_name_their_rows(records: NDArray[np.void]) -> None:
    rows = rows_of(records)
    assert rows["trade_id"].tolist() == list(range(len(rows)))
    order = np.lexsort((rows["instrument_id"], rows["ts_event"]))
    assert (order == np.arange(len(rows))).all()
    assert set(records["kind"]) == {TickKind.BASELINE}
    assert set(records["source"]) == {HISTORY}
    assert (records["ts_recv"] == records["ts_event"]).all()
    assert records.dtype == TICK


def test_half_days_are_stamped_at_their_own_close(records: NDArray[np.void]) -> None:
    stamps = records["ts_event"].astype("datetime64[ns]")
    on = stamps[(stamps >= np.datetime64("2024-07-03")) & (stamps < np.datetime64("2024-07-04"))]
    assert set(on.astype("datetime64[m]").astype(str)) == {"2024-07-03T17:00"}


def test_only_instruments_with_volume_carry_it(records: NDArray[np.void], demo: Universe) -> None:
    rows = rows_of(records)
    for symbol in FILES:
        of_symbol = rows[rows["instrument_id"] == demo.instrument(symbol).instrument_id]
        if demo.instrument(symbol).has_volume:
            assert set(of_symbol["update"]) == {Update.OFFICIAL | Update.LAST | Update.VOLUME}
            assert (of_symbol["size"] > 0).all()
        else:
            assert set(of_symbol["update"]) == {Update.OFFICIAL | Update.LAST}
            assert not of_symbol["size"].any()


def test_an_indexs_composite_volume_would_not_even_fit(frames: dict[int, pl.DataFrame]) -> None:
    """Guards against reading an index's volume: 11.5 billion composite shares overflow i8."""
    assert frames[1]["volume"].max() > 2**63 / 10**9  # type: ignore[operator]


def test_a_volume_that_does_not_fit_is_refused(demo: Universe, calendars: dict[str, Calendar]) -> None:
    frame = small([("2024-07-05", 1.0)], volume=[1e10])
    with pytest.raises(
        HistoryError,
        match=r"SPY volume 10,000,000,000 on 2024-07-05 does not fit size_exponent = -9 .*; -8 would fit",
    ):
        baseline_records({3: frame}, demo, calendars, date(2024, 7, 5), HISTORY)


def test_an_unknown_volume_has_no_flag(demo: Universe, calendars: dict[str, Calendar]) -> None:
    frame = small([("2024-07-03", 1.0), ("2024-07-05", 1.0)], volume=[None, 0.0])
    rows = rows_of(baseline_records({3: frame}, demo, calendars, date(2024, 7, 5), HISTORY))
    assert rows["update"].tolist() == [
        Update.OFFICIAL | Update.LAST,
        Update.OFFICIAL | Update.LAST | Update.VOLUME,
    ]


def test_until_is_included_and_nothing_after_it(demo: Universe, calendars: dict[str, Calendar]) -> None:
    frame = small([("2024-07-03", 1.0), ("2024-07-05", 2.0), ("2024-07-08", 3.0)])
    made = baseline_records({1: frame}, demo, calendars, date(2024, 7, 5), HISTORY)
    assert rows_of(made)["price"].tolist() == [1_000_000_000, 2_000_000_000]


def test_an_instrument_that_starts_later_is_absent_before(
    demo: Universe, calendars: dict[str, Calendar]
) -> None:
    made = baseline_records(
        {
            1: small([("2024-07-02", 1.0), ("2024-07-03", 1.0)]),
            2: small([("2024-07-03", 2.0)]),
        },
        demo,
        calendars,
        date(2024, 7, 5),
        HISTORY,
    )
    assert made["instrument_id"].tolist() == [1, NO_INSTRUMENT, 1, 2, NO_INSTRUMENT]
    assert made["trade_id"].tolist() == [0, 0, 1, 2, 2]


def test_two_calendars_share_a_date_and_its_one_mark(calendars: dict[str, Calendar]) -> None:
    made = baseline_records(
        {
            0: small([("2024-07-05", 10.0), ("2024-07-06", 11.0), ("2024-07-08", 12.0)]),
            1: small([("2024-07-05", 1.0), ("2024-07-08", 2.0)]),
        },
        parse_universe(MIXED),
        calendars,
        date(2024, 7, 8),
        HISTORY,
    )
    assert made["instrument_id"].tolist() == [1, 0, NO_INSTRUMENT, 0, NO_INSTRUMENT, 1, 0, NO_INSTRUMENT]
    assert (np.diff(made["ts_event"]) >= 0).all()
    midnights = (made["ts_event"][[2, 4, 7]] // (86_400 * 10**9)).tolist()
    assert midnights == [session_day(date(2024, 7, day)) for day in (6, 7, 9)]


def test_without_history_there_are_no_records(demo: Universe, calendars: dict[str, Calendar]) -> None:
    assert len(baseline_records({}, demo, calendars, date(2024, 7, 5), HISTORY)) == 0
    early = small([("2024-07-08", 1.0)])
    assert len(baseline_records({1: early}, demo, calendars, date(2024, 7, 5), HISTORY)) == 0


def test_a_stranger_is_refused(demo: Universe, calendars: dict[str, Calendar]) -> None:
    frame = small([("2024-07-05", 1.0)])
    with pytest.raises(UniverseError, match="no instrument 77"):
        baseline_records({77: frame}, demo, calendars, date(2024, 7, 5), HISTORY)
    with pytest.raises(HistoryError, match="RUT needs calendar 'XNYS'"):
        baseline_records({1: frame}, demo, {}, date(2024, 7, 5), HISTORY)


@pytest.mark.parametrize("day", ["2024-07-04", "1980-01-02", "2030-01-02"])
def test_a_close_without_a_session_is_refused(
    demo: Universe, calendars: dict[str, Calendar], day: str
) -> None:
    with pytest.raises(HistoryError, match=f"RUT has a close on {day}, which is not a session of XNYS"):
        baseline_records({1: small([(day, 1.0)])}, demo, calendars, date(2031, 1, 1), HISTORY)


@given(units=st.integers(0, 2_000_000 * 10**9))
def test_nine_decimals_come_out_exact(units: int) -> None:
    assert to_units(pl.Series([float(Decimal(units).scaleb(-9))]), "x").tolist() == [units]


def test_halves_go_to_even() -> None:
    assert to_units(pl.Series([2.0**-10, 3 * 2.0**-10]), "x").tolist() == [976_562, 2_929_688]


@pytest.mark.parametrize("figure", [-1.0, float("nan"), float("inf"), 1e10])
def test_what_does_not_fit_is_refused(figure: float) -> None:
    with pytest.raises(HistoryError, match=r"x .* does not fit the exponent = -9 \(0 to 9,223,372,036\)"):
        to_units(pl.Series([1.0, figure]), "x")
