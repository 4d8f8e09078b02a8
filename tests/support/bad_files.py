"""Daily files that are unusable, or only partly usable, with the expected message."""

from __future__ import annotations

import gzip
from datetime import date

import polars as pl

from tests.support.bad_figures import FIGURES, JUMPS
from tests.support.bad_file import (
    CLOSES,
    DAYS,
    GOOD,
    GOOD_PARQUET,
    STAMPS,
    BadFile,
    bars,
    document,
    lines,
    parquet,
    plain,
)

NOT_A_TABLE = (
    BadFile("empty.csv", b"", "it is empty"),
    BadFile("blank.csv", b"\n \n\t\n", "it is empty"),
    BadFile("comments.csv", b"# one\n# two\n", "contains no rows"),
    BadFile("header.csv", b"date,close\n", "has a header but no rows"),
    BadFile("header_bom.csv", b"\xef\xbb\xbfdate,close\n", "has a header but no rows"),
    BadFile("blank_rows.csv", b"date,close\n,\n,\n", "has a header but no rows"),
    BadFile("nul.csv", GOOD.replace(b"102.5", b"10\x002.5"), "line 6 contains the byte 0x00"),
    BadFile("binary.csv", bytes(range(256)) * 4, "which is not text"),
    BadFile("bell.csv", GOOD + b"\x07", "contains the byte 0x07"),
    BadFile("packed.csv", gzip.compress(GOOD), "it is a gzip archive; unpack it first"),
    BadFile("RUT.csv.gz", gzip.compress(GOOD), "it is a gzip archive"),
    BadFile("book.xlsx", b"PK\x03\x04" + bytes(60), "an Excel workbook"),
    BadFile("old.xls", b"\xd0\xcf\x11\xe0" + bytes(60), "an old Excel workbook"),
    BadFile("zip.csv", b"PK\x03\x04stuff", "ZIP archive"),
    BadFile("bz.csv", b"BZh91AY", "a bzip2 archive"),
    BadFile("xz.csv", b"\xfd7zXZ\x00", "an xz archive"),
    BadFile("zstd.csv", b"\x28\xb5\x2f\xfd\x00", "a zstd archive"),
    BadFile("doc.csv", b"%PDF-1.7", "a PDF document"),
    BadFile("arrow.csv", b"ARROW1\x00\x00", "an Arrow file"),
    BadFile("lite.csv", b"SQLite format 3\x00", "an SQLite database"),
    BadFile("page.csv", b"<!DOCTYPE html><html>rate limited</html>", "a web page"),
    BadFile("page2.csv", b"\n<html><body>login</body></html>", "a web page"),
    BadFile("feed.csv", b"<?xml version='1.0'?><x/>", "web page or XML"),
    BadFile("words.csv", b"Too many requests. Slow down.\n", "has a header but no rows"),
    BadFile("utf16_cut.csv", "date,close\n2024-07-01,1\n".encode("utf-16")[:-1], "corrupt at byte"),
    BadFile("headless.csv", GOOD.split(b"\n", 1)[1], "has no header: line 1 begins with"),
    BadFile("headless_us.csv", b"07/01/2024,100\n07/02/2024,101\n", "has no header"),
    BadFile("quote.csv", plain(replaced={3: '2024-07-05,"101'}), "quotation mark that is unclosed"),
    BadFile("quote_in.csv", plain(replaced={3: '2024-07-05,"10"1'}), "line 5 has a quotation mark"),
    BadFile("wide_row.csv", plain(replaced={4: "2024-07-08,1,025.5"}), "data row 5 (line 6) has 3 fields"),
    BadFile("huge_field.csv", plain(replaced={4: "2024-07-08," + "9" * 140_000}), "field that is too long"),
    BadFile(
        "tickers.csv",
        b"Price,Close,Close\nTicker,IWM,SPY\nDate,,\n2024-07-01,1,2\n",
        "contains 2 tickers (IWM, SPY) in stacked columns; download one ticker",
    ),
    BadFile("ragged_short.csv", plain(replaced={4: "2024-07-08"}), "1 × blank_close", works=True),
    BadFile("preamble.csv", b"Data of today\n\n" + GOOD, "1 before the header in line 3", works=True),
    BadFile(
        "latin.csv",
        plain(header="date,close,B\xf6rse").replace(b"\xc3\xb6", b"\xf6"),
        "read as Latin-1",
        works=True,
    ),
)

COLUMNS = (
    BadFile("no_date.csv", plain(header="day,close"), "has no column 'date'"),
    BadFile("no_date_hint.csv", plain(header="dates,close"), "did you mean 'dates'?"),
    BadFile("no_close.csv", plain(header="date,value"), "has no column 'close'; known: date, value"),
    BadFile("one_column.csv", b"date\n2024-07-01\n", "has no column 'close'; known: date"),
    BadFile("spaces.csv", b"date close\n2024-07-01 1\n", "has no column 'date'"),
    BadFile("two_closes.csv", b"date,close,Close\n2024-07-01,1,2\n", "column 'close' is duplicated"),
    BadFile("two_dates.csv", b"Date,date,close\n2024-07-01,2024-07-02,1\n", "column 'date' is duplicated"),
    BadFile("wrong_column.csv", GOOD, "has no column 'adjclose'; did you mean 'close'?", column="adjclose"),
    BadFile("no_such_date.csv", GOOD, "has no column 'when'", options=("--date-column", "when")),
    BadFile("price_alone.csv", plain(header="date,price"), "has no column 'close'; known: date, price"),
    BadFile("many.csv", lines("x" * 9, header=",".join(f"column_number_{n:03}" for n in range(200))), "more"),
    BadFile("long_name.csv", plain(header="z" * 5000 + ",close"), "has no column 'date'"),
    BadFile(("n" * 200) + ".csv", b"", "it is empty"),
    BadFile("date_is_close.csv", plain(), "'2024-07-01' is not a number", column="date"),
)

DATES = (
    BadFile(
        "feb30.csv", lines("2024-02-28,1", "2024-02-30,1"), "data row 2, column 'date': '2024-02-30' is not"
    ),
    BadFile("month13.csv", plain(replaced={2: "2024-13-03,102"}), "data row 3, column 'date'"),
    BadFile(
        "year1.csv",
        plain(replaced={0: "0001-07-01,100"}),
        "data row 1, column 'date': '0001-07-01' is before",
    ),
    BadFile("year0.csv", plain(replaced={0: "0000-07-01,100"}), "data row 1"),
    BadFile("year1799.csv", plain(replaced={0: "1799-07-01,100"}), "is before the year 1800"),
    BadFile("year9999.csv", plain(extra=("9999-12-31,105",)), "1 × after_today", works=True),
    BadFile("year2999.csv", lines("2999-01-04,1", "2999-01-05,1"), "every row is dated after today"),
    BadFile("all_9999.csv", lines("9999-12-31,1"), "every row is dated after today"),
    BadFile("words_date.csv", plain(replaced={6: "yesterday,1"}), "data row 7, column 'date': 'yesterday'"),
    BadFile("blank_date.csv", plain(replaced={6: ",1"}), "data row 7, column 'date': ''"),
    BadFile("total.csv", plain(extra=("Total,1000",)), "data row 11, column 'date': 'Total'"),
    BadFile("footer.csv", GOOD + b"\nSource: somebody,\n", "'Source: somebody' is not a date"),
    BadFile("header_again.csv", GOOD + GOOD, "data row 11, column 'date': 'date' is not a date"),
    BadFile("mixed.csv", plain(replaced={5: "07/09/2024,103"}), "data row 6, column 'date': '07/09/2024'"),
    BadFile(
        "mixed_compact.csv", plain(replaced={5: "20240709,103"}), "data row 6, column 'date': '20240709'"
    ),
    BadFile("ambiguous.csv", lines("01/07/2024,1", "02/07/2024,1"), "may be day/month or month/day"),
    BadFile("ambiguous_dash.csv", lines("01-07-2024,1", "02-07-2024,1"), "specify it with --date-format"),
    BadFile(
        "both_orders.csv", lines("07/13/2024,1", "14/07/2024,1"), "data row 2, column 'date': '14/07/2024'"
    ),
    BadFile("short_year.csv", lines("01/07/24,1"), "is not a date like"),
    BadFile("serial.csv", lines("45474,1", "45475,1"), "'45474' is not a date"),
    BadFile("epoch_and_text.csv", lines("1719835200,1", "2024-07-02,1"), "data row 2"),
    BadFile(
        "unsorted.csv", plain(replaced={3: "2024-07-01,101"}), "data row 4: 2024-07-01 follows 2024-07-03"
    ),
    BadFile("twice.csv", plain(replaced={3: "2024-07-03,101"}), "more than one close for 2024-07-03"),
    BadFile("twice_same.csv", plain(replaced={3: "2024-07-03,102.0"}), "1 × repeated_row", works=True),
    BadFile(
        "not_the_format.csv", GOOD, "is not a date like '11/07/2024'", options=("--date-format", "%d/%m/%Y")
    ),
    BadFile("format_of_one.csv", GOOD, "is not a date like", options=("--date-format", "SYM:%Y%m%d")),
    BadFile(
        "no_format.csv", GOOD, "is not a format with year, month and day", options=("--date-format", "%Q")
    ),
    BadFile("half_format.csv", GOOD, "is not a format with year", options=("--date-format", "%Y-%m")),
    BadFile(
        "weekend.csv",
        lines("2024-07-06,1", "2024-07-07,1"),
        "has no session from 2024-07-06 to 2024-07-07|no row with a close on a session",
    ),
    BadFile(
        "closed_only.csv",
        lines("2024-07-04,1"),
        "has no session from 2024-07-04|no row with a close on a session",
    ),
    BadFile("weekend_first.csv", plain(replaced={0: "2024-06-30,100"}), "1 × no_session", works=True),
)

ZONES = (
    BadFile(
        "zone_then_none.csv", lines("2024-07-01 00:00:00-04:00,1", "2024-07-02 00:00:00,1"), "data row 2"
    ),
    BadFile(
        "none_then_zone.csv", lines("2024-07-01,1", "2024-07-02T00:00:00Z,1"), "data row 2, column 'date'"
    ),
    BadFile("no_zone.csv", lines("2024-07-01 00:00:00 Mars/Base,1"), "is not a date like 2024-07-11"),
    BadFile("offset.csv", lines("2024-07-01 00:00:00+99:00,1"), "data row 1"),
    BadFile("hour25.csv", lines("2024-07-01 25:00:00,1"), "data row 1, column 'date'"),
    BadFile(
        "noon.csv", lines("2024-07-01 12:00:00-04:00,1", "2024-07-02 12:00:00-04:00,1"), "inside a session"
    ),
    BadFile("noon_plain.csv", lines("2024-07-01 12:00:00,1", "2024-07-02 12:00:00,1"), "use only the dates"),
    BadFile(
        "minutes.csv",
        lines("2024-07-01 09:30,1", "2024-07-01 09:31,1", "2024-07-02 09:30,1", "2024-07-02 09:31,1"),
        "data row 2: 2024-07-01 has rows at 09:30:00 and 09:31:00, so the file is not daily",
    ),
    BadFile(
        "utc.csv",
        lines(*(f"{d}T00:00:00Z,{c}" for d, c in zip(DAYS, CLOSES, strict=True))),
        "10 × utc_midnight",
        works=True,
    ),
)

JSON = (
    BadFile("cut.json", document(bars(*CLOSES))[:-20], "is corrupt or the file is truncated"),
    BadFile("open.json", b"{", "is not a readable json file"),
    BadFile("empty_list.json", b"[]", "JSON without a list of bars"),
    BadFile("empty_object.json", b"{}", "JSON without a list of bars"),
    BadFile("numbers.json", b"[1, 2, 3]", "JSON without a list of bars"),
    BadFile("error.json", document({"Error Message": "Invalid API call"}), "JSON without a list of bars"),
    BadFile("deep.json", b"[" * 100_000, "not a readable json file|too many nesting levels"),
    BadFile("null.json", document({"bars": None}), "JSON without a list of bars"),
    BadFile("lists.json", document({"bars": {"P": bars(1), "Q": bars(2)}}), "several lists of bars (P, Q)"),
    BadFile("no_close.json", document([{"date": "2024-07-01", "value": 1}]), "has no column 'close'"),
    BadFile("text.json", document(bars(100, "abc")), "data row 2, column 'close': 'abc' is not a number"),
    BadFile("object.json", document(bars(100, {"raw": 1})), "data row 2, column 'close'"),
    BadFile("infinity.json", b'[{"date": "2024-07-01", "close": Infinity}]', "is infinite"),
    BadFile(
        "nan.json",
        document(bars(100, float("nan"), 101, 101, 101, 101, 101, 101)),
        "1 × blank_close",
        works=True,
    ),
    BadFile(
        "date.json", document([{"date": 20, "close": 1}]), "data row 1, column 'date': '20' is not a date"
    ),
)

PARQUET = (
    BadFile(
        "text.parquet",
        b"date,close\n",
        "is not a readable parquet file|has a header but no rows",
        form="parquet",
    ),
    BadFile("empty.parquet", b"", "is not a readable parquet file|it is empty", form="parquet"),
    BadFile("cut.parquet", GOOD_PARQUET[:-30], "it is corrupt or has another format", form="parquet"),
    BadFile("cut_half.parquet", GOOD_PARQUET[: len(GOOD_PARQUET) // 2], "it is corrupt", form="parquet"),
    BadFile("head.parquet", b"PAR1", "it is corrupt", form="parquet"),
    BadFile(
        "spoilt.parquet", GOOD_PARQUET[:60] + bytes(40) + GOOD_PARQUET[100:], "it is corrupt", form="parquet"
    ),
    BadFile(
        "no_rows.parquet",
        parquet(date=pl.Series([], dtype=pl.Date), close=[]),
        "has a header but no rows",
        form="parquet",
    ),
    BadFile("no_date.parquet", parquet(day=DAYS, close=CLOSES), "has no column 'date'", form="parquet"),
    BadFile("no_close.parquet", parquet(date=DAYS, value=CLOSES), "has no column 'close'", form="parquet"),
    BadFile(
        "list.parquet", parquet(date=DAYS[:1], close=[[1.0]]), "data row 1, column 'close'", form="parquet"
    ),
    BadFile("bool.parquet", parquet(date=DAYS[:1], close=[True]), "'True' is not a number", form="parquet"),
    BadFile(
        "date_close.parquet",
        parquet(date=DAYS[:1], close=DAYS[:1]),
        "is a date, not a number",
        form="parquet",
    ),
    BadFile(
        "null_date.parquet",
        parquet(date=[DAYS[0], None], close=[1.0, 1.0]),
        "data row 2, column 'date'",
        form="parquet",
    ),
    BadFile(
        "year1.parquet",
        parquet(date=[date(1, 1, 1)], close=[1.0]),
        "is before the year 1800",
        form="parquet",
    ),
    BadFile("noon.parquet", parquet(date=STAMPS, close=CLOSES), "inside a session of XNYS", form="parquet"),
    BadFile(
        "inf.parquet",
        parquet(date=DAYS[:1], close=[float("inf")]),
        "data row 1, column 'close': 'inf'",
        form="parquet",
    ),
    BadFile("as_csv.csv", GOOD_PARQUET, "is a Parquet file, not text", form="csv only"),
)

BAD_FILES = NOT_A_TABLE + COLUMNS + DATES + ZONES + FIGURES + JUMPS + JSON + PARQUET
