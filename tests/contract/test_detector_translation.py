"""The rule of a detector says what the detector said, of random values, known and unknown."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pytest

from core.definitions.answers import ENTER, INVALID, LEAVE, allocate_answers
from core.definitions.definition import parse_definition
from core.definitions.detector_translation import DETECTOR_KINDS, detector_version, rule_of_detector
from core.definitions.rule_pass import RulePass
from core.kernels.codes import USABLE
from core.model.records import Quality
from tests.oracles.detectors import DETECTORS

ROWS = 400
SEED = 20_240_711
WINDOWS = ("63d", "252d")
UNKNOWN = [quality for quality in Quality if quality not in USABLE]

NUMBERS: dict[str, dict[str, tuple[float, ...]]] = {
    "opposite_day": {"direction": (-1, 1), "instrument_return_pct": (3.0, 0.3)},
    "spread_z": {
        "horizon_sessions": (1, 5, 21),
        "direction": (-1, 0, 1),
        "enter_z": (3.0, 1.2),
        "exit_z": (1.0, 0.0),
    },
    "nonconfirmation": {
        "direction": (-1, 1),
        "leader": (1, 2),
        "window_sessions": (63, 252),
        "delta_pct": (0.5, 0.0, 1.37),
        "invalidation_pct": (2.0, 0.0),
    },
    "strength_high": {"window_sessions": (63, 252), "invalidation_pct": (2.0, 0.0)},
}
"""Every choice a kind had, and some of its free numbers."""


class Setting(NamedTuple):
    """A detector as an earlier release had it."""

    kind: str
    frequency: str
    numbers: Mapping[str, float]

    @property
    def window(self) -> str:
        return "15m" if self.frequency == "1m" else f"{int(self.numbers.get('horizon_sessions', 1))}d"

    @property
    def entry(self) -> dict[str, object]:
        return {
            "id": "mine",
            "kind": self.kind,
            "frequency": self.frequency,
            "parameters": dict(self.numbers),
        }


def settings(kind: str) -> Iterator[Setting]:
    names = NUMBERS[kind]
    for frequency in ("1d", "1m") if kind == "spread_z" else ("1d",):
        for numbers in itertools.product(*names.values()):
            yield Setting(kind, frequency, dict(zip(names, numbers, strict=True)))


class Rows(NamedTuple):
    """Values of every output that a detector read: (outputs, rows), with levels of open episodes."""

    keys: list[str]
    values: np.ndarray
    quality: np.ndarray
    levels: Mapping[str, np.ndarray]


def random_rows() -> Rows:
    """Values around their thresholds, many of them exactly there, and each of them unknown at times."""
    generator = np.random.default_rng(SEED)
    values: dict[str, np.ndarray] = {}
    quality: dict[str, np.ndarray] = {}

    def reasons(share: float) -> np.ndarray:
        return np.where(generator.random(ROWS) < share, generator.choice(UNKNOWN, ROWS), Quality.OK)

    ready = np.where(generator.random(ROWS) < 0.1, Quality.NOT_READY, Quality.OK)
    for leg, base in (("numerator", 100.0), ("benchmark", 200.0)):
        values[f"{leg}_price"] = np.round(base * (1 + generator.normal(0, 0.02, ROWS)), 2)
        quality[f"{leg}_price"] = reasons(0.1)
    values["ratio:1d"] = values["numerator_price"] / values["benchmark_price"]
    known = (quality["numerator_price"] == Quality.OK) & (quality["benchmark_price"] == Quality.OK)
    quality["ratio:1d"] = np.where(known, Quality.OK, Quality.STALE)
    for leg in ("numerator", "benchmark"):
        values[f"paired_{leg}_price"] = values[f"{leg}_price"]
        quality[f"paired_{leg}_price"] = quality["ratio:1d"]
    for (series, own), side, window in itertools.product(
        (("numerator", "numerator_price"), ("benchmark", "benchmark_price"), ("ratio", "ratio:1d")),
        (("high", 1), ("low", -1)),
        WINDOWS,
    ):
        mark = np.median(values[own]) * (1 + side[1] * np.abs(generator.normal(0, 0.015, ROWS)))
        at = generator.integers(0, 10, ROWS)
        mark = np.where(at == 0, values[own], np.where(at == 1, values[own] / (1 - side[1] * 0.005), mark))
        values[f"{series}_{side[0]}:{window}"], quality[f"{series}_{side[0]}:{window}"] = mark, ready
    for key in ("instrument_return_pct:1d", "benchmark_return_pct:1d"):
        values[key] = np.where(
            generator.random(ROWS) < 0.2,
            generator.choice([3.0, -3.0, 0.3, 0.0, 3.0 - 4e-11, -3.0 + 4e-11], ROWS),
            generator.normal(0, 3, ROWS),
        )
        quality[key] = reasons(0.1)
    for window in ("1d", "5d", "21d", "15m"):
        key = f"relative_return_zscore:{window}"
        values[key] = np.where(
            generator.random(ROWS) < 0.2,
            generator.choice([3.0, -3.0, 1.0, -1.0, 0.0], ROWS),
            generator.normal(0, 2, ROWS),
        )
        quality[key] = reasons(0.1)
    # An episode is only ever open where the windows have been full.
    is_open = (generator.random(ROWS) < 0.5) & (ready == Quality.OK)
    levels = {
        key: np.where(is_open, values[key] * (1 + np.round(generator.normal(0, 0.01, ROWS), 2)), 0.0)
        for key in ("numerator_price", "benchmark_price", "ratio:1d")
    }
    keys = list(values)
    matrix, qualities = np.array([values[key] for key in keys]), np.array([quality[key] for key in keys])
    matrix[qualities != Quality.OK] = np.nan
    return Rows(keys, matrix, qualities.astype(np.uint8), levels)


def leader_of(setting: Setting) -> str:
    """What an open episode's level was of."""
    if setting.kind == "strength_high":
        return "ratio:1d"
    return "benchmark_price" if setting.numbers.get("leader") == 2 else "numerator_price"


@pytest.mark.compiled
@pytest.mark.parametrize("kind", DETECTOR_KINDS)
def test_the_rule_says_what_the_detector_said(kind: str) -> None:
    rows = random_rows()
    seen: set[tuple[bool | None, ...]] = set()
    for setting in settings(kind):
        rule = parse_definition(rule_of_detector(setting.entry)).rule
        levels = rows.levels[leader_of(setting)]
        answers = allocate_answers(1, ROWS)
        RulePass([(0, rule)], rows.keys.index).ask(
            rows.values,
            rows.quality,
            np.arange(ROWS, dtype=np.int32),
            levels[None, :],
            answers,
            provisional=False,
        )
        for row in range(ROWS):
            column = rows.values[:, row].tolist()
            values = {
                key: None if value != value else value for key, value in zip(rows.keys, column, strict=True)
            }
            said = DETECTORS[kind](values, setting.numbers, setting.window, float(levels[row]))
            enter = int(answers.results[ENTER, 0, row])
            assert enter == (-1 if said.enter is None else said.enter), (setting, values)
            # To an open episode, unknown and false are the same: it goes on.
            assert (answers.results[LEAVE, 0, row] == 1) == (said.leave is True), (setting, values)
            assert (answers.results[INVALID, 0, row] == 1) == (said.invalid is True), (setting, values)
            if said.enter:
                assert answers.level[0, row] == said.level
            seen.add((said.enter, said.leave, said.invalid))
    assert {answer[0] for answer in seen} == {True, False, None}
    assert kind == "opposite_day" or {answer[1] for answer in seen} == {True, False, None}


@pytest.mark.parametrize("kind", DETECTOR_KINDS)
def test_the_rule_knows_which_detector_it_was(kind: str) -> None:
    for setting in settings(kind):
        if setting.frequency == "1m" and setting.numbers["horizon_sessions"] != 1:
            continue  # The number meant nothing at minutes, and the rule does not keep it.
        if setting.numbers.get("exit_z", 0.0) >= setting.numbers.get("enter_z", 1.0):
            continue
        was = {**setting.entry, "cool_down": 3, "expires": 0 if kind == "opposite_day" else 7}
        definition = parse_definition(rule_of_detector(was))
        assert definition.detector_version == detector_version(was)
