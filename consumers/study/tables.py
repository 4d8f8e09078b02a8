"""Terminal tables of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from consumers.study.values import DayValues
from core.model.figure_text import plural
from core.model.timestamps import date_text
from core.research.base_rate_rows import BaseRate

_WIDTH: Final = 200
"""Table width when the output is not a terminal, wide enough that no cell wraps."""
_SHOWN_HORIZON: Final = 20


def print_table(table: Table) -> None:
    """Print a table to standard output."""
    console = Console()
    (console if console.is_terminal else Console(width=_WIDTH)).print(table)


def events_table(events: Sequence[Mapping[str, Any]]) -> Table:
    """Build a table of event data, oldest first."""
    table = Table(title=plural(len(events), "event"), title_justify="left")
    for header in ("time", "pair", "definition", "state", "a year", "summary"):
        right = header == "a year"
        table.add_column(header, no_wrap=header != "summary", justify="right" if right else "left")
    table.add_column(f"followed ({_SHOWN_HORIZON} sessions)")
    for event in events:
        table.add_row(
            event["event_time"],
            event["pair"],
            event["definition"],
            event["state"],
            "–" if event["openings_per_year"] is None else f"{event['openings_per_year']:.2f}",
            event["summary"],
            _followed(event["base_rate"]),
        )
    return table


def base_rates_table(rows: Sequence[BaseRate]) -> Table:
    """Build a table of base rates, one row each."""
    as_of = date_text(rows[0].as_of) if rows else ""
    title = (
        f"base rates as of {as_of}; returns from the next close; family of {rows[0].family_size}"
        if rows
        else ""
    )
    table = Table(title=title or "no base rates", title_justify="left")
    for header in ("definition", "pair"):
        table.add_column(header, no_wrap=True)
    for header in ("sessions", "n", "apart", "ahead", "95 %", "instrument %", "benchmark %", "spread pp"):
        table.add_column(header, justify="right", no_wrap=True)
    for header in ("all days pp", "difference pp", "95 %", "q"):
        table.add_column(header, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.definition,
            row.pair,
            str(row.horizon_sessions),
            str(row.n),
            str(row.n_declustered),
            f"{row.hits}" if row.hit_rate is None else f"{100 * row.hit_rate:.0f} %",
            _interval(row.hit_rate_interval, 100.0, 0),
            _figure(row.mean_instrument_pct),
            _figure(row.mean_benchmark_pct),
            _figure(row.mean_spread_pp),
            _figure(row.all_days_mean_spread_pp),
            _figure(row.difference_pp),
            _interval(row.difference_interval_pp, 1.0, 2),
            _figure(row.q_value),
        )
    return table


def values_table(values: DayValues) -> Table:
    """Build a table of one day's values, with the reason for each unknown one."""
    table = Table(
        title=f"{values.pair} on {values.date} (history from {values.history_start})", title_justify="left"
    )
    table.add_column("value", no_wrap=True)
    table.add_column("figure", justify="right")
    table.add_column("observations", justify="right")
    table.add_column("unknown because")
    for name, value in values.values.items():
        table.add_row(
            name,
            _figure(value),
            str(values.observations[name]),
            values.reasons.get(name, "").replace("_", " "),
        )
    return table


def _figure(value: float | str | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _interval(bounds: tuple[float, float] | None, factor: float, decimals: int) -> str:
    if bounds is None:
        return "–"
    low, high = (f"{factor * bound:.{decimals}f}" for bound in bounds)
    return f"{low} … {high}"


def _followed(base_rate: Mapping[str, Any] | None) -> str:
    if base_rate is None:
        return "–"
    for horizon in base_rate["horizons"]:
        if horizon["horizon_sessions"] == _SHOWN_HORIZON:
            return str(horizon["wording"])
    return "–"
