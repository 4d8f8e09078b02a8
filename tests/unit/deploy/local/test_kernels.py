"""deploy.local.kernels: the cache is filled by several processes, and nothing of them stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.runtime import compilation
from core.runtime.compilation import missing_modules
from deploy.local import kernels
from deploy.local.kernels import compiling, shares

QUICK = ["engine.baseline_session", "indicators.momentum"]
"""Modules with kernels that are compiled in a few seconds; one is in a package that has others."""
DEADLINE_S = 120


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(compilation, "kernel_modules", lambda: QUICK)
    monkeypatch.setattr(kernels, "kernel_modules", lambda: QUICK)
    return tmp_path


def test_every_module_is_in_one_share() -> None:
    assert shares([*"abcde"], 3) == [["a", "d"], ["b", "e"], ["c"]]
    assert shares([*"ab"], 8) == [["a"], ["b"]]
    assert shares([*"ab"], 0) == []


@pytest.mark.compiled
def test_processes_fill_the_cache_each_with_its_share_alone(
    cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Guards against packages: each process once compiled every indicator there is."""
    assert kernels.main([]) == 0
    told = capfd.readouterr().err
    assert "compiling kernels on" in told
    assert "compiling kernels, on the first start only: 2 of 2 modules" in told
    files = {file: file.stat().st_mtime_ns for file in cache.rglob("*.nbc")}
    assert missing_modules(os.environ) == []
    assert not any(file.name.startswith("beta.") for file in files)
    assert kernels.main([]) == 0
    assert capfd.readouterr().err == ""
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.nbc")} == files


def test_a_module_that_needs_its_whole_package_gets_it() -> None:
    """rule_pass reads the registry of indicators, which an empty package in its place does not have."""
    code = (
        "import sys\nfrom deploy.local.kernels import import_share\n"
        "import_share(['definitions.rule_pass', 'partition.bars'])\n"
        "print(len(sys.modules['core.indicators'].FAMILIES) > 0, 'core.partition.bars' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_what_is_not_done_is_stopped(cache: Path) -> None:
    with compiling(QUICK, 2) as started:
        assert [process.poll() for process in started] == [None, None]
    assert all(process.returncode is not None for process in started)
    assert missing_modules(os.environ) == QUICK


@pytest.mark.parametrize(("module", "code"), [("no_such_module", 1), ("partition.ticks", 128 + 9)])
def test_a_process_that_fails_or_is_killed_is_the_exit_code(
    cache: Path, monkeypatch: pytest.MonkeyPatch, module: str, code: int
) -> None:
    """Guards against a process that the kernel ends for its memory: its code is below zero."""
    monkeypatch.setattr(compilation, "kernel_modules", lambda: [module])
    monkeypatch.setattr(kernels, "kernel_modules", lambda: [module])
    if code > 128:
        usual = subprocess.Popen.wait

        def killed(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
            process.kill()
            return usual(process, timeout)

        monkeypatch.setattr(subprocess.Popen, "wait", killed)
    assert kernels.main([]) == code
