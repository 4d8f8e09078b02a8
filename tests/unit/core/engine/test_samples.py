"""core.engine.samples: a scrape shows what the engine knows, under names that are in the table."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from core.engine.samples import (
    UNKNOWN_REASONS,
    all_samples,
    episode_samples,
    series_per_pair,
    unknown_values,
    value_samples,
)
from core.indicators.exported import EXPORTED
from core.model.metrics import METRICS_BY_NAME, Component, Sample
from core.model.records import Frequency, Quality
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
    return list(all_samples(desk.engine.expose()))


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
        (name, outcome): desk.counted(outcome, source)
        for name, source in (("feed", FEED), ("history", HISTORY))
        for outcome in COUNTERS
    }
    assert desk.counted("trades") > 0


def test_values_are_those_of_the_pairs_and_the_unknown_are_counted_by_reason(
    desk: Desk, samples: list[Sample]
) -> None:
    percent = told(samples, "rotascope_relative_strength_percent")
    assert percent["SML/BIG", "SML", "BIG", "1d"] == pytest.approx(100 * (106 / 103 - 1))
    shown = {sample[:2]: sample.value for sample in samples}
    unknown: Counter[str] = Counter()
    for pair in ("SML/BIG", "GOO/BIG"):
        for key, (metric, window) in EXPORTED.items():
            value, quality = desk.value(key, pair)
            labels = (pair, *pair.split("/"), *((window,) if window else ()))
            if np.isnan(value):
                assert (metric, labels) not in shown
                unknown[quality] += 1
            else:
                assert shown[metric, labels] == value
    exposed = desk.engine.expose()
    counted = unknown_values(exposed, np.arange(len(exposed.pairs)))
    assert {Quality(code).label: count for code, count in enumerate(counted.tolist()) if count} == unknown
    assert unknown["not_ready"] > 0
    assert unknown.keys() <= {reason.label for reason in UNKNOWN_REASONS}


def test_the_number_of_series_of_a_pair_is_known_before_they_are_made(desk: Desk) -> None:
    exposed = desk.engine.expose()
    rows = np.arange(len(exposed.pairs))
    made = Counter(
        sample.labels[0] for sample in (*value_samples(exposed, rows), *episode_samples(exposed, rows))
    )
    assert [made[pair.name] for pair in exposed.pairs] == series_per_pair(exposed).tolist()


def test_only_the_pairs_asked_for_are_shown(desk: Desk) -> None:
    exposed = desk.engine.expose()
    rows = np.array([row for row, pair in enumerate(exposed.pairs) if pair.name == "GOO/BIG"])
    shown = [*value_samples(exposed, rows), *episode_samples(exposed, rows)]
    assert {sample.labels[0] for sample in shown} == {"GOO/BIG"}


def test_values_have_the_time_they_are_as_of(samples: list[Sample]) -> None:
    times = told(samples, "rotascope_value_timestamp_seconds")
    assert {(labels[0], labels[-1]) for labels in times} == {
        (pair, each.label) for pair in ("SML/BIG", "GOO/BIG") for each in Frequency
    }
    assert times["SML/BIG", "SML", "BIG", Frequency.DAY.label] == at(NEXT_S + CLOSE_S) / SECOND
    fresh = Desk(baseline_days=0, marked={}).engine.expose()
    assert "rotascope_value_timestamp_seconds" not in {sample.name for sample in all_samples(fresh)}


def test_an_open_episode_has_its_title_and_begins_at_the_close_of_its_session(samples: list[Sample]) -> None:
    pair = ("SML/BIG", "SML", "BIG")
    opened = told(samples, "rotascope_event_open")
    assert opened[*pair, "ahead", "Ahead", "confirmed"] == 1
    begun = told(samples, "rotascope_event_begin_timestamp_seconds")
    assert begun[*pair, "ahead"] == at(CLOSE_S) / SECOND
    assert not [labels for labels in opened if labels[3] == "opposite_up"], "a point ends with its opening"


def test_a_candidate_is_shown_from_the_minute_at_which_it_was_true() -> None:
    desk = Desk(catalogue=CATALOGUE + AHEAD)
    desk.mark(CLOSE_S - 130)
    desk.trade(CLOSE_S - 125, SML, 103.5)
    desk.trade(CLOSE_S - 125, BIG, 199.0)
    desk.mark(CLOSE_S - 60)
    shown = list(all_samples(desk.engine.expose()))
    pair = ("SML/BIG", "SML", "BIG")
    assert told(shown, "rotascope_event_open")[*pair, "ahead", "Ahead", "candidate"] == 1
    begun = told(shown, "rotascope_event_begin_timestamp_seconds")[*pair, "ahead"]
    (event,) = [each for each in desk.said.events if (each.definition, each.pair) == ("ahead", "SML/BIG")]
    assert begun == event.ts_event_ns / SECOND


def test_steps_and_flips_are_counted_by_definition(samples: list[Sample]) -> None:
    assert told(samples, "rotascope_event_steps_to_confirm_total") == {("ahead",): 1}
    flips = told(samples, "rotascope_event_provisional_flips_total")
    assert flips["opposite_up",] == 1
    assert ("spread_15m",) not in flips


def test_records_are_counted_from_a_restore_on(desk: Desk) -> None:
    restored = Desk(catalogue=CATALOGUE + AHEAD)
    restored.engine.restore(desk.engine.snapshot())
    assert not restored.engine.expose().records.any()
    assert desk.engine.expose().records.any()


def test_a_copy_does_not_change_with_the_engine() -> None:
    desk = Desk(catalogue=CATALOGUE + AHEAD)
    before = desk.engine.expose()
    values, records = before.values.copy(), before.records.copy()
    desk.mark(CLOSE_S - 130)
    desk.trade(CLOSE_S - 125, SML, 103.5)
    desk.trade(CLOSE_S - 125, BIG, 199.0)
    desk.mark(CLOSE_S - 60)
    assert np.array_equal(before.values, values, equal_nan=True)
    assert np.array_equal(before.records, records)
    assert not np.array_equal(desk.engine.expose().values, values, equal_nan=True)
