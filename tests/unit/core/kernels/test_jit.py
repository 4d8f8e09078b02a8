"""core.kernels.jit: one signature, three ways to run it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba.core import config

from core.kernels.jit import I8, TICKS, U1, array_of, inlined, kernel
from core.model.records import TICK
from core.partition.state import INSTRUMENT_STATE
from tests.support.compiled import COMPILED

COMPILE, BOUNDS, PLAIN = "compiled", "bounds checked", "plain Python"


def set_way(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(config, "DISABLE_JIT", int(way == PLAIN))
    monkeypatch.setattr(config, "BOUNDSCHECK", int(way == BOUNDS))


def total(numbers: Any) -> Any:
    result = 0
    for number in numbers:
        result += number
    return result


def sizes(ticks: Any, instruments: Any) -> Any:
    result = 0
    for position in range(len(ticks)):
        result += ticks[position].size
        instruments[position].day_volume = ticks[position].size
    return result


@pytest.mark.parametrize("way", [COMPILE, BOUNDS, PLAIN])
def test_a_kernel_computes_the_same_however_it_runs(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    set_way(monkeypatch, way)
    summed = kernel(I8, array_of(I8))(total)
    assert summed(np.array([1, 2, 39], np.int64)) == 42


@pytest.mark.parametrize("way", [COMPILE, BOUNDS, PLAIN])
def test_records_are_read_and_written_by_field(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """`size` is a field here, though NumPy has an attribute of that name; a Kafka payload is read-only."""
    set_way(monkeypatch, way)
    ticks = np.zeros(3, TICK)
    ticks["size"] = [5, 6, 7]
    view = np.frombuffer(ticks.tobytes(), TICK)
    instruments = np.zeros(3, INSTRUMENT_STATE)
    assert kernel(I8, TICKS, array_of(INSTRUMENT_STATE))(sizes)(view, instruments) == 18
    assert instruments["day_volume"].tolist() == [5, 6, 7]


def test_where_bounds_are_checked_a_wrong_array_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    set_way(monkeypatch, BOUNDS)
    summed = kernel(I8, array_of(I8))(total)
    with pytest.raises(TypeError, match="No matching definition"):
        summed(np.array([1, 2], np.int32))


def test_a_kernel_in_the_hot_path_is_the_bare_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    set_way(monkeypatch, COMPILE)
    assert not hasattr(kernel(I8, array_of(I8))(total), "signatures")
    set_way(monkeypatch, BOUNDS)
    dispatcher = kernel(I8, array_of(I8))(total)
    assert len(dispatcher.signatures) == 1  # type: ignore[attr-defined]


def test_types_of_arrays() -> None:
    assert array_of(I8).ndim == 1
    matrix = array_of(U1, 2)
    assert (matrix.ndim, matrix.layout, matrix.mutable, matrix.dtype) == (2, "C", True, U1)
    assert not TICKS.mutable
    assert [name for name, _ in array_of(TICK).dtype.members] == list(TICK.names or ())


def test_an_inlined_function_runs_by_itself() -> None:
    doubled = inlined(lambda value: 2 * value)
    assert doubled(21) == 42
    assert hasattr(doubled, "py_func") == COMPILED
