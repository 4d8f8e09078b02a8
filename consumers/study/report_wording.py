"""What a study report says in words: titles, values with their units, and the verdict on a pair."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumers.study.report import PairReport
from consumers.study.report_openings import LATELY_SESSIONS, Opening, ReportedDefinition
from core.model.figure_text import plural
from core.model.instruments import Pair
from core.research.base_rate_rows import LARGEST_Q, BaseRate

SHOWN_HORIZON: Final = 20
"""Sessions over which a verdict says what followed."""
UNKNOWN: Final = "–"
_SHOWN_VALUES: Final = 4
_UNITS: Final = (("_pct", ",.2f", " %"), ("_pp", "+,.2f", " pp"), ("_sessions", ",.0f", " sessions"))
"""Suffix of a name, format of its value, unit."""
_PRICES: Final = ("close", "price", "high", "low")
_OFTEN: Final = 0.75
"""From so many a year on, a rate is told as a number a year."""
_CODES: Final = frozenset(
    "benchmark_record_high benchmark_trend_regime cusum_alarm overheating_signs pivot_divergence "
    "pivot_divergence_ratio random_walk_rejected record_high relative_5d_record trend_regime".split()
)
"""Values that are codes of a state, which the title of the definition already tells."""
_WORDS: Final = (
    (r"\brelative (?=\d|ytd)", "relative strength "),
    (r"\b(numerator|instrument)\b", "{numerator}"),
    (r"\bbenchmark\b", "{benchmark}"),
    (r"\b(\d+)d\b", r"over \1 sessions"),
    (r"\bytd\b", "year to date"),
    (r"\bma(\d+)\b", r"\1-session average"),
    (r"\b12 1\b", "over 12 months without the latest"),
    (r"\b(z|zscore)\b", "z-score"),
    (r"\brsi (\d+)\b", r"RSI over \1 sessions"),
    (r"\bew se\b", "standard error"),
    (r"\bew\b", "exponentially weighted"),
)


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """One pair at a glance.

    Args:
        opened: What opened lately.
        rarity: How rare that is, against history and chance.
        followed: What followed earlier cases.
    """

    opened: str
    rarity: str
    followed: str


def value_name(name: str, pair: Pair) -> str:
    """Return the name of a value for a reader, with the symbols of the pair and without its unit.

    Example:
        >>> value_name("benchmark_return_21d_pct", Pair("RUT", "SPX"))
        'SPX return over 21 sessions'
    """
    for suffix, *_ in _UNITS:
        name = name.removesuffix(suffix)
    text = name.replace("_", " ")
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return text.format(numerator=pair.numerator, benchmark=pair.benchmark)


def value_text(name: str, value: float | str | None) -> str:
    """Return a value with the unit that its name carries.

    Example:
        >>> value_text("spread_pp", -4.448), value_text("numerator_close", 2467.7)
        ('−4.45 pp', '2,467.70')
        >>> value_text("gain_streak_sessions", 5.0), value_text("rsi_14", 71.26)
        ('5 sessions', '71.26')
        >>> value_text("ma200_side_sessions", -1.0)
        '−1 session'
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value
    for suffix, form, unit in _UNITS:
        if name.endswith(suffix):
            one = unit == " sessions" and abs(round(value)) == 1
            return minus(format(value, form)) + (" session" if one else unit)
    if any(word in name.split("_") for word in _PRICES) and "ratio" not in name:
        return minus(f"{value:,.2f}")
    return minus(f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}")


def values_text(values: Mapping[str, float | str | None], pair: Pair) -> str:
    """Return the first values of an event for a reader; codes are left out."""
    shown = [(name, value) for name, value in values.items() if name not in _CODES]
    return ", ".join(
        f"{value_name(name, pair)} {value_text(name, value)}" for name, value in shown[:_SHOWN_VALUES]
    )


def minus(text: str) -> str:
    """Replace the hyphen in front of each number by a minus sign; the text holds no dates.

    Example:
        >>> minus("-1.20 to -0.30")
        '−1.20 to −0.30'
    """
    return re.sub(r"-(?=\d)", "−", text)


def how_often(a_year: float) -> str:
    """Say how often something happens.

    Example:
        >>> how_often(3.21), how_often(0.09), how_often(0.7)
        ('3.2 a year', 'about once in 11 years', 'about once a year')
    """
    return f"{a_year:.1f} a year" if a_year >= _OFTEN else f"about once {_in_years(1.0 / a_year)}"


def range_a_year(low: float, high: float) -> str:
    """Say how often something happens that was counted more than once.

    Example:
        >>> range_a_year(0.055, 0.064), range_a_year(0.0, 0.1), range_a_year(0.4, 1.25)
        ('about once in 16 to 18 years', 'at most once in 10 years', '0.4 to 1.2 a year')
    """
    if high >= _OFTEN:
        return f"{low:.1f} to {high:.1f} a year"
    if high == 0.0:
        return "never"
    if low == 0.0:
        return f"at most once {_in_years(1.0 / high)}"
    shortest, longest = (f"{1.0 / rate:.0f}" for rate in (high, low))
    if shortest == longest:
        return f"about once {_in_years(1.0 / high)}"
    return f"about once in {shortest} to {longest} years"


def _in_years(years: float) -> str:
    return "a year" if round(years) == 1 else f"in {years:.0f} years"


def verdict_of(report: PairReport) -> PairVerdict:
    """Put the rarest recent opening of a pair in words, with how rare it is and what followed."""
    if not report.definitions:
        start = f" since {report.history_start}" if report.history_start else ""
        return PairVerdict(f"Nothing has opened{start}.", "", "")
    lately = report.lately
    if lately:
        chosen, opening = lately[0]
        others = len(lately) - 1
        also = f"; {plural(others, 'other definition')} opened in them" if others else ""
        opened = (
            f"“{chosen.definition.title}” opened on {opening.date}, the rarest opening of the last "
            f"{LATELY_SESSIONS} sessions{also}."
        )
    else:
        chosen = max(report.definitions, key=lambda each: each.openings[-1].date)
        opening = chosen.openings[-1]
        opened = (
            f"Nothing opened in the last {LATELY_SESSIONS} sessions; the latest was "
            f"“{chosen.definition.title}” on {opening.date}."
        )
    return PairVerdict(opened, _rarity(report, chosen, opening), followed_text(report, chosen))


def _rarity(report: PairReport, chosen: ReportedDefinition, opening: Opening) -> str:
    count = len(chosen.openings)
    before = f"the one before on {opening.before}" if opening.before else "its first"
    text = f"{plural(count, 'opening')} since {report.history_start}, {how_often(chosen.a_year)}, {before}; "
    if chosen.chance is not None:
        chance = chosen.chance
        return (
            f"{text}by chance {range_a_year(chance.low_a_year, chance.high_a_year)}, so it opens "
            f"{chance.judgement}."
        )
    why = "has no simulated counterpart" if report.has_chance else "no simulated histories were given"
    return f"{text}chance is not known: {why}."


def followed_text(report: PairReport, chosen: ReportedDefinition) -> str:
    """Say what followed the earlier cases of a definition, with their number, and whether it is a finding."""
    row = report.rate(chosen.definition_id, SHOWN_HORIZON)
    if row is None or row.n_declustered == 0:
        return f"No earlier case is {SHOWN_HORIZON} sessions old."
    ahead = f"{report.pair.numerator} was ahead of {report.pair.benchmark}"
    cases = f" of {row.n_declustered}"
    text = row.wording.replace("numerator ahead", ahead)
    text = text.replace(cases, f" of {plural(row.n_declustered, 'earlier case')}", 1)
    return f"Over the next {SHOWN_HORIZON} sessions {minus(text)}{_weight(row)}."


def _weight(row: BaseRate) -> str:
    """Say what the cases can carry, where the row's own wording does not."""
    if row.difference_interval_pp is None:
        return "; too few cases for a mean"
    low, high = row.difference_interval_pp
    if low <= 0.0 <= high or row.q_value is None:
        return ""
    finding = "a finding" if row.q_value <= LARGEST_Q else "not a finding"
    return f"; {finding} among {row.family_size:,} tests (q {row.q_value:.2g})"
