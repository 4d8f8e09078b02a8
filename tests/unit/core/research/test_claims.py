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
from core.research.claims import EventsClaim, FollowedClaim, parse_claims
from core.research.value_history import period_ends
from core.runtime.files import CATALOGUE, CLAIMS, read_text
from tests.support.pair_history import pair_history

HEAD = '[[claim]]\nrow = 1\nsays = "It is so."\npair = "A/B"\n'
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
        ("[[claim]\n", "cannot be read"),
        ("claim = 3", "cannot be read"),
        ('[[claim]]\nrow = 1\nsays = "x"\n', "kind"),
        (HEAD + 'kind = "guess"\n', "guess"),
        (DAY + "on = 2024-01-02\nwhen = 3\n", "when"),
        (DAY.replace('"A/B"', '"A"') + "on = 2024-01-02\n", "pair"),
        (DAY.replace("relative_1d_pp", "relative_1d_pct") + "on = 2024-01-02\n", "did you mean"),
        (DAY + "on = 2024-01-02\nshow = ['bata_63d']\n", "did you mean"),
        (DAY, "share_pct and days"),
        (DAY + "share_pct = [0, 1]\ndays = [0, 1]\n", "share_pct and days"),
        (DAY + "on = 2024-01-02\nsince = 2024-01-02\n", "single day"),
        (DAY + "since = 2024-01-03\nuntil = 2024-01-02\ndays = [1, 2]\n", "is after"),
        (DAY + "days = [2, 1]\n", "is an empty range"),
        (HEAD + 'kind = "events"\ndefinition = "x"\n', "exactly one of"),
        (HEAD + 'kind = "events"\ndefinition = "x"\ncount = [1, 1]\ndates = []\n', "exactly one of"),
        (
            HEAD + 'kind = "followed"\ndefinition = "x"\nhorizon_sessions = 7\nside = "ahead"\n',
            "1, 5, 20, 60",
        ),
        (
            '[[claim]]\nrow = 1\nsays = "x"\nkind = "stated"\nverdict = "reproduced"\nreason = "y"\n',
            "verdict",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(CatalogueError, match=told) as refused:
        parse_claims(text)
    assert refused.value.operator_action
    if "cannot be read" not in told:
        assert "row 1" in refused.value.message


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
