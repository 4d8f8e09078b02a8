"""Which kernels are missing from the cache, and how far their compilation is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.runtime import compilation
from core.runtime.compilation import compilation_told, kernel_modules, missing_modules

QUICK = ["engine.baseline_session", "indicators.momentum"]
DEADLINE_S = 10.0


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(compilation, "kernel_modules", lambda: QUICK)
    return tmp_path


def compiled(cache: Path, name: str) -> None:
    package, _, module = name.partition(".")
    (cache / f"{package}_12").mkdir(exist_ok=True)
    (cache / f"{package}_12" / f"{module}.f-1.py311.nbi").touch()


def test_modules_with_kernels_are_found_the_longest_first(tmp_path: Path) -> None:
    core = tmp_path / "core"
    (core / "indicators").mkdir(parents=True)
    (core / "short.py").write_text("@kernel(I8)\n")
    (core / "indicators" / "long.py").write_text("# a longer one\n@kernel(I8)\n")
    (core / "none.py").write_text("# no kernel in here, however long this comment may be\n")
    assert kernel_modules(core) == ["indicators.long", "short"]


def test_the_modules_of_core_are_among_them() -> None:
    assert {*QUICK, "partition.ticks", "definitions.rule_pass", "indicators.beta"} <= set(kernel_modules())


def test_what_others_have_compiled_fills_no_module_of_core(cache: Path) -> None:
    """Guards the question that a test's own kernel, or one module's, once answered for all."""
    assert missing_modules(os.environ) == QUICK
    for place, file in (("unit_12", "test_jit.doubled-9.py311.nbi"), ("core_12", "momentum.f-1.py311.nbi")):
        (cache / place).mkdir()
        (cache / place / file).touch()
    assert missing_modules(os.environ) == QUICK
    (cache / "indicators_12").mkdir()
    (cache / "indicators_12" / "momentum.f-1.py311.nbi").touch()
    assert missing_modules(os.environ) == ["engine.baseline_session"]


def test_nothing_is_missing_where_kernels_are_not_compiled(cache: Path) -> None:
    assert missing_modules({**os.environ, "NUMBA_DISABLE_JIT": "1"}) == []
    assert missing_modules({"NUMBA_DISABLE_JIT": "0"}) == QUICK


def test_the_progress_is_told_in_modules(cache: Path) -> None:
    told: list[tuple[int, int]] = []
    with compilation_told(lambda done, total: told.append((done, total)), os.environ, every_s=0.01):
        assert told == [(0, 2)]
        compiled(cache, QUICK[1])
        deadline = time.monotonic() + DEADLINE_S
        while told[-1] != (1, 2):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        compiled(cache, QUICK[0])
    assert told[-1] == (2, 2)
    told.clear()
    with compilation_told(lambda done, total: told.append((done, total)), os.environ):
        pass
    assert told == [], "a start with all kernels says nothing"
