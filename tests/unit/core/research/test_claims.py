"""Ledgers: what can be read, what is refused and how, and the one that comes with Rotascope."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from core.definitions.catalogue import parse_catalogue
from core.definitions.rules import parse_condition
from core.model.errors import CatalogueError
from core.model.sessions import session_day
from core.research.claim_wording import metric_of, window_of
from core.research.claims import DaysClaim, EventsClaim, FollowedClaim, parse_claims
from core.research.value_history import period_ends
from core.runtime.files import CATALOGUE, CLAIMS, read_text
from tests.support.pair_history import pair_history

HEAD = '[[claim]]\nrow = 1\nsays = "It is so."\npair = "A/B"\n'
MEMBERS = (
    '[[claim]]\nrow = 1\nsays = "x"\nkind = "members"\nmembers = "R"\non = 2024-01-02\n'
    "times_average = [1, 2]\n"
)
DAY = HEAD + 'kind = "days"\nholds = ["relative_1d_pp > 0"]\n'


def test_the_ledger_that_comes_with_rotascope_covers_every_sentence_and_names_only_what_there_is() -> None:
    ledger = parse_claims(read_text(None, CLAIMS))
    catalogue = parse_catalogue(read_text(None, CATALOGUE))
    assert {claim.row for claim in ledger} == set(range(1, 95))
    named = {claim.definition for claim in ledger if isinstance(claim, EventsClaim | FollowedClaim)}
    assert named <= {definition.definition_id for definition in catalogue.definitions}
    assert all(metric_of(claim) and window_of(claim) for claim in ledger)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[claim]\n", "not valid TOML"),
        ("claim = 3", "claim: must be a list, not 3"),
        ("[[clam]]\nrow = 1\n", "did you mean 'claim'"),
        ('[[claim]]\nrow = 1\nsays = "x"\n', "claim 1 (number 1): 'kind' is missing"),
        (HEAD + 'kind = "day"\n', "claim 1 (number 1): unknown kind 'day'; did you mean 'days'?"),
        (DAY + "on = 2024-01-02\nshw = []\n", "claim 1 (number 1): unknown key 'shw'; did you mean 'show'?"),
        (DAY + "on = 3\n", "claim 1 (number 1), on: must be a date such as 2024-06-28, not 3"),
        (
            DAY.replace('"A/B"', '"A"') + "on = 2024-01-02\n",
            "claim 1 (number 1), pair: must be NUMERATOR/BENCHMARK, not 'A'",
        ),
        (DAY.replace("relative_1d_pp", "relative_1d_pct") + "on = 2024-01-02\n", "did you mean"),
        (DAY + "on = 2024-01-02\nshow = ['bata_63d']\n", "did you mean"),
        (DAY, "exactly one of share_pct, in_a_row and days"),
        (DAY + "share_pct = [0, 1]\ndays = [0, 1]\n", "exactly one of share_pct, in_a_row and days"),
        (DAY + 'every = "week"\n', "exactly one of share_pct, in_a_row and weeks"),
        (DAY + 'every = "week"\ndays = [1, 2]\n', "every week is counted by 'weeks', not by 'days'"),
        (DAY + 'every = "wek"\nweeks = [1, 2]\n', "did you mean 'week'?"),
        (DAY + "on = 2024-01-02\nsince = 2024-01-02\n", "single day"),
        (DAY + "on = 2024-01-02\nin_a_row = [1, 2]\n", "single day"),
        (DAY + "since = 2024-01-03\nuntil = 2024-01-02\ndays = [1, 2]\n", "is after"),
        (DAY + "days = [2, 1]\n", "is an empty range"),
        (DAY + "days = 2\n", "must be two numbers, the minimum and the maximum, not 2"),
        (HEAD + 'kind = "events"\ndefinition = "x"\n', "exactly one of"),
        (HEAD + 'kind = "events"\ndefinition = "x"\ncount = [1, 1]\ndates = []\n', "exactly one of"),
        (
            HEAD + 'kind = "followed"\ndefinition = "x"\nhorizon_sessions = 7\nside = "ahead"\n',
            "1, 5, 20, 60",
        ),
        (MEMBERS + "sessions = 1\n", "claim 1 (number 1), sessions: must be at least 2, not 1"),
        (
            '[[claim]]\nrow = 1\nsays = "x"\nkind = "stated"\nverdict = "reproduced"\nreason = "y"\n',
            "claim 1 (number 1), verdict: must be",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        parse_claims(text)
    assert told in refused.value.message
    assert refused.value.operator_action


def test_every_problem_of_a_ledger_is_told_at_once() -> None:
    with pytest.raises(CatalogueError) as refused:
        parse_claims(DAY + "onn = 2024-01-02\n" + DAY.replace("row = 1", "row = 0") + "on = 2024-01-02\n")
    assert "(1) claim 1 (number 1): unknown key 'onn'" in refused.value.message
    assert "(2) claim 0 (number 2), row: must be at least 1, not 0" in refused.value.message


@pytest.mark.parametrize(
    ("text", "measured", "window"),
    [
        ("share_pct = [65, 100]\n", "65 to 100 % of days", "whole history"),
        ('every = "week"\nshare_pct = [65, inf]\n', "at least 65 % of weeks", "completed weeks"),
        ('every = "week"\nweeks = [1, 1]\nsince = 2024-01-02\n', "1 week", "2024-01-02 to last, completed"),
        ('every = "month"\nin_a_row = [3, inf]\n', "at least 3 months in a row", "completed months"),
        ('every = "year"\nyears = [-inf, 2]\n', "at most 2 years", "completed years"),
        ("in_a_row = [5, inf]\n", "at least 5 days in a row", "whole history"),
    ],
)
def test_weeks_months_and_years_are_called_so(text: str, measured: str, window: str) -> None:
    (claim,) = parse_claims(DAY + text)
    assert metric_of(claim) == f"relative_1d_pp > 0: {measured}"
    assert window in window_of(claim)
    assert ("day" in metric_of(claim)) == (isinstance(claim, DaysClaim) and claim.every == "session")


NAN = math.nan


@pytest.mark.parametrize(
    ("texts", "known", "holds"),
    [
        (["beta_63d >= 1"], [1, 1, 0], [0, 1, 0]),
        (["abs(correlation_63d) > 0.5", "beta_63d < 2"], [1, 1, 0], [1, 0, 0]),
        (["beta_63d > 1 or correlation_63d > 0.2"], [1, 1, 1], [0, 1, 1]),
        (["beta_63d != 0.5 or correlation_63d > 0.9"], [1, 1, 0], [0, 1, 0]),
        (["beta_63d > correlation_63d * 2"], [1, 1, 0], [1, 1, 0]),
        (["quality(beta_63d) == not_ready"], [1, 1, 1], [0, 0, 1]),
        (["cusum_alarm has 2"], [1, 1, 1], [1, 0, 1]),
        (["cusum_alarm == 3"], [1, 1, 1], [0, 0, 1]),
        (["cusum_alarm <= 2"], [1, 1, 1], [1, 1, 0]),
    ],
)
def test_conditions_hold_as_they_do_in_the_catalogue(
    texts: list[str], known: list[int], holds: list[int]
) -> None:
    condition = parse_condition(texts)
    columns = {
        "beta:63d": [0.5, 1.5, NAN],
        "correlation:63d": [-0.6, 0.1, 0.3],
        "cusum_alarm": [2.0, 1.0, 3.0],
    }
    past = pair_history(**columns)
    assert past.known(condition).tolist() == [bool(each) for each in known]
    assert past.holds(condition).tolist() == [bool(each) for each in holds]


def test_a_period_counts_when_a_later_one_has_begun() -> None:
    days = np.array([session_day(date(2023, 12, day)) for day in (28, 29)] + [19724, 19725])
    assert period_ends(days, "week").tolist() == [False, True, False, False]
    assert period_ends(days, "month").tolist() == [False, True, False, False]
    assert period_ends(days, "year").tolist() == [False, True, False, False]
    assert period_ends(days, "session").all()
