"""Tables of a study report, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from consumers.study.report import PairReport
from consumers.study.report_figures import interval_bar, interval_domain, shown_openings
from consumers.study.report_openings import LATELY_SESSIONS, Opening, ReportedDefinition
from consumers.study.report_wording import (
    SHOWN_HORIZON,
    UNKNOWN,
    how_often,
    minus,
    values_text,
)
from core.model.figure_text import plural
from core.research.base_rate_rows import LARGEST_Q, BaseRate


@dataclass(frozen=True, slots=True)
class PageColumn:
    """A column of a table.

    Args:
        head: Its head.
        words: Whether it holds words, which are written from the left and wrapped.
        seldom: Whether it is left out on a narrow page.
    """

    head: str
    words: bool = False
    seldom: bool = False

    @property
    def classes(self) -> str:
        """The attribute of its cells."""
        names = [name for name, given in (("words", self.words), ("seldom", self.seldom)) if given]
        return f' class="{" ".join(names)}"' if names else ""


def table(name: str, caption: str, columns: Sequence[PageColumn], rows: Iterable[Sequence[str]]) -> str:
    """Render a table whose first column names the row.

    Args:
        name: Its class.
        caption: Its caption, plain text.
        columns: Its columns.
        rows: Cells as HTML.
    """
    heads = "".join(f'<th scope="col"{each.classes}>{each.head}</th>' for each in columns)
    lines = []
    for first, *others in rows:
        cells = zip(columns[1:], others, strict=True)
        lines.append(
            f'<tr><th scope="row"{columns[0].classes}>{first}</th>'
            + "".join(f"<td{column.classes}>{cell}</td>" for column, cell in cells)
            + "</tr>"
        )
    body = "\n".join(lines)
    return (
        f'<table class="{name}"><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table>"
    )


def open_table(report: PairReport) -> str:
    """Render the open episodes."""
    columns = (
        PageColumn("definition", words=True),
        PageColumn("opened"),
        PageColumn("sessions ago"),
        PageColumn("confirmed", seldom=True),
        PageColumn("how often", words=True),
        PageColumn("what happened", words=True, seldom=True),
    )
    rows = [
        (
            escape(each.definition.title),
            one.date,
            f"{one.sessions_ago:,}",
            "yes" if one.confirmed else "no",
            how_often(each.a_year),
            escape(one.summary),
        )
        for each, one in report.open_now
    ]
    if not rows:
        return "<p>Nothing is open.</p>"
    return table(
        "open", "Episodes that are open at the last close, the rarest definition first", columns, rows
    )


def lately_table(report: PairReport) -> str:
    """Render the recent openings."""
    columns = (
        PageColumn("definition", words=True),
        PageColumn("opened"),
        PageColumn("since then", seldom=True),
        PageColumn("how often", words=True),
        PageColumn("what happened", words=True, seldom=True),
    )
    rows = [
        (
            escape(each.definition.title),
            one.date,
            _fate(each, one),
            how_often(each.a_year),
            escape(one.summary),
        )
        for each, one in report.lately
    ]
    caption = f"The latest opening of each definition that opened in the last {LATELY_SESSIONS} sessions"
    return table("lately", caption, columns, rows) if rows else "<p>Nothing.</p>"


def _fate(each: ReportedDefinition, one: Opening) -> str:
    if each.definition.point:
        return "of that session only"
    return "open" if one.end is None else f"ended {one.end}"


def episodes_table(report: PairReport, lanes: Sequence[ReportedDefinition], first: str) -> str:
    """Render what the bars of a chart show, as text."""
    columns = (PageColumn("definition", words=True), PageColumn("openings, each with its end", words=True))
    rows = [
        (escape(lane.definition.title), "; ".join(_span(one) for one in shown_openings(lane, first)))
        for lane in lanes
    ]
    return table("episodes", f"Episodes in the chart, from {first} on", columns, rows)


def _span(one: Opening) -> str:
    if one.end == one.date:
        return one.date
    return f"{one.date} to {one.end}" if one.end else f"{one.date}, open"


def rarity_table(report: PairReport) -> str:
    """Render how often each definition opened, in history and by chance."""
    chance = (PageColumn("by chance, a year", seldom=True), PageColumn("against chance"))
    columns = (
        PageColumn("definition", words=True),
        PageColumn("openings", seldom=True),
        PageColumn("a year"),
        *(chance if report.has_chance else ()),
        PageColumn("latest"),
        PageColumn("the one before", seldom=True),
        PageColumn("years between", seldom=True),
        PageColumn("values at the latest", words=True, seldom=True),
    )
    rows = []
    for each in report.definitions:
        latest, gap = each.openings[-1], each.gap_years
        rows.append(
            (
                f'{escape(each.definition.title)} <code class="seldom">{escape(each.definition_id)}</code>',
                f"{len(each.openings):,}",
                f"{each.a_year:.2f}",
                *(_chance_cells(each) if report.has_chance else ()),
                latest.date,
                latest.before or "none",
                UNKNOWN if gap is None else f"{gap:.1f}",
                escape(values_text(latest.values, report.pair)),
            )
        )
    return table(
        "rarity", f"Openings since {report.history_start}, the rarest definition first", columns, rows
    )


def _chance_cells(each: ReportedDefinition) -> tuple[str, str]:
    if each.chance is None:
        return UNKNOWN, "not known"
    return f"{each.chance.low_a_year:.2f} to {each.chance.high_a_year:.2f}", each.chance.compared


def followed_table(report: PairReport) -> str:
    """Render the differences from all days over one horizon, each with a drawing of its interval."""
    rows = [
        row for row in report.rates if row.horizon_sessions == SHOWN_HORIZON and row.difference_interval_pp
    ]
    if not rows:
        return "<p>No definition has ten cases at least one horizon apart.</p>"
    domain = interval_domain(rows)
    titles = {each.definition_id: each.definition.title for each in report.definitions}
    columns = (
        PageColumn("definition", words=True),
        PageColumn("cases"),
        PageColumn("ahead", seldom=True),
        PageColumn("difference, pp"),
        PageColumn("95 % interval, pp", seldom=True),
        PageColumn("q", seldom=True),
        PageColumn(f"{minus(f'{domain[0]:.1f}')} pp to {minus(f'{domain[1]:+.1f}')} pp"),
    )
    cells = [
        (
            escape(titles[row.definition]),
            f"{row.n_declustered}",
            _share(row),
            _number(row.difference_pp),
            _interval(row.difference_interval_pp, 1.0, 2),
            _number(row.q_value),
            interval_bar(row, domain),
        )
        for row in sorted(rows, key=lambda row: -(row.difference_pp or 0.0))
    ]
    caption = (
        f"{report.pair.numerator} against {report.pair.benchmark} over the {SHOWN_HORIZON} sessions after an "
        f"opening, compared with all days; filled where q is at most {LARGEST_Q}"
    )
    return table("followed", caption, columns, cells)


def rates_table(report: PairReport) -> str:
    """Render every definition and horizon."""
    titles = {each.definition_id: each.definition.title for each in report.definitions}
    heads = "sessions|cases|apart|ahead|95 %|spread, pp|all days, pp|difference, pp|95 %, pp|q".split("|")
    columns = (PageColumn("definition", words=True), *(PageColumn(head) for head in heads))
    rows = [
        (
            escape(titles.get(row.definition, row.definition)),
            str(row.horizon_sessions),
            f"{row.n:,}",
            f"{row.n_declustered:,}",
            _share(row),
            _interval(row.hit_rate_interval, 100.0, 0),
            _number(row.mean_spread_pp),
            _number(row.all_days_mean_spread_pp),
            _number(row.difference_pp),
            _interval(row.difference_interval_pp, 1.0, 2),
            _number(row.q_value),
        )
        for row in report.rates
        if row.n
    ]
    caption = f"What followed, {plural(len(rows), 'row')}: every definition and horizon"
    return table("rates", caption, columns, rows)


def _share(row: BaseRate) -> str:
    return f"{row.hits} of {row.n_declustered}" if row.hit_rate is None else f"{100 * row.hit_rate:.0f} %"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else minus(f"{value:,.2f}")


def _interval(bounds: tuple[float, float] | None, factor: float, decimals: int) -> str:
    if bounds is None:
        return UNKNOWN
    low, high = (f"{factor * bound:.{decimals}f}" for bound in bounds)
    return minus(f"{low} to {high}")
