"""core.daily.reading: one file, whatever it is."""

from __future__ import annotations

import json
from datetime import date

import pytest

from core.daily.reading import DailyShape, read_daily, up_to_today
from core.model.errors import HistoryError

CLOSE = DailyShape()
BARS = [{"t": f"2024-07-{day}T04:00:00Z", "o": 1, "h": 3, "l": 1, "c": 2.5, "v": 9} for day in (11, 12)]
DAYS = [date(2024, 7, 11), date(2024, 7, 12)]


@pytest.mark.parametrize(
    "text",
    [
        "date,close\n2024-07-11,2.5\n2024-07-12,3\n",
        "\ufeffDate;Close\r\n2024-07-11;2,5\r\n2024-07-12;3,0\r\n",
        "date\tclose\n2024-07-11\t2.5\n2024-07-12\t3\n",
        "date|close\n2024-07-11|2.5\n2024-07-12|3\n",
        "# from somewhere\ndate,close\n\n2024-07-11,2.5\n\n2024-07-12,3\n,\n",
        "date,close\n2024-07-12,3\n2024-07-11,2.5\n",
        'date,close,note\n2024-07-11,2.5,"two\nlines"\n2024-07-12,3,\n',
        ",Close\n2024-07-11,2.5\n2024-07-12,3\n",
        "Price,Close\nTicker,X\nDate,\n2024-07-11,2.5\n2024-07-12,3\n",
        "Date,Close/Last\n07/11/2024,$2.5\n07/12/2024,$3\n07/15/2024,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_one_series_in_many_shapes(text: str, encoding: str) -> None:
    frame = read_daily(text.encode(encoding), "X", CLOSE).frame
    assert frame["date"].to_list()[:2] == DAYS
    assert frame["close"].to_list()[:2] == [2.5, 3.0]


@pytest.mark.parametrize(
    "document",
    [
        BARS,
        {"bars": BARS},
        {"bars": {"X": BARS}},
        {"bars": {"X": BARS, "Y": [{"t": "2024-07-11", "c": 9}]}, "next_page_token": None},
        {"results": BARS, "status": "OK"},
        {"t": ["2024-07-11", "2024-07-12"], "c": [2.5, 2.5], "o": [1, 1], "v": [9, 9]},
        {"Meta Data": {"2. Symbol": "X"}, "Time Series (Daily)": {
            "2024-07-11": {"1. open": "1", "4. close": "2.5", "5. volume": "9"},
            "2024-07-12": {"1. open": "1", "4. close": "2.5", "5. volume": "9"},
        }},
    ],
)  # fmt: skip
def test_bars_are_found_wherever_a_document_has_them(document: object) -> None:
    frame = read_daily(json.dumps(document).encode(), "X", DailyShape(symbol="X")).frame
    assert frame["date"].to_list() == DAYS
    assert frame["close"].to_list() == [2.5, 2.5]
    assert frame["volume"].to_list() == [9.0, 9.0]


def test_one_object_a_line() -> None:
    lines = "\n".join(json.dumps(bar) for bar in BARS)
    assert read_daily(lines.encode(), "X", CLOSE).frame.height == 2


def test_a_price_beside_its_range_is_the_close() -> None:
    text = b'"Date","Price","Open","High","Low","Vol."\n"07/15/2024","2,211.77","2","3","1","30.99M"\n'
    (row,) = read_daily(text, "X", CLOSE).frame.to_dicts()
    assert (row["close"], row["volume"]) == (2211.77, 30_990_000.0)


def test_a_named_date_column_goes_before_the_usual_names() -> None:
    text = b"date,when,close\n2024-07-01,2024-07-11,1\n"
    shape = DailyShape(date_column="When")
    assert read_daily(text, "X", shape).frame["date"].to_list() == [DAYS[0]]


def test_rows_after_today_are_left_out_and_told() -> None:
    daily = read_daily(b"date,close\n2024-07-11,1\n2024-07-12,2\n", "X", CLOSE)
    assert up_to_today(daily, DAYS[1], "X") is daily
    cut = up_to_today(daily, DAYS[0], "X")
    assert cut.frame["date"].to_list() == [DAYS[0]]
    assert [(finding.kind, finding.dates) for finding in cut.findings] == [("after_today", (DAYS[1],))]
    with pytest.raises(
        HistoryError, match="every row is dated after today, 2024-07-10; the first is of 2024-07-11"
    ):
        up_to_today(daily, date(2024, 7, 10), "X")
