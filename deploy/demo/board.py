"""The board of the live screen: relative strength by pair and window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deploy.demo.fitting import fitting_columns, whole_words
from deploy.demo.progress import Progress

WINDOWS: Final = ("1m", "5m", "15m", "1h", "1d", "5d", "21d", "63d", "252d", "week", "month", "year")
PRIORITY: Final = ("1d", "5d", "21d", "252d", "1h", "year", "5m", "63d", "month", "week", "15m", "1m")
"""Windows in the order in which a wider terminal shows them."""
TITLE: Final = "relative strength, %: the numerator's gain on the benchmark   · not known yet"
TITLE_LINES: Final = 2
"""Title and column headings."""
_UNKNOWN: Final = "·"
_LEAST_WIDTH: Final = 5


def board(progress: Progress, width: int, rows: int) -> RenderableType:
    """Render the change of each pair's strength line by window, in percent.

    Args:
        progress: The values.
        width: Width of the terminal; columns that do not fit are left out.
        rows: Number of lines that there is room for below the headings, at least 1.
    """
    pairs = [pair for (pair,) in progress.ratios]
    hidden = len(pairs) - rows
    if hidden > 0:
        pairs = pairs[: rows - 1]
    cells = {
        "pair": pairs,
        "ratio": [f"{progress.ratios[pair,]:.4f}" for pair in pairs],
        **{window: [_percent(progress.strength.get((pair, window))) for pair in pairs] for window in WINDOWS},
    }
    chosen = fitting_columns(_widths(cells), width, ("pair", PRIORITY[0], "ratio", *PRIORITY[1:]))
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in chosen:
        table.add_column(name, justify="left" if name == "pair" else "right", no_wrap=True)
    for row in range(len(pairs)):
        table.add_row(*(Text(cells[name][row], style=_style(name, cells[name][row])) for name in chosen))
    parts: list[RenderableType] = [Text(whole_words(TITLE, width), style="dim", no_wrap=True), table]
    if hidden > 0:
        more = f" {len(progress.ratios) - len(pairs)} more pairs on a taller terminal"
        parts.append(Text(whole_words(more, width), style="dim", no_wrap=True))
    return Group(*parts)


def _widths(cells: Mapping[str, Iterable[str]]) -> dict[str, int]:
    return {
        name: max([len(name), *map(len, texts), 0 if name in ("pair", "ratio") else _LEAST_WIDTH])
        for name, texts in cells.items()
    }


def _percent(value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    return "0.00" if abs(value) < 0.005 else f"{value:+.2f}"


def _style(name: str, text: str) -> str:
    if name == "pair":
        return "bold"
    if name == "ratio":
        return ""
    return {"+": "green", "-": "red"}.get(text[0], "dim")
