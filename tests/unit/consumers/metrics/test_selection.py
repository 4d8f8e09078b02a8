"""consumers.metrics.selection: the number of series is bounded, and the pairs that matter are kept."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.metrics.selection import RANKED_BY, Selection, select
from core.engine.exposed import Exposed
from core.engine.samples import series_per_pair
from core.model.settings import MetricsSettings
from tests.support.exposed import exposed_values


def partition(**strength: float) -> Exposed:
    """Pairs against one benchmark; each has two series, or one where its strength is unknown."""
    return exposed_values(
        {
            f"{name}/B": {"ratio": 1.0} | ({} if np.isnan(value) else {RANKED_BY: value})
            for name, value in strength.items()
        }
    )


def shown(partitions: list[Exposed], selection: Selection) -> list[str]:
    return [
        each.pairs[row].numerator
        for each, rows in zip(partitions, selection.rows, strict=True)
        for row in rows.tolist()
    ]


TWO = [partition(A=1.0, C=-3.0, D=2.0), partition(E=5.0, F=np.nan, G=-1.0)]


@pytest.mark.parametrize(
    ("settings", "names", "by_pairs", "by_series"),
    [
        ({}, "ACDEFG", 0, 0),
        ({"pairs_max": 6}, "ACDEFG", 0, 0),
        ({"pairs_max": 5, "ranked_pairs": 1}, "CE", 4, 0),
        ({"pairs_max": 5, "ranked_pairs": 2}, "CDEG", 2, 0),
        ({"pairs_max": 5, "ranked_pairs": 9}, "ACDEG", 1, 0),
        ({"watched_pairs": ["F/B"], "ranked_pairs": 0}, "F", 5, 0),
        ({"watched_pairs": ["F/B"], "ranked_pairs": 1}, "CEF", 3, 0),
        ({"watched_pairs": ["F/B"], "ranked_pairs": 1, "series_max": 3}, "EF", 3, 1),
        ({"series_max": 5}, "CE", 0, 4),
        ({"series_max": 1}, "", 0, 6),
    ],
)
def test_the_list_comes_first_then_the_ends_then_the_others(
    settings: dict[str, object], names: str, by_pairs: int, by_series: int
) -> None:
    selection = select(TWO, MetricsSettings.model_validate(settings))
    assert shown(TWO, selection) == list(names)
    assert selection.pairs == 6
    assert selection.dropped == {"pairs_max": by_pairs, "series_max": by_series}


def test_without_pairs_nothing_is_shown() -> None:
    for partitions in ([], [partition()], [partition(), partition()]):
        selection = select(partitions, MetricsSettings())
        assert [rows.tolist() for rows in selection.rows] == [[] for _ in partitions]
        assert (selection.pairs, selection.series) == (0, 0)


@given(
    st.lists(st.lists(st.one_of(st.floats(-9, 9), st.just(np.nan)), max_size=6), max_size=4),
    st.integers(1, 12),
    st.integers(0, 4),
    st.integers(1, 20),
)
def test_bounds_hold_and_every_pair_is_shown_or_counted(
    strengths: list[list[float]], pairs_max: int, ranked: int, series_max: int
) -> None:
    partitions = [
        partition(**{f"P{number}X{row}": value for row, value in enumerate(values)})
        for number, values in enumerate(strengths)
    ]
    settings = MetricsSettings(pairs_max=pairs_max, ranked_pairs=ranked, series_max=series_max)
    selection = select(partitions, settings)
    series = [series_per_pair(each)[rows] for each, rows in zip(partitions, selection.rows, strict=True)]
    assert sum(chain.from_iterable(each.tolist() for each in series)) == selection.series <= series_max
    kept = len(shown(partitions, selection))
    assert kept + sum(selection.dropped.values()) == selection.pairs == sum(map(len, strengths))
