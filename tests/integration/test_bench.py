"""`python -m tests.bench`: what is cheap still runs, and says its figures with their goals."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.bench.registry import BENCHMARKS

pytestmark = pytest.mark.integration

CHEAP = ("frame_decode", "feed_codec")
"""What needs no broker and few kernels; the others are run with `make bench`."""


def test_the_short_form_runs_and_prints_figures_with_goals() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", *CHEAP, "--short"],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for name in CHEAP:
        assert f"\n{name}: " in run.stdout
    figures = re.findall(r"^  \S.* +([\d.,]+) (?:µs|ns|M ticks/s)", run.stdout, re.MULTILINE)
    assert len(figures) >= 6
    assert all(float(value.replace(",", "")) > 0 for value in figures)
    assert re.search(r"\[goal [≥≤] .*: (met|MISSED)\]", run.stdout)
    assert re.search(rf"^{len(figures)} figures in \d+ s", run.stdout, re.MULTILINE)


def test_a_name_that_is_none_is_refused_with_those_there_are() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "frame_decoding"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "no benchmark 'frame_decoding'; there are compile_time" in run.stderr


def test_every_benchmark_is_listed_with_what_it_measures() -> None:
    """Guards a command line without names, which argparse once refused."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--list"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    listed = dict(line.split(maxsplit=1) for line in run.stdout.splitlines())
    assert listed == {benchmark.name: benchmark.summary for benchmark in BENCHMARKS}
