"""core.daily.jumps: mistakes are dropped, moves that were traded are not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest

from core.daily.findings import CheckedHistory
from core.daily.jumps import _factor, without_jumps
from core.model.errors import HistoryError
from core.model.sessions import Calendar, build_calendar, day_to_date

CALENDAR: Calendar = build_calendar("XNYS", date(2024, 7, 1), date(2024, 8, 30))
DAYS = [day_to_date(session) for session in CALENDAR.session]


def frame(closes: Sequence[float], days: Sequence[date] = (), **columns: Sequence[float]) -> pl.DataFrame:
    dates = list(days or DAYS[: len(closes)])
    return pl.DataFrame({"date": dates, "close": closes, **columns})


def judged(daily: pl.DataFrame, *confirmed: date) -> CheckedHistory:
    return without_jumps(daily, CALENDAR, symbol="X", name="X (x.csv)", confirmed=confirmed)


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 10, 100, 1000])
@pytest.mark.parametrize("up", [True, False])
def test_a_day_in_another_unit_is_left_out_and_named(factor: int, up: bool) -> None:
    closes = [100.0, 101.0, 102.0 * (factor if up else 1 / factor), 103.0, 102.0, 101.0]
    checked = judged(frame(closes))
    assert checked.frame["date"].to_list() == [DAYS[0], DAYS[1], *DAYS[3:6]]
    (finding,) = checked.findings
    assert (finding.kind, finding.dates) == ("unit_glitch", (DAYS[2],))
    assert (f"about {factor} times" if up else f"about 1/{factor} of") in finding.message


def test_a_split_nobody_adjusted_for_ends_what_was_before() -> None:
    checked = judged(frame([400.0, 404.0, 408.0, 101.0, 102.0, 101.0, 103.0, 104.0]))
    assert checked.frame["date"].to_list() == DAYS[3:8]
    (finding,) = checked.findings
    assert (finding.kind, finding.dates) == ("scale_step", (DAYS[3],))
    assert "about 1/4 of" in finding.message
    assert f"--accept-jump X:{DAYS[3]}" in finding.message


def test_who_confirms_a_day_keeps_it() -> None:
    split = frame([400.0, 404.0, 408.0, 101.0, 102.0, 101.0, 103.0, 104.0])
    assert judged(split, DAYS[3]) == (split, [])
    glitch = frame([100.0, 101.0, 10_200.0, 103.0, 102.0, 101.0])
    assert judged(glitch, DAYS[2], DAYS[3]) == (glitch, [])


def test_a_confirmed_day_without_a_jump_is_told() -> None:
    (finding,) = judged(frame([100.0, 101.0]), DAYS[1]).findings
    assert (finding.kind, finding.dates) == ("no_such_jump", (DAYS[1],))


def test_in_the_last_rows_it_cannot_be_told_and_is_refused() -> None:
    with pytest.raises(
        HistoryError, match=r"X \(x.csv\): the close of .* is about 100 times the previous one"
    ):
        judged(frame([100.0, 101.0, 102.0, 101.0, 100.0, 10_000.0]))


@pytest.mark.parametrize("ratio", [0.74, 1.23, 1.36, 0.6, 1.6, 1.75, 2.4, 3.45])
def test_a_move_of_another_size_is_a_move(ratio: float) -> None:
    moved = frame([100.0, 101.0, *(101.0 * ratio * (1 + n / 100) for n in range(8))])
    assert judged(moved) == (moved, [])


def test_a_fall_by_half_that_was_traded_through_is_a_fall() -> None:
    closes = [100.0, 100.0, 50.0, 51.0, 52.0, 53.0, 54.0, 55.0]
    traded = frame(
        closes,
        high=[c + 1 for c in closes[:2]] + [99.0] + [c + 1 for c in closes[3:]],
        low=[c - 1 for c in closes],
    )
    assert judged(traded) == (traded, [])
    gapped = frame(closes, high=[c + 1 for c in closes], low=[c - 1 for c in closes])
    assert [finding.kind for finding in judged(gapped).findings] == ["scale_step"]


def test_after_a_long_gap_a_price_may_be_anywhere() -> None:
    far = frame([100.0, 100.0, 200.0, 200.0], [DAYS[0], DAYS[1], DAYS[20], DAYS[21]])
    assert judged(far) == (far, [])


def test_many_mistakes_are_one_finding() -> None:
    closes = [100.0 * (100 if n % 8 == 4 else 1) for n in range(40)]
    (finding,) = judged(frame(closes)).findings
    assert (finding.kind, finding.count) == ("unit_glitch", 5)
    assert len(str(finding)) <= 300


def test_a_factor_beyond_every_float_has_a_name_too() -> None:
    assert _factor(math.inf) == 10**18
