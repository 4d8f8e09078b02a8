"""core.research.history: real files are read whole, and every defect is either refused or told."""

import io
from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.errors import HistoryError
from core.model.sessions import Calendar, build_calendar, day_to_date
from core.research.alignment import align
from core.research.history import CheckedHistory, Finding, check_daily, parse_daily
from tests.support.shared_data import shared_data


@pytest.fixture(scope="module")
def xnys() -> Calendar:
    return build_calendar("XNYS", date(1990, 1, 1), date(2024, 12, 31))


@pytest.fixture(scope="module")
def week() -> Calendar:
    """2024-07-01 to 07-12; 07-04, 07-06 and 07-07 have no session."""
    return build_calendar("XNYS", date(2024, 7, 1), date(2024, 7, 12))


def daily_file(name: str) -> pl.DataFrame:
    return parse_daily(shared_data(f"daily/{name}.csv").read_bytes(), name, format="csv")


def csv(*rows: str, header: str = "date,close") -> bytes:
    return "\n".join((header, *rows, "")).encode()


def frame(*rows: tuple[str, float | None], **columns: Sequence[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "date": [date.fromisoformat(day) for day, _ in rows],
            "close": pl.Series([close for _, close in rows], dtype=pl.Float64),
            **{name: pl.Series(values, dtype=pl.Float64) for name, values in columns.items()},
        }
    )


def kinds(checked: CheckedHistory) -> dict[str, int]:
    return {finding.kind: finding.count for finding in checked.findings}


@pytest.mark.parametrize(
    ("name", "rows", "first"),
    [
        ("RUT", 8_711, date(1990, 1, 2)),
        ("GSPC", 8_711, date(1990, 1, 2)),
        ("SPY", 7_932, date(1993, 1, 29)),
        ("IWM", 6_082, date(2000, 5, 26)),
        *(
            (f"{symbol}_yahoo", 2_410, date(2015, 1, 2))
            for symbol in ("QQQ", "AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA")
        ),
    ],
)
def test_real_files_have_every_session_and_no_other(
    xnys: Calendar, name: str, rows: int, first: date
) -> None:
    checked = check_daily(daily_file(name), xnys, name=name)
    assert checked.findings == []
    assert checked.frame.height == rows
    assert (checked.frame["date"][0], checked.frame["date"][-1]) == (first, date(2024, 7, 31))
    sessions = [day_to_date(session) for session in xnys.session]
    assert checked.frame["date"].to_list() == [day for day in sessions if first <= day <= date(2024, 7, 31)]


def test_the_day_that_started_it(xnys: Calendar) -> None:
    wide = align({name: check_daily(daily_file(name), xnys).frame for name in ("RUT", "GSPC")})
    moves = wide.with_columns(pl.col("RUT", "GSPC").pct_change() * 100)
    day = moves.filter(pl.col("date") == date(2024, 7, 11)).row(0)
    assert day[1:] == pytest.approx((3.57, -0.88), abs=0.005)
    opposite = moves.filter((pl.col("RUT") >= 3) & (pl.col("GSPC") < 0))["date"].to_list()
    assert opposite == [date(2008, 10, 10), date(2024, 7, 11)]


def test_the_bond_markets_holidays_are_told(xnys: Calendar) -> None:
    data = shared_data("rates/FRED_DGS.csv").read_bytes()
    checked = check_daily(parse_daily(data, "DGS10", format="csv", column="DGS10"), xnys)
    assert kinds(checked) == {"no_session": 12, "missing_session": 71}
    open_days, closed_days = checked.findings
    assert date(2001, 9, 13) in open_days.dates
    assert date(1990, 10, 8) in closed_days.dates
    assert checked.frame.height == 8_652 - 12


def test_a_young_listing_in_a_wide_file_is_blank_before_it(xnys: Calendar) -> None:
    data = shared_data("adjclose/adjclose_wide.csv").read_bytes()
    checked = check_daily(parse_daily(data, "MAGS", format="csv", column="MAGS"), xnys)
    assert kinds(checked) == {"blank_close": 3_339}
    assert checked.frame.columns == ["date", "close"]
    assert checked.frame.height == 329
    assert checked.frame["date"][0] == date(2023, 4, 11)


def test_header_case_blanks_and_other_columns_do_not_matter() -> None:
    data = csv("2024-07-11, 1.5 ,x,", header=" Date ,CLOSE,Note,Volume")
    assert parse_daily(data, "X", format="csv").to_dicts() == [
        {"date": date(2024, 7, 11), "close": 1.5, "volume": None}
    ]


@pytest.mark.parametrize("blank", ["", "NaN", "nan", "null", "N/A", "-", "  "])
def test_blanks_are_null(blank: str) -> None:
    read = parse_daily(csv(f"2024-07-11,{blank}", "2024-07-12,2"), "X", format="csv")
    assert read["close"].to_list() == [None, 2.0]


@pytest.mark.parametrize(
    "text", ["2024-07-11", "2024-07-11T00:00:00Z", "2024-07-11 00:00:00-04:00", " 2024-07-11"]
)
def test_a_time_of_day_behind_the_date_is_dropped(text: str) -> None:
    assert parse_daily(csv(f"{text},1"), "X", format="csv")["date"].to_list() == [date(2024, 7, 11)]


def test_another_close_column_leaves_the_other_scale_out() -> None:
    data = csv("2024-07-11,1,2,0.5,1.5,10,1.4", header="date,open,high,low,close,volume,adjclose")
    read = parse_daily(data, "X", format="csv", column="adjclose")
    assert read.to_dicts() == [{"date": date(2024, 7, 11), "close": 1.4, "volume": 10.0}]


@pytest.mark.parametrize(
    "dtype", [pl.Date, pl.Datetime("us"), pl.Datetime("ns", "America/New_York"), pl.String]
)
def test_parquet_reads_as_csv_does(dtype: pl.DataType) -> None:
    day = pl.Series("Date", [date(2024, 7, 11)])
    column = (
        day.cast(pl.Datetime("ns")).dt.replace_time_zone("America/New_York")
        if isinstance(dtype, pl.Datetime) and dtype.time_zone
        else day.cast(dtype)
    )
    buffer = io.BytesIO()
    pl.DataFrame({"Date": column, "Close": [2125.04], "volume": [7]}).write_parquet(buffer)
    assert parse_daily(buffer.getvalue(), "X", format="parquet").to_dicts() == [
        {"date": date(2024, 7, 11), "close": 2125.04, "volume": 7.0}
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "X is not a readable csv file"),
        (b"date,close\n", "X has a header but no rows"),
        (csv("2024-07-11,1", header="date,price"), "X has no column 'close'; known: date, price"),
        (csv("2024-07-11,1", header="date,closing"), "X has no column 'close'; did you mean 'closing'?"),
        (csv("2024-07-11,1", header="day,close"), "X has no column 'date'"),
        (
            csv("2024-07-11,1", "2024-07-12,abc"),
            "X, data row 2, column 'close': 'abc' is not a number",
        ),
        (csv("2024-07-11,1", "11/07/2024,1"), "X, data row 2, column 'date': '11/07/2024' is not a date"),
        (csv("2024-02-30,1"), "'2024-02-30' is not a date like 2024-07-11"),
        (csv(",1"), "data row 1, column 'date'"),
        (csv("2024-07-11,inf"), "X, data row 1, column 'close': 'inf' is infinite"),
        (csv("a,1", "b,2", "c,3"), "(and 2 more)"),
        (csv("2024-07-11,1,2", header="date,close,Close"), "X is not a readable csv file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_row(data: bytes, message: str) -> None:
    with pytest.raises(HistoryError) as error:
        parse_daily(data, "X", format="csv")
    assert message in error.value.message


@pytest.mark.parametrize(
    ("column", "values"), [("date", [[1]]), ("close", [[1.0]]), ("close", [{"a": 1}]), ("close", [True])]
)
def test_parquet_columns_of_another_kind_are_refused(column: str, values: list[object]) -> None:
    buffer = io.BytesIO()
    made = pl.DataFrame({"date": [date(2024, 7, 11)], "close": [1.0]})
    made.with_columns(pl.Series(column, values)).write_parquet(buffer)
    with pytest.raises(HistoryError, match=r"^X"):
        parse_daily(buffer.getvalue(), "X", format="parquet")


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert parse_daily(b"\xef\xbb\xbf" + csv("2024-07-11,1"), "X", format="csv").height == 1


def test_junk_is_no_parquet_file() -> None:
    with pytest.raises(HistoryError, match="X is not a readable parquet file"):
        parse_daily(b"date,close\n", "X", format="parquet")


@given(junk=st.binary(max_size=200))
def test_junk_is_refused_or_read_and_never_crashes(junk: bytes) -> None:
    try:
        read = parse_daily(b"date,close\n" + junk, "X", format="csv")
    except HistoryError:
        return
    assert read.columns == ["date", "close"]
    assert read["date"].null_count() == 0


def test_descending_dates_are_refused(week: Calendar) -> None:
    newest_first = frame(("2024-07-03", 3.0), ("2024-07-02", 2.0), ("2024-07-01", 1.0))
    with pytest.raises(HistoryError, match="X runs from 2024-07-03 back to 2024-07-01: dates must") as error:
        check_daily(newest_first, week, name="X")
    assert error.value.operator_action == "sort the file by date, oldest first"


def test_unsorted_dates_are_refused_with_their_row(week: Calendar) -> None:
    unsorted = frame(("2024-07-01", 1.0), ("2024-07-03", 3.0), ("2024-07-02", 2.0))
    with pytest.raises(HistoryError, match="X, data row 3: 2024-07-02 follows 2024-07-03"):
        check_daily(unsorted, week, name="X")


def test_one_date_with_two_closes_is_refused(week: Calendar) -> None:
    with pytest.raises(HistoryError, match="X has more than one close for 2024-07-02"):
        check_daily(frame(("2024-07-02", 1.0), ("2024-07-02", 1.5)), week, name="X")


def test_the_same_row_twice_is_told(week: Calendar) -> None:
    checked = check_daily(frame(("2024-07-02", 1.0), ("2024-07-02", 1.0), ("2024-07-03", 2.0)), week)
    assert kinds(checked) == {"repeated_row": 1}
    assert checked.frame["close"].to_list() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("close", "kind"),
    [(None, "blank_close"), (0.0, "close_not_positive"), (-1.0, "close_not_positive")],
)
def test_a_bad_close_is_left_out_and_is_a_gap(week: Calendar, close: float | None, kind: str) -> None:
    checked = check_daily(frame(("2024-07-01", 1.0), ("2024-07-02", close), ("2024-07-03", 3.0)), week)
    assert kinds(checked) == {kind: 1, "missing_session": 1}
    assert checked.findings[0].dates == checked.findings[1].dates == (date(2024, 7, 2),)
    assert checked.frame["date"].to_list() == [date(2024, 7, 1), date(2024, 7, 3)]


def test_gaps_are_listed_and_kept(week: Calendar) -> None:
    checked = check_daily(frame(("2024-07-01", 1.0), ("2024-07-09", 2.0)), week)
    assert checked.findings == [
        Finding(
            "missing_session",
            (date(2024, 7, 2), date(2024, 7, 3), date(2024, 7, 5), date(2024, 7, 8)),
            "XNYS was open, the file has no usable row; left as a gap",
        )
    ]
    assert checked.frame.height == 2


def test_a_day_without_a_session_is_left_out_and_told(week: Calendar) -> None:
    checked = check_daily(frame(("2024-07-03", 1.0), ("2024-07-04", 1.0), ("2024-07-05", 2.0)), week)
    assert kinds(checked) == {"no_session": 1}
    assert checked.frame["date"].to_list() == [date(2024, 7, 3), date(2024, 7, 5)]


def test_zero_opens_make_the_open_unknown_and_nothing_else(week: Calendar) -> None:
    checked = check_daily(frame(("2024-07-02", 1.0), ("2024-07-03", 2.0), open=[0.0, 1.5]), week)
    assert kinds(checked) == {"open_unknown": 1}
    assert checked.frame.to_dicts() == [
        {"date": date(2024, 7, 2), "close": 1.0, "open": None},
        {"date": date(2024, 7, 3), "close": 2.0, "open": 1.5},
    ]


@pytest.mark.parametrize(("high", "low"), [(0.9, 0.5), (2.0, 1.1), (2.0, 0.0)])
def test_a_close_outside_its_range_makes_the_range_unknown(week: Calendar, high: float, low: float) -> None:
    checked = check_daily(frame(("2024-07-02", 1.0), high=[high], low=[low]), week)
    assert kinds(checked) == {"range_unknown": 1}
    assert checked.frame.row(0)[1:] == (1.0, None, None)


def test_a_negative_volume_is_unknown(week: Calendar) -> None:
    checked = check_daily(frame(("2024-07-02", 1.0), ("2024-07-03", 1.0), volume=[-1.0, 0.0]), week)
    assert kinds(checked) == {"volume_unknown": 1}
    assert checked.frame["volume"].to_list() == [None, 0.0]


def test_unknown_figures_are_no_finding_twice(week: Calendar) -> None:
    again = check_daily(frame(("2024-07-02", 1.0), open=[None], high=[None], low=[0.5], volume=[None]), week)
    assert again.findings == []


@pytest.mark.parametrize("day", ["2024-06-28", "2024-07-15"])
def test_the_calendar_must_cover_the_history(week: Calendar, day: str) -> None:
    rows = sorted([("2024-07-02", 1.0), (day, 1.0)])
    with pytest.raises(HistoryError, match="calendar XNYS from 2024-07-01 to 2024-07-12"):
        check_daily(frame(*rows), week)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (frame(), "X has no rows"),
        (frame(("2024-07-02", None)), "X has no row with a close on a session of XNYS"),
        (frame(("2024-07-04", 1.0)), "X has no row with a close on a session of XNYS"),
        (
            pl.DataFrame({"date": pl.Series([None], dtype=pl.Date), "close": [1.0]}),
            "X, data row 1 has no date",
        ),
    ],
)
def test_a_history_without_closes_is_refused(week: Calendar, made: pl.DataFrame, message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        check_daily(made, week, name="X")


@given(
    rows=st.lists(
        st.tuples(
            st.dates(date(2024, 7, 1), date(2024, 7, 12)), st.sampled_from([None, -1.0, 0.0, 1.0, 2.0])
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[0],
    )
)
def test_every_row_is_kept_or_told(week: Calendar, rows: list[tuple[date, float | None]]) -> None:
    ordered = sorted(rows, key=lambda row: row[0])
    made = frame(*((day.isoformat(), close) for day, close in ordered))
    try:
        checked = check_daily(made, week)
    except HistoryError:
        assert not any(
            close is not None and close > 0 and week.index_at(noon(day)) >= 0 for day, close in ordered
        )
        return
    told = {
        day
        for finding in checked.findings
        if finding.kind in {"blank_close", "close_not_positive", "no_session"}
        for day in finding.dates
    }
    kept = set(checked.frame["date"].to_list())
    assert kept.isdisjoint(told)
    assert kept | told == {day for day, _ in ordered}
    gaps = {day for finding in checked.findings if finding.kind == "missing_session" for day in finding.dates}
    span = [min(kept) + timedelta(days=n) for n in range((max(kept) - min(kept)).days + 1)]
    assert gaps | kept == {day for day in span if week.index_at(noon(day)) >= 0}


def noon(day: date) -> int:
    """An instant inside every regular and half session of New York."""
    return ((day - date(1970, 1, 1)).days * 24 + 16) * 3_600 * 1_000_000_000


def test_a_finding_says_how_often_and_when() -> None:
    days = tuple(date(2024, 7, day) for day in range(1, 8))
    text = str(Finding("missing_session", days, "left as a gap"))
    assert text == (
        "7 × missing_session: left as a gap "
        "(2024-07-01, 2024-07-02, 2024-07-03, 2024-07-04, 2024-07-05, … 2 more)"
    )


def test_the_two_share_classes_of_alphabet_are_two_instruments(xnys: Calendar) -> None:
    """Guards against GOOGL's daily closes standing in for GOOG's: they differ by a per cent."""
    daily = check_daily(daily_file("GOOGL_yahoo"), xnys).frame
    close = daily.filter(pl.col("date") == date(2024, 7, 11))["close"][0]
    bars = pl.read_csv(shared_data("intraday/fixture_5m_2024-07-08_2024-07-17.csv"))
    last = bars.filter((pl.col("symbol") == "GOOG") & (pl.col("date") == "2024-07-11T19:55:00Z"))["close"][0]
    assert abs(last / close - 1) > 0.005
