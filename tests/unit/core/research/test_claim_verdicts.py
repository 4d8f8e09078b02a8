"""core.research.claim_verdicts: what becomes of each form of claim, with its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest
from msgspec import structs
from numpy.typing import NDArray

from core.model.sessions import day_to_date, session_day
from core.research.base_rate_rows import BaseRate
from core.research.claim_figures import Figure
from core.research.claim_members import MemberVolumes
from core.research.claim_verdicts import ClaimFinding, judge
from core.research.claims import Verdict, parse_claims
from core.research.value_history import PairHistory
from tests.support.pair_history import pair_history

HEAD = '[[claim]]\nrow = 1\nsays = "It is so."\npair = "A/B"\n'
NAN = math.nan
PAST = pair_history(
    **{
        "beta:63d": [0.5, 1.5, NAN, 2.0],
        "ratio_line:1d": [0.0, 100.0, NAN, 105.0],
        "ratio_highest_since": [0.0, 0.0, NAN, float(session_day(date(2024, 5, 17)))],
    }
)
"""2024-07-01 to 07-04; the third day has no values."""


@dataclass(frozen=True)
class Given:
    """Evidence as a test gives it, of every pair and definition alike."""

    past: PairHistory
    opened: Sequence[int] = ()
    rate: BaseRate | None = None
    gap: str | None = None
    volumes: MemberVolumes | None = None

    def calendar_sessions(self) -> NDArray[np.int64]:
        first, last = int(self.past.sessions[0]), int(self.past.sessions[-1])
        days = np.arange(first, last + 5, dtype=np.int64)
        weekdays = days[(days + 3) % 7 < 5]
        return weekdays[: np.searchsorted(weekdays, last, side="right") + 1]

    def members(self, name: str) -> MemberVolumes | None:
        return self.volumes if name == "R" else None

    def missing(self, pair: str) -> str | None:
        return self.gap

    def history(self, pair: str) -> PairHistory:
        return self.past

    def openings(self, definition: str, pair: str) -> Sequence[int]:
        return self.opened

    def base_rate(self, definition: str, pair: str, horizon_sessions: int) -> BaseRate | None:
        return self.rate


def rate(low: float, high: float, q_value: float) -> BaseRate:
    return BaseRate(
        "d", "v", "A/B", 20, 19_900, 30, 30, 20, 0.67, (0.5, 0.8), 1.0, 0.5, 0.5, 0.0, (low + high) / 2,
        (low, high), 0.01, q_value, 400,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("side", "low", "high", "q_value", "verdict"),
    [
        ("ahead", 0.2, 2.0, 0.04, Verdict.REPRODUCED),
        ("ahead", 0.2, 2.0, 0.3, Verdict.NOT_REPRODUCED),
        ("ahead", -0.2, 2.0, 0.04, Verdict.NOT_REPRODUCED),
        ("ahead", -2.0, -0.2, 0.04, Verdict.NOT_REPRODUCED),
        ("behind", -2.0, -0.2, 0.04, Verdict.REPRODUCED),
    ],
)
def test_what_followed_counts_when_it_survives_everything_that_was_looked_at(
    side: str, low: float, high: float, q_value: float, verdict: Verdict
) -> None:
    (claim,) = parse_claims(
        f'{HEAD}kind = "followed"\ndefinition = "d"\nhorizon_sessions = 20\nside = "{side}"\n'
    )
    finding = judge(claim, Given(pair_history(**{"beta:63d": [1.0]}), rate=rate(low, high, q_value)))
    assert finding.verdict is verdict
    assert (finding.reason is None) == (verdict is Verdict.REPRODUCED)
    assert finding.figures["difference_interval_pp"] == [low, high]


def found(text: str, evidence: Given) -> ClaimFinding:
    (claim,) = parse_claims(HEAD + text)
    return judge(claim, evidence)


@pytest.mark.parametrize(
    ("text", "verdict", "reason", "figures"),
    [
        ("on = 2024-07-02", "reproduced", None, {"beta_63d": 1.5, "ratio_highest_since": "none before"}),
        ("on = 2024-07-04", "reproduced", None, {"beta_63d": 2.0, "ratio_highest_since": "2024-05-17"}),
        (
            "on = 2024-07-01",
            "not reproduced",
            "found beta_63d 0.5000; claimed beta_63d >= 1",
            {"beta_63d": 0.5},
        ),
        (
            "on = 2024-07-03",
            "data gap",
            "beta_63d: not ready; ratio_highest_since: not ready",
            {"beta_63d": None, "ratio_highest_since": None},
        ),
        ("on = 2024-07-05", "data gap", "the files end on 2024-07-04", {}),
        ("on = 2024-06-28", "data gap", "the files begin on 2024-07-01", {}),
    ],
)
def test_a_day_is_held_against_its_values(
    text: str, verdict: str, reason: str | None, figures: Mapping[str, Figure]
) -> None:
    days = 'kind = "days"\nholds = ["beta_63d >= 1"]\nshow = ["ratio_highest_since"]\n'
    finding = found(days + text, Given(PAST))
    assert (finding.verdict.value, finding.reason) == (verdict, reason)
    assert figures.items() <= finding.figures.items()
    assert finding.window == text.removeprefix("on = ")


def test_a_day_without_a_close_of_both_legs_is_a_gap() -> None:
    holed = replace(PAST, sessions=PAST.sessions + np.array([0, 0, 7, 7]))
    for text in (
        'kind = "days"\nholds = ["beta_63d >= 1"]\non = 2024-07-03',
        'kind = "change"\nvalue = "beta_63d"\nsince = 2024-07-01\nuntil = 2024-07-03\nchange_pct = [1, 2]',
    ):
        finding = found(text, Given(holed))
        assert (finding.verdict, finding.reason) == (
            Verdict.DATA_GAP,
            "no close of both legs on 2024-07-03",
        )


@pytest.mark.parametrize(
    ("text", "verdict", "figures"),
    [
        ("share_pct = [60, 70]", "reproduced", {"days": 3, "days_held": 2, "share_pct": 200 / 3}),
        ("share_pct = [0, 66]", "not reproduced", {"first_held": "2024-07-02", "last_held": "2024-07-04"}),
        ("since = 2024-07-04\ndays = [1, 1]", "reproduced", {"days": 1, "beta_63d_at_last": 2.0}),
        ("until = 2024-07-01\ndays = [1, inf]", "not reproduced", {"days": 1, "last_held": None}),
        ("since = 2024-07-03\nuntil = 2024-07-03\ndays = [0, 0]", "data gap", {"share_pct": None}),
    ],
)
def test_days_of_a_window_are_counted(text: str, verdict: str, figures: Mapping[str, Figure]) -> None:
    finding = found('kind = "days"\nholds = ["beta_63d >= 1"]\n' + text, Given(PAST))
    assert finding.verdict.value == verdict
    assert {name: finding.figures.get(name) for name in figures} == pytest.approx(figures)


FRIDAYS = [date(2025, 9, 5) + timedelta(weeks=week) for week in range(9)]
"""2025-09-05 to 10-31."""
WEEKLY = dict(
    zip(
        FRIDAYS, [2391.05, 2397.06, 2448.77, 2434.32, 2476.18, 2394.6, 2452.17, 2513.47, 2479.38], strict=True
    )
)
ABOVE = 'kind = "days"\nholds = ["numerator_price > 2442.74"]\n'
WEEKS = ABOVE + 'since = 2025-10-01\nuntil = 2025-10-31\nevery = "week"\n'


def october(missing: date | None = None) -> PairHistory:
    """Sessions to 2025-10-31; within a week, closes far above the record, which must not count."""
    first, last = session_day(FRIDAYS[0]), session_day(FRIDAYS[-1])
    days = [day_to_date(day) for day in range(first, last + 1) if (day + 3) % 7 < 5]
    days = [day for day in days if day != missing]
    closes = [WEEKLY.get(day, 2600.0) for day in days]
    past = pair_history(**{"numerator_price": closes})
    return replace(past, sessions=np.array([session_day(day) for day in days], np.int64))


def test_consecutive_weekly_closes_are_a_run_and_not_a_count() -> None:
    finding = found(WEEKS + "in_a_row = [3, 3]", Given(october()))
    assert finding.verdict.value == "reproduced"
    assert finding.figures["weeks"] == 5
    assert finding.figures["weeks_held"] == 4, "10-03 is above, and is no part of the run"
    assert finding.figures["weeks_in_a_row"] == 3
    assert finding.figures["weeks_in_a_row_dates"] == ["2025-10-17", "2025-10-24", "2025-10-31"]
    assert finding.figures["numerator_price_in_a_row"] == [2452.17, 2513.47, 2479.38]
    assert not any("day" in name for name in finding.figures)
    four = found(WEEKS + "in_a_row = [4, inf]", Given(october()))
    assert four.reason == (
        "found 3 weeks in a row (2025-10-17, 2025-10-24, 2025-10-31); claimed at least 4 weeks in a row"
    )


def test_a_week_without_its_last_close_ends_a_run() -> None:
    finding = found(WEEKS + "in_a_row = [2, inf]", Given(october(missing=date(2025, 10, 24))))
    assert finding.reason == "found 1 week in a row (2025-10-31); claimed at least 2 weeks in a row"


def test_sessions_and_months_have_runs_too() -> None:
    sessions = found(ABOVE + "in_a_row = [5, inf]", Given(october()))
    assert sessions.figures["days_in_a_row"] == 15, "from 2025-10-13 on"
    assert sessions.figures["in_a_row_first"] == "2025-10-13"
    assert sessions.figures["in_a_row_last"] == "2025-10-31"
    months = found(ABOVE + 'every = "month"\nin_a_row = [2, 2]', Given(october()))
    assert months.figures["months_in_a_row_dates"] == ["2025-09-30", "2025-10-31"]


def test_the_members_are_held_against_their_own_average() -> None:
    first = session_day(date(2023, 5, 25))
    volumes = np.full((21, 3), 100.0)
    volumes[-1] = 209.0
    given = Given(PAST, volumes=MemberVolumes(np.arange(first, first + 21, dtype=np.int64), volumes))
    claim = f'on = {day_to_date(first + 20)}\nkind = "members"\n'
    assert judged_members(claim + 'members = "R"\ntimes_average = [1.5, inf]', given).figures == {
        "members": 3,
        "members_used": 3,
        "volume": 627.0,
        "average_volume_20d": 300.0,
        "relative_volume_20d": 2.09,
    }
    finding = judged_members(claim + 'members = "R"\ntimes_average = [3, inf]', given)
    assert finding.reason == "found 2.090 times; claimed at least 3 times the average of 20 sessions"
    gap = judged_members(claim + 'members = "S"\ntimes_average = [3, inf]', given)
    assert (gap.verdict.value, gap.reason) == (
        "data gap",
        "no volumes of the members of S (--members S=FILE)",
    )


def judged_members(text: str, evidence: Given) -> ClaimFinding:
    (claim,) = parse_claims(HEAD.replace('pair = "A/B"\n', "") + text)
    return judge(claim, evidence)


@pytest.mark.parametrize(
    ("since", "until", "verdict", "change_pct"),
    [
        (2, 4, "reproduced", 5.0),
        (1, 4, "data gap", None),  # it begins with zero
        (2, 3, "data gap", None),
    ],
)
def test_a_change_needs_both_ends(since: int, until: int, verdict: str, change_pct: float | None) -> None:
    change = f'kind = "change"\nvalue = "ratio_line"\nsince = 2024-07-0{since}\nuntil = 2024-07-0{until}\n'
    finding = found(change + "change_pct = [4.9, 5.1]", Given(PAST))
    assert finding.verdict.value == verdict
    assert finding.figures.get("change_pct") == change_pct
    other = found(change + "change_pct = [-2, -1]", Given(PAST))
    assert other.verdict.value == ("not reproduced" if change_pct else "data gap")
    if change_pct:
        assert other.reason == "found 5.00 %; claimed -2 to -1 %"


OPENED = [session_day(day) for day in (date(2020, 7, 4), date(2021, 7, 4), date(2024, 7, 4))]


@pytest.mark.parametrize(
    ("text", "verdict", "figures"),
    [
        ("dates = [2024-07-04, 2020-07-04, 2021-07-04]", "reproduced", {"openings": 3}),
        ("dates = []", "not reproduced", {"dates": ["2020-07-04", "2021-07-04", "2024-07-04"]}),
        ("since = 2021-07-04\nuntil = 2024-07-03\ncount = [1, 1]", "reproduced", {"openings": 1}),
        ("count = [4, inf]", "not reproduced", {"openings": 3}),
        ("years_since_previous = [2.9, 3.1]", "reproduced", {"years_since_previous": 1096 / 365.25}),
        ("until = 2021-07-04\nyears_since_previous = [2.9, 3.1]", "not reproduced", {"openings": 2}),
        ("since = 2024-07-04\nyears_since_previous = [2.9, 3.1]", "not reproduced", {"openings": 1}),
    ],
)
def test_openings_are_counted_and_dated(text: str, verdict: str, figures: Mapping[str, Figure]) -> None:
    finding = found('kind = "events"\ndefinition = "d"\n' + text, Given(PAST, OPENED))
    assert finding.verdict.value == verdict
    for name, figure in figures.items():
        assert finding.figures[name] == (pytest.approx(figure) if isinstance(figure, float) else figure)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dates = []", "found 2020-07-04, 2021-07-04, 2024-07-04; claimed none"),
        ("dates = [2020-07-04]\nsince = 2030-01-01", None),
        (
            "count = [4, inf]",
            "found 3 times (2020-07-04, 2021-07-04, 2024-07-04); claimed at least 4 times",
        ),
        ("until = 2020-01-01\ncount = [1, 1]", "found 0 times; claimed 1 time"),
        (
            "years_since_previous = [4, 5]",
            "found 3.001 years (2021-07-04 to 2024-07-04); claimed 4 to 5 years since the previous",
        ),
    ],
)
def test_openings_found_stand_beside_those_claimed(text: str, reason: str | None) -> None:
    finding = found('kind = "events"\ndefinition = "d"\n' + text, Given(PAST, OPENED))
    assert finding.reason == (reason or "the files end on 2024-07-04")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "no base rate"),
        (
            structs.replace(rate(0.2, 2.0, 0.04), difference_interval_pp=None, n_declustered=3),
            "too few cases",
        ),
    ],
)
def test_without_a_measured_base_rate_nothing_can_be_said(row: BaseRate | None, reason: str) -> None:
    followed = 'kind = "followed"\ndefinition = "d"\nhorizon_sessions = 20\nside = "ahead"\n'
    finding = found(followed, Given(PAST, rate=row))
    assert finding.verdict is Verdict.NOT_MEASURABLE
    assert finding.reason is not None
    assert reason in finding.reason


def test_what_is_missing_and_what_is_stated_need_no_values() -> None:
    finding = found('kind = "events"\ndefinition = "d"\ncount = [0, 9]', Given(PAST, gap="no bars for A"))
    assert (finding.verdict, finding.reason, finding.figures) == (Verdict.DATA_GAP, "no bars for A", {})
    (claim,) = parse_claims(
        HEAD.replace('pair = "A/B"\n', "")
        + 'kind = "stated"\nverdict = "not measurable"\nreason = "It is an opinion."'
    )
    finding = judge(claim, Given(PAST))
    assert (finding.verdict, finding.reason) == (Verdict.NOT_MEASURABLE, "It is an opinion.")
