"""Charts of a study report, drawn as SVG: the ratio line with its episodes, and intervals.

A chart is as wide as the page. Text and bars are placed in percent of the width, with sizes in pixels, so
that they can be read on a telephone; only the ratio line is stretched. There is no script: what a pointer
shows is the `title` of an element, and the same dates also stand in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.study.report_axes import date_marks, round_values
from consumers.study.report_openings import Opening, ReportedDefinition
from consumers.study.report_wording import values_text
from core.model.instruments import Pair
from core.research.base_rate_rows import LARGEST_Q, BaseRate

MOST_LANES: Final = 10
"""Definitions in a chart, the rarest; more would hide each other."""
_PLOT: Final = 240
"""Height of the ratio line's part, pixels; so are the next three."""
_AXIS: Final = 26
_LANE: Final = 34
_BAR: Final = 10
_WIDE: Final = 4000
_HIGH: Final = 1000
"""Width and height of the ratio line's own coordinates, which are stretched to the chart."""
_MARGIN: Final = 0.04
"""Empty part above and below the ratio line, of its range."""


def lanes_of(definitions: Sequence[ReportedDefinition], first: str) -> list[ReportedDefinition]:
    """Return the definitions that a chart from a date on shows: the rarest with an episode in it."""
    within = [each for each in definitions if shown_openings(each, first)]
    return within[:MOST_LANES]


def shown_openings(definition: ReportedDefinition, first: str) -> list[Opening]:
    """Return the openings whose episode reaches into a chart from a date on."""
    return [one for one in definition.openings if one.end is None or one.end >= first]


def ratio_figure(
    pair: Pair,
    dates: Sequence[str],
    line: NDArray[np.float64],
    lanes: Sequence[ReportedDefinition],
    label: str,
) -> str:
    """Draw the ratio line on a logarithmic scale, and under it a lane of episodes for each definition.

    Args:
        pair: The pair.
        dates: Session dates, at least two.
        line: float64 (n,): the ratio, NaN where unknown.
        lanes: Definitions, from top to bottom.
        label: What the chart shows, for readers who do not see it.

    Returns:
        One SVG element; "" if no ratio is known.
    """
    known = line[np.isfinite(line)]
    if len(known) < 2 or len(dates) < 2:
        return ""
    low, high = np.log(known.min()), np.log(known.max())
    margin = _MARGIN * (high - low) if high > low else 0.01
    low, high = low - margin, high + margin
    share = (high - np.log(line)) / (high - low)
    height = _PLOT + _AXIS + _LANE * len(lanes)
    lines, labels = _value_grid(float(np.exp(low)), float(np.exp(high)))
    parts = [
        f'<svg class="chart" role="img" aria-label="{escape(label)}" width="100%" height="{height}">',
        *lines,
        *_date_grid(dates, height),
        f'<svg width="100%" height="{_PLOT}" viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none">',
        f'<path class="line" d="{_path(share)}"/></svg>',
        *labels,  # after the line, which they would stand behind
    ]
    for number, lane in enumerate(lanes):
        parts += _lane(pair, lane, dates, _PLOT + _AXIS + _LANE * number)
    return "\n".join((*parts, "</svg>"))


def _value_grid(low: float, high: float) -> tuple[list[str], list[str]]:
    """Return grid lines and their labels."""
    lines, labels = [], []
    for value in round_values(low, high):
        y = _PLOT * (np.log(high) - np.log(value)) / (np.log(high) - np.log(low))
        lines.append(f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
        labels.append(f'<text x="2" y="{y - 3:.1f}">{value:g}</text>')
    return lines, labels


def _date_grid(dates: Sequence[str], height: int) -> list[str]:
    parts = []
    marks = date_marks(dates)
    for number, (row, label) in enumerate(marks):
        x = _percent(row, len(dates))
        # Every second label is left out where the page is narrow.
        seldom = ' class="seldom"' if number % 2 else ""
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{height}"/>')
        parts.append(f'<text{seldom} x="{x}" dx="3" y="{_PLOT + 14}">{label}</text>')
    return parts


def _path(share: NDArray[np.float64]) -> str:
    """Return the line as moves and relative lines in whole units; an unknown value interrupts it."""
    xs = np.round(np.linspace(0.0, _WIDE, len(share))).astype(int).tolist()
    steps = []
    at: tuple[int, int] | None = None
    for x, part in zip(xs, share.tolist(), strict=True):
        if not np.isfinite(part):
            at = None
            continue
        here = (x, round(part * _HIGH))
        steps.append(f"M{here[0]} {here[1]}" if at is None else f"l{here[0] - at[0]} {here[1] - at[1]}")
        at = here
    return "".join(steps)


def _lane(pair: Pair, lane: ReportedDefinition, dates: Sequence[str], top: int) -> list[str]:
    shown = shown_openings(lane, dates[0])
    rows = np.searchsorted(np.array(dates), [[one.date, one.end or dates[-1]] for one in shown])
    y = top + _LANE - _BAR - 4
    name = escape(lane.definition.title)
    parts = [
        f'<g class="lane"><text x="2" y="{top + 13}">{name} ({len(shown)})</text>',
        f'<line class="base" x1="0" x2="100%" y1="{y + _BAR}" y2="{y + _BAR}"/>',
    ]
    for one, (begin, end) in zip(shown, rows.tolist(), strict=True):
        x, width = _percent(begin, len(dates)), _percent(end - begin, len(dates))
        # A rectangle without width is not drawn; the line marks the opening, unless that is before the chart.
        opening = f'<line x1="{x}" x2="{x}" y1="{y - 3}" y2="{y + _BAR}"/>' if one.date >= dates[0] else ""
        parts.append(
            f'<g class="episode"><title>{escape(_told(pair, lane, one))}</title>'
            f'<rect x="{x}" width="{width}" y="{y}" height="{_BAR}"/>{opening}</g>'
        )
    return [*parts, "</g>"]


def _told(pair: Pair, lane: ReportedDefinition, one: Opening) -> str:
    until = "open" if one.end is None else f"until {one.end}" if one.end != one.date else "that session only"
    return f"{lane.definition.title}, {one.date}, {until}: {values_text(one.values, pair)}"


def _percent(row: int, count: int) -> str:
    return f"{100.0 * row / (count - 1):.2f}%"


def interval_domain(rows: Sequence[BaseRate]) -> tuple[float, float]:
    """Return the range of differences that interval bars share; it contains zero."""
    bounds = [bound for row in rows for bound in row.difference_interval_pp or ()]
    low, high = min(0.0, *bounds), max(0.0, *bounds)
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


def interval_bar(row: BaseRate, domain: tuple[float, float]) -> str:
    """Draw one interval with its mean and the zero line; the row of its table has the same figures.

    Args:
        row: A row with an interval.
        domain: From `interval_domain`.
    """
    if row.difference_interval_pp is None or row.difference_pp is None:
        return ""
    low, high = domain

    def x(value: float) -> str:
        return f"{100.0 * (value - low) / (high - low):.2f}%"

    begin, end = row.difference_interval_pp
    sure = ' class="sure"' if row.q_value is not None and row.q_value <= LARGEST_Q else ""
    return (
        f'<svg class="interval" aria-hidden="true" width="100%" height="16"><line class="zero" x1="{x(0.0)}" '
        f'x2="{x(0.0)}" y1="0" y2="16"/><g{sure}><line x1="{x(begin)}" x2="{x(end)}" y1="8" y2="8"/>'
        f'<circle cx="{x(row.difference_pp)}" cy="8" r="4"/></g></svg>'
    )
