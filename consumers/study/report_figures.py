"""Figures of a study report: the ratio line with its events, and differences with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from consumers.study.report import PairReport, Rarity
from core.research.base_rate_rows import LARGEST_Q, BaseRate

_SHOWN_AT_FIRST: Final = 8
"""Definitions shown at first, rarest first; more markers would hide the line."""
_SHOWN_VALUES: Final = 4
_HORIZON: Final = 20
_INK: Final = "#1c2733"
_LINE: Final = "#5b7083"
_SURE: Final = "#b4442f"
_UNSURE: Final = "#9aa7b2"
_SYMBOLS: Final = ("circle", "diamond", "triangle-up", "square", "star", "cross", "x", "pentagon")
_BUTTONS: Final = [["zoom2d", "pan2d", "resetScale2d", "toImage"]]
_COLOURS: Final = ("#b4442f", "#1f6f8b", "#c98a1b", "#5b7f3a", "#7a4a8c", "#2f4858", "#a8577e", "#477998")


def library() -> str:
    """Return the plotting library's script, included once per page."""
    script: str = get_plotlyjs()
    return script


def ratio_figure(report: PairReport, number: int) -> str:
    """Plot the ratio line with openings as markers; only the rarest definitions are shown at first.

    Args:
        report: Content of the pair.
        number: Position of the pair on the page, for the element's id.

    Returns:
        HTML of one element with its script.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=list(report.dates),
        y=np.round(report.ratio_line, 4).tolist(),
        mode="lines",
        name=report.pair,
        line={"color": _LINE, "width": 1.3},
        hovertemplate="%{x}: %{y:.2f}<extra></extra>",
    )
    heights = dict(zip(report.dates, np.round(report.ratio_line, 4).tolist(), strict=True))
    # Later traces are drawn on top, so the rarest come last.
    for order, rarity in reversed(list(enumerate(report.rarities))):
        _add_openings(figure, rarity, heights, order)
    figure.update_layout(
        **_layout(460),
        yaxis={"type": "log", "title": {"text": "ratio, 100 at the start (log)"}, "gridcolor": "#e4e9ed"},
        xaxis={"gridcolor": "#eef2f5", "rangeslider": {"visible": False}},
        legend={"orientation": "v", "font": {"size": 11}, "itemsizing": "constant"},
        hovermode="closest",
    )
    return _element(figure, f"ratio-{number}")


def _add_openings(figure: Any, rarity: Rarity, heights: Mapping[str, float], order: int) -> None:
    shown = [one for one in rarity.openings if one.date in heights]
    if not shown:
        return
    texts = []
    for one in shown:
        values = list(one.values.items())[:_SHOWN_VALUES]
        shown_values = [f"{name} {_short(value)}" for name, value in values]
        before = f"previous: {one.before}" if one.before else "first in the history"
        texts.append("<br>".join([f"<b>{rarity.definition}</b> {one.date}", *shown_values, before]))
    figure.add_scatter(
        x=[one.date for one in shown],
        y=[heights[one.date] for one in shown],
        mode="markers",
        name=f"{rarity.definition} ({len(shown)})",
        text=texts,
        hovertemplate="%{text}<extra></extra>",
        legendrank=1001 + order,
        visible=True if order < _SHOWN_AT_FIRST else "legendonly",
        marker={
            "symbol": _SYMBOLS[order % len(_SYMBOLS)],
            "color": _COLOURS[(order + order // len(_SYMBOLS)) % len(_COLOURS)],
            "size": 9,
            "line": {"width": 1, "color": "white"},
        },
    )


def interval_figure(rates: Sequence[BaseRate], number: int) -> str:
    """Plot the difference from all days with its interval over 20 sessions, one row per definition.

    Args:
        rates: Base rates of one pair.
        number: Position of the pair on the page.

    Returns:
        HTML of one element with its script; "" if no definition has enough cases.
    """
    rows = [
        (row.definition, row.n_declustered, row.difference_pp, *row.difference_interval_pp, row.q_value)
        for row in rates
        if row.horizon_sessions == _HORIZON and row.difference_interval_pp and row.difference_pp is not None
    ]
    if not rows:
        return ""
    rows.sort(key=lambda row: row[2])
    middle = [row[2] for row in rows]
    sure = [row[5] is not None and row[5] <= LARGEST_Q for row in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=middle,
        y=[f"{row[0]} ({row[1]})" for row in rows],
        mode="markers",
        marker={"size": 8, "color": [_SURE if each else _UNSURE for each in sure]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [round(row[4] - row[2], 4) for row in rows],
            "arrayminus": [round(row[2] - row[3], 4) for row in rows],
            "color": _UNSURE,
            "thickness": 1.2,
        },
        hovertemplate="%{y}: %{x:+.2f} pp<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=0, line={"color": _INK, "width": 1})
    figure.update_layout(
        **_layout(90 + 22 * len(rows)),
        xaxis={
            "title": {"text": f"difference from all days over {_HORIZON} sessions, pp"},
            "gridcolor": "#e4e9ed",
        },
        yaxis={"automargin": True, "gridcolor": "#eef2f5"},
    )
    return _element(figure, f"intervals-{number}")


def _layout(height: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 60, "r": 20, "t": 20, "b": 50},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": _INK},
    }


def _element(figure: Any, identity: str) -> str:
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=identity,
        config={"displaylogo": False, "responsive": True, "modeBarButtons": _BUTTONS},
    )
    return html


def _short(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else f"{value:,.4g}"
