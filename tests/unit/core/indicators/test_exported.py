"""core.indicators.exported: one name a quantity, and labels as the table has them."""

from __future__ import annotations

from collections import Counter

from core.indicators import FAMILIES
from core.indicators.exported import EXPORTED
from core.model.metrics import METRICS, METRICS_BY_NAME
from core.model.metrics_of_values import VALUE_ROWS


def test_every_row_of_values_shows_an_output_and_nothing_is_shown_twice() -> None:
    keys = {output.key for family in FAMILIES for output in family.outputs}
    assert EXPORTED.keys() <= keys
    assert max(Counter(EXPORTED.values()).values()) == 1
    not_outputs = {"rotascope_value_timestamp_seconds", "rotascope_unknown_values"}
    assert {each.metric for each in EXPORTED.values()} == {row.name for row in VALUE_ROWS} - not_outputs


def test_a_row_has_the_label_window_exactly_where_its_values_have_one() -> None:
    for metric, window in EXPORTED.values():
        assert ("window" in METRICS_BY_NAME[metric].labels) == bool(window)


def test_strength_has_one_name() -> None:
    strength = [row.name for row in METRICS if row.name.startswith("rotascope_relative_strength")]
    assert strength == ["rotascope_relative_strength_percent", "rotascope_relative_strength_percentile"]
    windows = {each.window for each in EXPORTED.values() if each.metric == strength[0]}
    assert windows == {"1m", "5m", "15m", "1h", "1d", "5d", "21d", "63d", "252d", "week", "month", "year"}
