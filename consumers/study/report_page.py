"""Renders a study report as one self-contained HTML file, without scripts."""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

import numpy as np

from consumers.study.report import PairReport, StudyReport
from consumers.study.report_figures import lanes_of, ratio_figure
from consumers.study.report_tables import (
    episodes_table,
    followed_table,
    lately_table,
    open_table,
    rarity_table,
    rates_table,
)
from consumers.study.report_wording import (
    SHOWN_HORIZON,
    UNKNOWN,
    value_name,
    value_text,
    verdict_of,
)
from core.model.figure_text import plural
from core.model.instruments import Pair

_YEAR_SESSIONS: Final = 252


def render(report: StudyReport) -> str:
    """Render the page.

    Args:
        report: Its content; the same report gives the same page.
    """
    page = Template((files("consumers.study") / "report.html").read_text(encoding="utf-8"))
    names = ", ".join(pair.pair.name for pair in report.pairs)
    return page.substitute(
        title=escape(f"Rotascope study: {names}"),
        as_of=escape(report.as_of),
        catalogue=escape(report.catalogue),
        family_size=f"{report.family_size:,}",
        verdicts="\n".join(_verdict(pair, number) for number, pair in enumerate(report.pairs)),
        sections="\n".join(_section(pair, number) for number, pair in enumerate(report.pairs)),
    )


def _against(pair: Pair) -> str:
    return escape(f"{pair.numerator} against {pair.benchmark}")


def _kept(text: str) -> str:
    """Escape a text; its dates are not broken at the end of a line."""
    return re.sub(r"\d{4}-\d\d-\d\d", r'<span class="date">\g<0></span>', escape(text))


def _verdict(report: PairReport, number: int) -> str:
    verdict = verdict_of(report)
    return "\n".join(
        (
            f'<article class="verdict"><h3><a href="#pair-{number}">{_against(report.pair)}</a></h3>',
            f'<p class="opened">{_kept(verdict.opened)}</p>',
            f'<p class="rarity">{_kept(verdict.rarity)}</p>' if verdict.rarity else "",
            f'<p class="followed">{escape(verdict.followed)}</p>' if verdict.followed else "",
            f'<p class="open">{_kept(_open_line(report))}</p></article>',
        )
    )


def _open_line(report: PairReport) -> str:
    if not report.open_now:
        return "Nothing is open now."
    rarest, one = report.open_now[0]
    also = ", the rarest " if len(report.open_now) > 1 else ": "
    return (
        f"Open now: {plural(len(report.open_now), 'definition')}{also}"
        f"“{rarest.definition.title}”, since {one.date}."
    )


def _section(report: PairReport, number: int) -> str:
    head = f'<section aria-labelledby="pair-{number}"><h2 id="pair-{number}">{_against(report.pair)}</h2>'
    if not report.dates:
        return f"{head}<p>No session to show.</p></section>"
    charts = _charts(report)
    return "\n".join(
        (
            head,
            f"<p>{plural(len(report.dates), 'session')}, {report.dates[0]} to {report.dates[-1]}.</p>",
            "<h3>Open now</h3>",
            open_table(report),
            "<h3>Opened lately</h3>",
            lately_table(report),
            "<h3>Where it stands</h3>",
            _tiles(report),
            *charts,
            "<h3>How rare</h3>",
            rarity_table(report) if report.definitions else "<p>Nothing has opened.</p>",
            _chance_note(report),
            f"<h3>What followed over {SHOWN_HORIZON} sessions</h3>",
            followed_table(report),
            "<details><summary>Every definition and horizon</summary>",
            f'<div class="wide" role="region" tabindex="0" aria-label="Every definition and horizon, '
            f'{_against(report.pair)}">{rates_table(report)}</div></details></section>',
        )
    )


def _charts(report: PairReport) -> list[str]:
    whole = _chart(
        report, 0, "The whole history" if report.dates[0] == report.history_start else "The picture"
    )
    if len(report.dates) <= 2 * _YEAR_SESSIONS:
        return [whole]
    return [_chart(report, len(report.dates) - _YEAR_SESSIONS, "The latest year"), whole]


def _chart(report: PairReport, begin: int, heading: str) -> str:
    dates, line = report.dates[begin:], report.ratio_line[begin:]
    lanes = lanes_of(report.definitions, dates[0])
    known = np.flatnonzero(np.isfinite(line))
    if len(known) < 2:
        return f"<h3>{heading}</h3><p>The ratio is not known.</p>"
    lowest, highest = known[np.argmin(line[known])], known[np.argmax(line[known])]
    told = (
        f"Ratio of {report.pair.numerator} to {report.pair.benchmark}, {dates[0]} to {dates[-1]}: from "
        f"{line[known[0]]:.1f} to {line[known[-1]]:.1f}, lowest {line[lowest]:.1f} on {dates[lowest]}, "
        f"highest {line[highest]:.1f} on {dates[highest]}"
    )
    as_text = episodes_table(report, lanes, dates[0])
    figure = ratio_figure(report.pair, dates, line, lanes, told)
    return "\n".join(
        (
            f"<h3>{heading}</h3><figure>",
            f"<figcaption>{escape(told)}. The whole history begins at 100; the scale is logarithmic.",
            "A bar is an episode, from its opening to its end; "
            f"the rarest {plural(len(lanes), 'definition')} of those with one here.</figcaption>",
            figure,
            f"<details><summary>These episodes as text</summary>{as_text}</details>" if lanes else "",
            "</figure>",
        )
    )


def _tiles(report: PairReport) -> str:
    known = report.ratio_line[np.isfinite(report.ratio_line)]
    tiles = [
        ("ratio, 100 at the start", f"{known[-1]:.2f}" if len(known) else UNKNOWN),
        *((value_name(name, report.pair), value_text(name, value)) for name, value in report.summary.items()),
    ]
    inner = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in tiles)
    return f'<dl class="tiles">{inner}</dl>'


def _chance_note(report: PairReport) -> str:
    chances = [each.chance for each in report.definitions if each.chance is not None]
    if not chances:
        return (
            '<p class="note">How often chance gives as much is not known. Make a file with '
            "<code>rotascope study nulls --store rarity.json</code> and give it with "
            "<code>--rarity rarity.json</code>.</p>"
        )
    one = chances[0]
    names = escape(", ".join(name.replace("_", " ") for name in one.shares))
    return (
        f'<p class="note">By chance: openings on {one.simulations} simulated histories per null ({names}), '
        f"made from the closes up to {one.history_end}; the fewest and the most among the nulls. “More "
        "often” and “less often” hold under every null at the 5 % level, for one definition alone.</p>"
    )
