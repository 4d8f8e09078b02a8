"""core.engine.samples: a scrape reads what the engine knows, under names that stand in the table."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from core.model.metrics import METRICS_BY_NAME, Component, Sample
from core.model.records import EventState, Frequency
from core.partition.state import COUNTERS
from tests.support.desk import Desk, at
from tests.support.worlds import BIG, CATALOGUE, FEED, HISTORY, SECOND, SESSION_SPACING, SML

CLOSE_S = 240
NEXT_S = SESSION_SPACING // SECOND
AHEAD = """
[[definition]]
id = "ahead"
family = "relative-strength"
enter = ["relative_1d_pp >= 3"]
exit = []
confirm = ["relative_1d_pp >= 1"]
expires = 9
"""


@pytest.fixture(scope="module")
def desk() -> Desk:
    """Two sessions: one leg rises while the other falls, then rises once more."""
    desk = Desk(catalogue=CATALOGUE + AHEAD)
    for start, numerator in ((0, 103.0), (NEXT_S, 106.0)):
        for seconds in (start + CLOSE_S - 64, start + CLOSE_S - 4):
            desk.mark(seconds - 1)
            desk.trade(seconds, SML, numerator)
            desk.trade(seconds, BIG, 198.0)
        desk.mark(start + CLOSE_S)
        desk.official(start + CLOSE_S + 1, SML, numerator)
        desk.official(start + CLOSE_S + 1, BIG, 198.0)
        desk.mark(start + CLOSE_S + 70)
    return desk


@pytest.fixture(scope="module")
def samples(desk: Desk) -> list[Sample]:
    return list(desk.engine.samples())


def told(samples: list[Sample], name: str) -> dict[tuple[str, ...], float]:
    return {sample.labels: sample.value for sample in samples if sample.name == name}


def test_every_sample_has_a_row_and_is_given_once(samples: list[Sample]) -> None:
    for sample in samples:
        row = METRICS_BY_NAME[sample.name]
        assert row.component is Component.ENGINE
        assert len(sample.labels) == len(row.labels)
    assert len({(sample.name, sample.labels) for sample in samples}) == len(samples)


def test_records_are_counted_by_source_and_outcome(desk: Desk, samples: list[Sample]) -> None:
    assert told(samples, "rotascope_engine_records_total") == {
        ("0", name, outcome): desk.counted(outcome, source)
        for name, source in (("feed", FEED), ("history", HISTORY))
        for outcome in COUNTERS
    }
    assert desk.counted("trades") > 0


def test_values_are_those_of_the_pairs_and_only_what_is_known_is_ready(
    desk: Desk, samples: list[Sample]
) -> None:
    percent = told(samples, "rotascope_relative_strength_percent")
    ready = told(samples, "rotascope_value_ready")
    assert percent["SML/BIG", "1d"] == pytest.approx(100 * (106 / 103 - 1))
    assert np.isnan(percent["SML/BIG", "252d"])
    for pair, key in ready:
        value, quality = desk.value(key, pair)
        assert ready[pair, key] == (quality == "ok")
        assert np.isnan(value) != ready[pair, key]
    assert set(ready.values()) == {0.0, 1.0}


def test_values_have_the_time_they_are_as_of(samples: list[Sample]) -> None:
    times = told(samples, "rotascope_value_timestamp_seconds")
    assert set(times) == {(pair, each.label) for pair in ("SML/BIG", "GOO/BIG") for each in Frequency}
    assert times["SML/BIG", Frequency.DAY.label] == at(NEXT_S + CLOSE_S) / SECOND
    assert "rotascope_value_timestamp_seconds" not in {
        sample.name for sample in Desk(baseline_days=0, marked={}).engine.samples()
    }


def test_transitions_are_those_that_were_told(desk: Desk, samples: list[Sample]) -> None:
    transitions = told(samples, "rotascope_event_transitions_total")
    events = Counter((event.definition, event.state) for event in desk.said.events)
    assert {labels[1:]: count for labels, count in transitions.items() if count} == events
    assert events["ahead", EventState.CONFIRMED.label] == events["opposite_up", EventState.OPENED.label] == 1
    assert told(samples, "rotascope_event_steps_to_confirm_total") == {("0", "ahead"): 1}
    flips = told(samples, "rotascope_event_provisional_flips_total")
    assert flips["0", "opposite_up"] == 1
    assert ("0", "spread_15m") not in flips
