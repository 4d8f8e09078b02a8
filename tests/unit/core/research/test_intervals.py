"""Intervals of shares and q-values, against other ways to the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.research.intervals import Z_95, false_discovery, wilson


@given(cases=st.integers(1, 500), share=st.floats(0, 1))
def test_each_bound_is_the_share_at_which_the_score_test_just_rejects(cases: int, share: float) -> None:
    hits = round(share * cases)
    bounds = wilson(hits, cases)
    assert bounds is not None
    for bound, at_end in zip(bounds, (hits == 0, hits == cases), strict=True):
        if not at_end:
            error = math.sqrt(bound * (1 - bound) / cases)
            assert abs(hits / cases - bound) / error == pytest.approx(Z_95, rel=1e-6)
    assert 0.0 <= bounds[0] <= hits / cases <= bounds[1] <= 1.0


def test_no_case_has_no_interval() -> None:
    assert wilson(0, 0) is None


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=30), st.integers(0, 20))
def test_q_values_say_whom_the_step_up_procedure_calls(p_values: list[float], untested: int) -> None:
    """Benjamini and Hochberg's own rule: the largest k with p(k) <= k/m × q, and all below it."""
    p, family = np.array(p_values), len(p_values) + untested
    q = false_discovery(p, family)
    for level in (0.05, 0.2, 0.5, 0.9):
        order = np.sort(p)
        passing = [k for k in range(1, len(p) + 1) if order[k - 1] * family / k <= level]
        called = p <= order[max(passing) - 1] if passing else np.zeros(len(p), bool)
        assert (q <= level).tolist() == called.tolist()


def test_what_was_not_tested_has_no_q_value_and_still_counts() -> None:
    q = false_discovery(np.array([0.01, np.nan, 0.02]), 10)
    assert q[0] == pytest.approx(0.1)
    assert np.isnan(q[1])
    assert q[2] == pytest.approx(0.1)
