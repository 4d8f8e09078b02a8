"""Renders a study report as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from consumers.study.report import PairReport, Rarity, Report
from consumers.study.report_figures import interval_figure, library, ratio_figure
from core.research.base_rate_rows import LARGEST_Q, BaseRate

_UNKNOWN: Final = "–"
_NOTE: Final = (
    '<p class="note">Bars are pointwise 95 % intervals, with the number of cases in brackets. A point is red '
    f"where the q-value, corrected for all tests made, is at most {LARGEST_Q}.</p>"
)


def render(report: Report) -> str:
    """Render the page.

    Args:
        report: Its content; the same report gives the same page.
    """
    page = Template((files("consumers.study") / "report.html").read_text(encoding="utf-8"))
    sections = [_pair(pair, number) for number, pair in enumerate(report.pairs)]
    links = [f'<a href="#pair-{number}">{escape(pair.pair)}</a>' for number, pair in enumerate(report.pairs)]
    return page.substitute(
        title=escape(f"Rotascope study: {', '.join(pair.pair for pair in report.pairs)}"),
        as_of=escape(report.as_of),
        catalogue=escape(report.catalogue),
        family_size=f"{report.family_size:,}",
        links=" ".join(links) if len(links) > 1 else "",
        sections="\n".join(sections),
        library=library(),
    )


def _pair(report: PairReport, number: int) -> str:
    if not report.dates:
        return (
            f'<section id="pair-{number}"><h2>{escape(report.pair)}</h2><p>No session to show.</p></section>'
        )
    intervals = interval_figure(report.rates, number)
    return "\n".join(
        (
            f'<section id="pair-{number}">',
            f"<h2>{escape(report.pair)}</h2>",
            f"<p>{len(report.dates):,} sessions, {report.dates[0]} to {report.dates[-1]}</p>",
            _summary(report),
            ratio_figure(report, number),
            '<p class="note">Markers are openings. Only the rarest definitions are shown at first; a click '
            "in the legend shows or hides one.</p>",
            "<h3>Rarity</h3>",
            _rarities(report.rarities),
            "<h3>What followed</h3>",
            intervals or '<p class="note">No definition has ten cases at least one horizon apart.</p>',
            _NOTE if intervals else "",
            "<details open><summary>Every definition and horizon</summary>",
            _rates(report.rates),
            "</details></section>",
        )
    )


def _summary(report: PairReport) -> str:
    tiles = [("ratio line", float(report.ratio_line[-1])), *report.summary.items()]
    inner = "".join(
        f"<div><span>{escape(name.replace('_', ' '))}</span><b>{_number(value)}</b></div>"
        for name, value in tiles
    )
    return f'<div class="tiles">{inner}</div>'


def _rarities(rarities: Sequence[Rarity]) -> str:
    rows = []
    for rarity in rarities:
        latest = rarity.openings[-1]
        values = ", ".join(f"{name} {_number(value)}" for name, value in list(latest.values.items())[:4])
        gap = rarity.gap_years
        rows.append(
            (
                escape(rarity.definition),
                f"{len(rarity.openings):,}",
                f"{rarity.a_year:.2f}",
                latest.date,
                latest.before or "none",
                _UNKNOWN if gap is None else f"{gap:.1f}",
                escape(values),
            )
        )
    heads = (
        "definition",
        "openings",
        "per year",
        "latest",
        "previous",
        "years between",
        "latest values",
    )
    return _table("rarity", heads, rows, left={0, 6})


def _rates(rates: Sequence[BaseRate]) -> str:
    rows = [
        (
            escape(row.definition),
            str(row.horizon_sessions),
            f"{row.n:,}",
            f"{row.n_declustered:,}",
            f"{row.hits}" if row.hit_rate is None else f"{100 * row.hit_rate:.0f} %",
            _interval(row.hit_rate_interval, 100.0, 0),
            _number(row.mean_spread_pp),
            _number(row.all_days_mean_spread_pp),
            _number(row.difference_pp),
            _interval(row.difference_interval_pp, 1.0, 2),
            _number(row.q_value),
            escape(row.wording),
        )
        for row in rates
        if row.n
    ]
    heads = (
        "definition",
        "sessions",
        "cases",
        "apart",
        "ahead",
        "95 %",
        "spread pp",
        "all days pp",
        "difference pp",
        "95 %",
        "q",
        "in words",
    )
    return _table("rates", heads, rows, left={0, 11})


def _table(name: str, heads: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> str:
    """Render a table; `rows` contain HTML, `left` lists the text columns."""

    def cells(tag: str, row: Sequence[str]) -> str:
        words = [' class="words"' if column in left else "" for column in range(len(row))]
        return "".join(f"<{tag}{word}>{cell}</{tag}>" for word, cell in zip(words, row, strict=True))

    body = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table class="{name}"><thead><tr>{cells("th", heads)}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _number(value: float | str | None) -> str:
    if value is None:
        return _UNKNOWN
    return escape(value) if isinstance(value, str) else f"{value:,.4g}"


def _interval(bounds: tuple[float, float] | None, factor: float, decimals: int) -> str:
    if bounds is None:
        return _UNKNOWN
    low, high = (f"{factor * bound:.{decimals}f}" for bound in bounds)
    return f"{low} … {high}"
