"""Closes that jump by a round factor: a unit mistaken for a day, or a split nobody adjusted for.

A real close does such a thing too, if rarely. So nothing is mended: what cannot be trusted is left out, the
finding names the day and the factor, and whoever knows better confirms the day.

- The factor goes back within a few rows: the rows between were in another unit. They are left out.
- It stays: the rows before are on another scale. They are left out, because every window over the step
  would be wrong.
- It comes in the last rows of the file: which of the two it is cannot be told. The file is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from core.daily.findings import CheckedHistory, Finding
from core.model.errors import HistoryError
from core.model.sessions import Calendar

_FACTORS: Final = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100, 1000, 10_000)
_ABOUT: Final = 0.1
"""How far from a factor is about that factor: as much as a market moves in a day."""
_LARGEST: Final = 1e18
"""A larger factor is told as this."""
_NEVER_REAL: Final = 5.5
"""No market moves by such a factor within a session."""
_GLITCH_ROWS: Final = 5
"""Longest stretch of rows that counts as one mistake."""
_MOST_MISSING: Final = 5
"""Sessions that may lie between two rows that are compared; over more a price may have gone anywhere."""


class _Jump(NamedTuple):
    """A row whose close is about `factor` times, or a part of, the one before."""

    row: int
    factor: int
    up: bool


def without_jumps(
    frame: pl.DataFrame, calendar: Calendar, *, symbol: str, name: str, confirmed: Collection[date] = ()
) -> CheckedHistory:
    """Leave out closes in another unit, and those before a change of scale.

    Args:
        frame: A checked daily frame of prices; a rate may double in a day.
        calendar: Its calendar.
        symbol: What the operator confirms a day for.
        name: What error messages call the file.
        confirmed: Days whose jump is real.

    Returns:
        The frame that is left, and what was left out.

    Raises:
        HistoryError: A jump in the last rows.
    """
    jumps = _jumps(frame, calendar)
    missed = sorted(set(confirmed) - {frame["date"][jump.row] for jump in jumps})
    findings = (
        [Finding("no_such_jump", tuple(missed), "confirmed, but the file has no jump there")]
        if missed
        else []
    )
    jumps = [jump for jump in jumps if frame["date"][jump.row] not in confirmed]
    if not jumps:
        return CheckedHistory(frame, findings)
    mistaken = np.zeros(frame.height, bool)
    steps: list[_Jump] = []
    waiting = list(jumps)
    while waiting:
        jump = waiting.pop(0)
        back = next((each for each in waiting if _undoes(each, jump)), None)
        if back is None:
            steps.append(jump)
            continue
        mistaken[jump.row : back.row] = True
        waiting = [each for each in waiting if each.row > back.row]
        findings.append(_glitch(frame, jump, back, symbol))
    for step in steps:
        if frame.height - step.row < _GLITCH_ROWS:
            raise HistoryError(
                f"{name}: the close of {frame['date'][step.row]} is {_said(step)} the one before, "
                f"{_closes(frame, step)}",
                operator_action="correct the unit or adjust for the split, or confirm a real move with "
                f"--accept-jump {symbol}:{frame['date'][step.row]}",
            )
    keep = ~mistaken
    if steps:
        keep[: steps[-1].row] = False
        findings.append(_step(frame, steps, symbol))
    return CheckedHistory(frame.filter(pl.Series(keep)), _grouped(findings))


def _jumps(frame: pl.DataFrame, calendar: Calendar) -> list[_Jump]:
    close = frame["close"].to_numpy()
    sessions = frame["date"].cast(pl.Int32).to_numpy()
    rows = np.searchsorted(calendar.session, sessions)
    with np.errstate(over="ignore", divide="ignore"):
        ratio = close[1:] / close[:-1]
        size = np.maximum(ratio, 1 / ratio)
    near = np.diff(rows) <= _MOST_MISSING + 1
    found: list[_Jump] = []
    for before in np.flatnonzero((size >= 2 * (1 - _ABOUT)) & near).tolist():
        factor = _factor(float(size[before]))
        if factor and not (size[before] < _NEVER_REAL and _traded_through(frame, before)):
            found.append(_Jump(before + 1, factor, bool(ratio[before] > 1)))
    return found


def _factor(size: float) -> int:
    """Name the factor a size is about; 0 where it is a price move as any other.

    Example:
        >>> _factor(4.1), _factor(98.0), _factor(3.45), _factor(7000.0)
        (4, 100, 0, 7000)
    """
    nearest = min(_FACTORS, key=lambda factor: abs(size / factor - 1))
    if abs(size / nearest - 1) <= _ABOUT:
        return nearest
    return round(min(size, _LARGEST)) if size >= _NEVER_REAL else 0


def _traded_through(frame: pl.DataFrame, before: int) -> bool:
    """Whether the day's range reaches well back to the close before: then it was traded, and no mistake."""
    if not {"high", "low"} <= set(frame.columns):
        return False
    high, low = frame["high"][before + 1], frame["low"][before + 1]
    close, earlier = frame["close"][before + 1], frame["close"][before]
    if high is None or low is None:
        return False
    middle = float(np.sqrt(close * earlier))
    return bool(low <= middle if close > earlier else high >= middle)


def _undoes(back: _Jump, jump: _Jump) -> bool:
    within = back.row - jump.row <= _GLITCH_ROWS
    return within and back.up != jump.up and abs(back.factor / jump.factor - 1) <= 2 * _ABOUT


def _said(jump: _Jump) -> str:
    return f"about {jump.factor} times" if jump.up else f"about 1/{jump.factor} of"


def _closes(frame: pl.DataFrame, jump: _Jump) -> str:
    return f"{frame['close'][jump.row]:.12g} after {frame['close'][jump.row - 1]:.12g}"


def _glitch(frame: pl.DataFrame, jump: _Jump, back: _Jump, symbol: str) -> Finding:
    dates = tuple(frame["date"][jump.row : back.row].to_list())
    return Finding(
        "unit_glitch",
        dates,
        f"the close is {_said(jump)} its neighbours'; left out. Correct it, or confirm a real move with "
        f"--accept-jump {symbol}:{dates[0]} and {symbol}:{frame['date'][back.row]}",
    )


def _step(frame: pl.DataFrame, steps: list[_Jump], symbol: str) -> Finding:
    last = steps[-1]
    return Finding(
        "scale_step",
        tuple(frame["date"][step.row] for step in steps),
        f"the close is {_said(last)} the one before and stays so, as after a split; the {last.row} "
        "rows before were left out. Adjust them, or confirm a real move: "
        f"--accept-jump {symbol}:{frame['date'][last.row]}",
    )


def _grouped(findings: list[Finding]) -> list[Finding]:
    """Take many glitches as one finding, so that a bad file does not fill the log."""
    glitches = [finding for finding in findings if finding.kind == "unit_glitch"]
    if len(glitches) < 2:
        return findings
    dates = tuple(day for finding in glitches for day in finding.dates)
    told = Finding(
        "unit_glitch", dates, f"{glitches[0].message}; and {len(glitches) - 1} more such stretches"
    )
    rest = [finding for finding in findings if finding.kind != "unit_glitch"]
    return [told, *rest]
