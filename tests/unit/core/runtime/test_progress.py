"""Progress where there is no terminal: lines for long work, nothing else."""

from __future__ import annotations

import pytest

from core.runtime.progress import progress, progress_lines


def test_lines_say_how_much_is_done_and_how_long_the_rest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    now_s = [0.0]
    step = progress_lines("RUT/SPX", 10.0, lambda: now_s[0])
    for seconds, done in ((1.0, 10), (12.0, 120), (13.0, 130), (30.0, 300)):
        now_s[0] = seconds
        step(done, 1_200)
    assert capsys.readouterr().err.splitlines() == [
        "RUT/SPX: 120 of 1,200, about 108 s left",
        "RUT/SPX: 300 of 1,200, about 90 s left",
    ]


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading history") as step:
        step(1, 2)
    with progress("simulations", lines_every_s=60.0) as step:
        step(1, 2)
    assert capsys.readouterr() == ("", "")
