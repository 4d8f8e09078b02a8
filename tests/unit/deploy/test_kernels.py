"""deploy.local.kernels: the cache is filled by several processes, and nothing of them stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import kernels
from deploy.local.kernels import compiling, kernel_modules, shares

QUICK = ["core.baseline_session", "core.null_figures"]
"""Modules with kernels that are compiled in a second or two."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(kernels, "kernel_modules", lambda: QUICK)
    return tmp_path


def compiled(cache: Path) -> set[str]:
    return {f"core.{file.name.partition('.')[0]}" for file in cache.rglob("*.nbc")}


def test_modules_with_kernels_are_found_the_longest_first(tmp_path: Path) -> None:
    core = tmp_path / "core"
    (core / "indicators").mkdir(parents=True)
    (core / "short.py").write_text("@kernel(I8)\n")
    (core / "indicators" / "long.py").write_text("# a longer one\n@kernel(I8)\n")
    (core / "none.py").write_text("# no kernel in here, however long this comment may be\n")
    assert kernel_modules(core) == ["core.indicators.long", "core.short"]


def test_the_modules_of_core_are_among_them() -> None:
    assert {*QUICK, "core.ticks", "core.indicators.beta"} <= set(kernel_modules())


def test_every_module_is_in_one_share() -> None:
    assert shares([*"abcde"], 3) == [["a", "d"], ["b", "e"], ["c"]]
    assert shares([*"ab"], 8) == [["a"], ["b"]]
    assert shares([*"ab"], 0) == []


@pytest.mark.compiled
def test_processes_fill_the_cache(cache: Path) -> None:
    with compiling(2) as started:
        assert [process.wait(120) for process in started] == [0, 0]
    assert compiled(cache) >= set(QUICK)


@pytest.mark.compiled
def test_a_full_cache_is_left_as_it_is(cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert kernels.main([]) == 0
    assert "compiling kernels" in capfd.readouterr().err
    files = {file: file.stat().st_mtime_ns for file in cache.rglob("*.nbc")}
    assert kernels.main([]) == 0
    assert capfd.readouterr().err == ""
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.nbc")} == files


def test_what_is_not_done_is_stopped(cache: Path) -> None:
    with compiling(2) as started:
        assert [process.poll() for process in started] == [None, None]
    assert all(process.returncode is not None for process in started)
    assert compiled(cache) == set()


def test_a_process_that_fails_is_the_exit_code(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernels, "kernel_modules", lambda: ["core.no_such_module"])
    assert kernels.main([]) == 1
    assert "no_such_module" in capfd.readouterr().err
