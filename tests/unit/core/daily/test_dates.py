"""core.daily.dates: which day a stamp belongs to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from core.daily.date_forms import check_format
from core.daily.dates import Dates, read_dates
from core.daily.table import Column, Table
from core.model.errors import HistoryError

NEW_YORK = ZoneInfo("America/New_York")
JULY_11 = date(2024, 7, 11)


def dates(*texts: str, format: str | None = None, zone: ZoneInfo | None = NEW_YORK) -> Dates:
    return of_column(list(texts), format=format, zone=zone)


def of_column(column: Column, *, format: str | None = None, zone: ZoneInfo | None = NEW_YORK) -> Dates:
    return read_dates(Table("csv", {"date": column}, len(column)), "X", "date", format=format, zone=zone)


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-11",
        "2024/07/11",
        "2024-7-11",
        "20240711",
        "11-Jul-2024",
        "11 July 2024",
        "Jul 11, 2024",
        "2024-07-11 00:00:00",
        "2024-07-11T16:00",
        "2024-07-11 00:00:00-04:00",
        "2024-07-11T04:00:00Z",
        "2024-07-11T04:00:00.000Z",
        "2024-07-11 13:00:00+09:00",
        "2024-07-10 23:00:00-05:00",
        "2024-07-11 04:00:00 UTC",
        "2024-07-11 00:00:00 America/New_York",
        "2024-07-11T00:00:00.000Z",
        "1720713600",
        "1720713600000",
        "1720713600000000",
        "1720713600000000000",
        "1720656000",
        "07/11/2024 4:00 PM",
    ],
)
def test_one_day_in_many_forms(text: str) -> None:
    # The second row tells day from month where the form does not.
    second = "07/15/2024 4:00 PM" if text.startswith("07") else None
    read = dates(text, second) if second else dates(text)
    assert read.days[0] == JULY_11


def test_a_stamp_belongs_to_the_day_of_its_moment_in_the_calendars_zone() -> None:
    assert dates("2024-07-11 00:00:00+09:00").days.to_list() == [date(2024, 7, 10)]
    assert dates("2024-07-11 00:00:00+09:00", zone=ZoneInfo("Asia/Tokyo")).days.to_list() == [JULY_11]
    assert dates("2024-07-10 20:00:00-04:00", zone=ZoneInfo("UTC")).days.to_list() == [JULY_11]


def test_daylight_saving_changes_the_offset_and_not_the_day() -> None:
    read = dates("2024-11-01 00:00:00-04:00", "2024-11-04 00:00:00-05:00")
    assert read.days.to_list() == [date(2024, 11, 1), date(2024, 11, 4)]


def test_midnight_in_utc_is_a_date_only_where_every_row_has_it() -> None:
    every = dates("2024-07-11T00:00:00Z", "2024-07-12T00:00:00Z")
    assert every.days.to_list() == [JULY_11, date(2024, 7, 12)]
    assert [(finding.kind, finding.count) for finding in every.findings] == [("utc_midnight", 2)]
    some = dates("2024-07-11T00:00:00Z", "2024-07-12T04:00:00Z")
    assert some.days.to_list() == [date(2024, 7, 10), date(2024, 7, 12)]
    assert some.findings == ()


def test_an_unfinished_day_behind_midnights_in_utc_is_refused_and_moves_no_other_day() -> None:
    days = ["2024-07-09T00:00:00Z", "2024-07-10T00:00:00Z", "2024-07-11T15:30:00Z"]
    with pytest.raises(HistoryError, match="has a time of day, but other rows are at midnight UTC"):
        dates(*days)


def test_a_column_with_a_zone_is_read_as_its_text_would_be() -> None:
    evening = datetime(2024, 7, 10, 23)  # noqa: DTZ001
    chicago = pl.Series("date", [evening]).dt.replace_time_zone("America/Chicago")
    assert of_column(chicago).days.to_list() == [JULY_11]
    assert of_column(chicago, zone=None).days.to_list() == [JULY_11]
    noon = datetime(2024, 7, 11, 12)  # noqa: DTZ001
    read = of_column(pl.Series("date", [noon]))
    assert read.days.to_list() == [JULY_11]
    assert read.moments.to_list() == [datetime(2024, 7, 11, 16, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("texts", "day"),
    [(("07/13/2024", "07/14/2024"), date(2024, 7, 13)), (("13/07/2024", "14/07/2024"), date(2024, 7, 13))],
)
def test_day_and_month_are_told_apart_by_any_row(texts: tuple[str, ...], day: date) -> None:
    assert dates(*texts).days[0] == day
    assert dates("11.07.2024").days.to_list() == [JULY_11]


def test_a_format_says_what_the_texts_do_not() -> None:
    assert dates("11/07/2024", format="%d/%m/%Y").days.to_list() == [JULY_11]
    assert dates("07/11/24", format="%m/%d/%y").days.to_list() == [JULY_11]
    assert dates("2024-07-11T12:00:00Z", format="%Y-%m-%d").moments.to_list() == [None]
    with pytest.raises(HistoryError, match="may be day/month or month/day"):
        dates("11/07/2024")


@pytest.mark.parametrize("format", ["%Q", "%Y-%m", "", "%d/%m", "date"])
def test_a_format_without_a_date_is_refused(format: str) -> None:
    with pytest.raises(ValueError, match=f"{format}|unconverted|format"):
        check_format(format)
    with pytest.raises(HistoryError, match="is not a format with year, month and day"):
        dates("2024-07-11", format=format)


def test_two_times_a_day_are_not_daily_and_one_late_update_is_left_to_the_closes() -> None:
    with pytest.raises(HistoryError, match="data row 2: 2024-07-11 has rows at 09:30:00 and 10:30:00"):
        dates("2024-07-11 09:30", "2024-07-11 10:30", "2024-07-12 09:30", "2024-07-12 10:30")
    updated = dates("2024-07-10", "2024-07-11", "2024-07-11 16:00:01")
    assert updated.days.to_list() == [date(2024, 7, 10), JULY_11, JULY_11]
