"""Selectors name only what is exported."""

from __future__ import annotations

import pytest

from core.model.errors import ConfigurationError
from core.model.records import EventState
from deploy.grafana.promql import increase, quantile, rate, series
from deploy.grafana.scales import EPISODE, PARTITION


def test_a_selector_is_limited_to_the_chosen_programs() -> None:
    assert series("rotascope_ratio", 'pair="$pair"') == (
        'rotascope_ratio{job=~"$job", instance=~"$instance", pair="$pair"}'
    )


@pytest.mark.parametrize(
    "name",
    [
        "rotascope_worker_events_total",
        "up",
        "rotascope_ratio_sum",
        "rotascope_worker_poll_gap_seconds",
        "rotascope_worker_ticks",
    ],
)
def test_what_is_not_exported_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"names {name}, which Rotascope does not export") as raised:
        series(name)
    assert (
        raised.value.operator_action == "take the name from core/model/metrics.py, then run make dashboards"
    )


def test_rates_are_summed_over_instances() -> None:
    assert rate("rotascope_worker_frames_total").startswith("sum (rate(rotascope_worker_frames_total{")
    assert rate("rotascope_worker_frames_total", "instance").startswith("sum by (instance) (rate(")
    assert increase("rotascope_worker_frames_total").endswith("[$__range]))")
    assert quantile("rotascope_worker_poll_gap_seconds", 0.5).startswith(
        "histogram_quantile(0.5, sum by (le)"
    )


def test_the_words_of_states_are_those_of_the_metrics() -> None:
    named = {text for text, _ in EPISODE.values()}
    assert named == {state.label for state in (EventState.CANDIDATE, EventState.OPENED, EventState.CONFIRMED)}
    assert [text for text, _ in PARTITION.values()] == ["assigned", "restoring", "running"]
