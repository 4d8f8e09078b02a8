"""Detects closes that jump by a round factor: a wrong unit for some days, or an unadjusted split.

Real closes rarely do so too. So nothing is corrected: untrustworthy rows are dropped, the finding names the
day and the factor, and the operator can confirm the day as real.

- The factor reverses within a few rows: the rows between are in another unit. They are dropped.
- It persists: the earlier rows are on another scale. They are dropped, because every window over the step
  would be wrong.
- It occurs in the last rows of the file: the two cases cannot be distinguished. The file is refused.
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
"""Tolerance around a factor: as much as a market moves in a day."""
_LARGEST: Final = 1e18
"""A larger factor is reported as this."""
_NEVER_REAL: Final = 5.5
"""A factor by which no market moves within a session."""
_GLITCH_ROWS: Final = 5
"""Maximum number of rows of one glitch."""
_MOST_MISSING: Final = 5
"""Maximum sessions between two compared rows; over a longer gap a price may have moved arbitrarily."""


class _Jump(NamedTuple):
    """A row whose close is about `factor` times, or a part of, the one before."""

    row: int
    factor: int
    up: bool


def without_jumps(
    frame: pl.DataFrame, calendar: Calendar, *, symbol: str, name: str, confirmed: Collection[date] = ()
) -> CheckedHistory:
    """Drop closes in another unit, and those before a change of scale.

    Args:
        frame: A validated daily frame of prices (not rates, which may double in a day).
        calendar: Its calendar.
        symbol: Symbol for the operator's confirmation.
        name: Name of the file in messages.
        confirmed: Days whose jump is confirmed as real.

    Returns:
        The remaining frame, and the findings.

    Raises:
        HistoryError: There is a jump in the last rows.
    """
    jumps = _jumps(frame, calendar)
    missed = sorted(set(confirmed) - {frame["date"][jump.row] for jump in jumps})
    findings = (
        [Finding("no_such_jump", tuple(missed), "confirmed, but the file has no jump on this day")]
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
                f"{name}: the close of {frame['date'][step.row]} is {_said(step)} the previous one, "
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
    """Return the round factor that a ratio is close to; 0 for an ordinary price move.

    Example:
        >>> _factor(4.1), _factor(98.0), _factor(3.45), _factor(7000.0)
        (4, 100, 0, 7000)
    """
    nearest = min(_FACTORS, key=lambda factor: abs(size / factor - 1))
    if abs(size / nearest - 1) <= _ABOUT:
        return nearest
    return round(min(size, _LARGEST)) if size >= _NEVER_REAL else 0


def _traded_through(frame: pl.DataFrame, before: int) -> bool:
    """Return whether the day's range reaches back to the previous close, so that the move is real."""
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
        f"the close is {_said(jump)} the adjacent ones; dropped. Correct it, or confirm a real move with "
        f"--accept-jump {symbol}:{dates[0]} and {symbol}:{frame['date'][back.row]}",
    )


def _step(frame: pl.DataFrame, steps: list[_Jump], symbol: str) -> Finding:
    last = steps[-1]
    return Finding(
        "scale_step",
        tuple(frame["date"][step.row] for step in steps),
        f"the close is {_said(last)} the previous one and stays so, as after a split; the {last.row} "
        "earlier rows were dropped. Adjust them, or confirm a real move: "
        f"--accept-jump {symbol}:{frame['date'][last.row]}",
    )


def _grouped(findings: list[Finding]) -> list[Finding]:
    """Combine many glitches into one finding, so that a bad file does not flood the log."""
    glitches = [finding for finding in findings if finding.kind == "unit_glitch"]
    if len(glitches) < 2:
        return findings
    dates = tuple(day for finding in glitches for day in finding.dates)
    told = Finding(
        "unit_glitch", dates, f"{glitches[0].message}; and {len(glitches) - 1} more such stretches"
    )
    rest = [finding for finding in findings if finding.kind != "unit_glitch"]
    return [told, *rest]
