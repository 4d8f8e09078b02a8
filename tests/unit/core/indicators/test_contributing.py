"""CONTRIBUTING.md: the indicator it adds works, and agrees with the oracle beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.indicators.base import DayFamily
from core.kernels.codes import DAY_SLOTS
from core.model.records import Quality
from core.model.sessions import day_to_date
from tests.oracles import daily_statistics
from tests.oracles.daily import DailyPair, Moment
from tests.support.family_rig import FamilyRig, random_walk, sessions

GUIDE = Path(__file__).resolve().parents[4] / "CONTRIBUTING.md"
STEPS = DAY_SLOTS + 40


@pytest.fixture
def example(tmp_path: Path) -> Mapping[str, Any]:
    """Names that the guide's code defines; from a file, as Numba keeps a kernel by the file it stands in."""
    section = GUIDE.read_text("utf-8").partition("## Add an indicator\n")[2].partition("\n## ")[0]
    family, oracle = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    path = tmp_path / "sessions_ahead.py"
    path.write_text(family, "utf-8")
    spec = spec_from_file_location("sessions_ahead", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    beside = dict(vars(daily_statistics))
    exec(oracle, beside)  # noqa: S102
    return vars(module) | {"_sessions_ahead": beside["_sessions_ahead"]}


def test_the_example_agrees_with_its_oracle(example: Mapping[str, Any]) -> None:
    family: type[DayFamily] = example["SessionsAhead"]
    rig = FamilyRig(family, random_walk(STEPS, 1))
    days = [day_to_date(int(session)) for session in sessions().session[:STEPS]]
    legs = [dict(zip(days, map(Fraction, rig.prices[:, side, 0].tolist()), strict=True)) for side in (0, 1)]
    pair = DailyPair(tuple(days), *legs)
    known = 0
    for step, day in enumerate(days):
        rig.begin()
        rig.evaluate(commit=True)
        rig.end()
        expected = example["_sessions_ahead"](Moment(pair, step, day, legs[0][day], legs[1][day]))
        if expected is None:
            assert rig.family.quality[0, 0] == Quality.NOT_READY
        else:
            assert rig.family.values[0, 0] == pytest.approx(expected)
            known += 1
    assert known == STEPS - 21


def test_the_example_is_named_as_the_guide_says(example: Mapping[str, Any]) -> None:
    (output,) = example["SessionsAhead"].outputs
    assert (output.key, output.value_name) == ("sessions_ahead_pct:21d", "sessions_ahead_21d_pct")
    assert example["SessionsAhead"].evaluation.own["finished"].dtype is np.float64
