"""Judges claims about the values of a pair: on a day, or over the periods of a window."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.definitions.rules import known_outputs, value_name
from core.model.records import Quality
from core.model.sessions import session_day
from core.model.timestamps import date_text
from core.research.claim_figures import Figure, figure_text
from core.research.claim_outcomes import SHOWN_DATES, Evidence, Judged, between, met, shown, within
from core.research.claim_periods import Periods, completed_periods, longest_run
from core.research.claim_wording import count_text, figures_text
from core.research.claims import COUNT_KEYS, DaysClaim, Verdict
from core.research.value_history import PairHistory


def judge_day(claim: DaysClaim, history: PairHistory) -> Judged:
    """Judge a claim about a single day."""
    row = history.row_of(session_day(claim.on)) if claim.on else None
    if row is None:
        return (Verdict.DATA_GAP, f"no close of both legs on {claim.on}"), {}
    figures = _figures(history, claim.keys, row)
    if not history.known(claim.condition)[row]:
        return (Verdict.DATA_GAP, _unknown(history, claim.keys, row)), figures
    failed = [clause for clause in claim.condition if not history.holds((clause,))[row]]
    names = dict.fromkeys(value_name(key) for clause in failed for atom in clause for key in atom.keys)
    return met(claim, not failed, figures_text({name: figures[name] for name in names})), figures


def judge_window(claim: DaysClaim, evidence: Evidence) -> Judged:
    """Judge a claim about the periods of a window."""
    history = evidence.history(claim.pair)
    condition, unit = claim.condition, COUNT_KEYS[claim.every]
    periods = completed_periods(history.sessions, evidence.calendar_sessions(), claim.every)
    chosen = between(history.sessions[periods.rows], claim.since, claim.until)
    counted = chosen & history.known(condition)[periods.rows]
    held = chosen & history.holds(condition)[periods.rows]
    n, number = int(counted.sum()), int(held.sum())
    dates = [date_text(int(day)) for day in history.sessions[periods.rows[held]]]
    share_pct = 100.0 * number / n if n else math.nan
    figures: dict[str, Figure] = {
        unit: n,
        f"{unit}_held": number,
        "share_pct": shown(share_pct) if n else None,
        "first_held": dates[0] if dates else None,
        "last_held": dates[-1] if dates else None,
        "history_start": date_text(int(history.sessions[0])),
    }
    if n == 0:
        none = "no day" if unit == "days" else f"no completed {claim.every}"
        return (Verdict.DATA_GAP, f"{none} of the window has all values"), figures
    if dates:
        last = int(periods.rows[held][-1])
        figures |= {f"{name}_at_last": each for name, each in _figures(history, claim.keys, last).items()}
    if claim.in_a_row is not None:
        run, of_run = _run(claim, history, periods, held)
        said = f"{count_text(len(run), claim.every)} in a row"
        found = f"{said} ({', '.join(run[-SHOWN_DATES:])})" if run else said
        return met(claim, within(len(run), claim.in_a_row), found), figures | of_run
    if claim.share_pct is not None:
        text = figure_text("share_pct", share_pct, outside=claim.share_pct)
        found = f"{text} % of {unit}, {number:,} of {n:,}"
        return met(claim, within(share_pct, claim.share_pct), found), figures
    found = f"{count_text(number, claim.every)} of {n:,}"
    return met(claim, claim.number is None or within(number, claim.number), found), figures


def _run(
    claim: DaysClaim, history: PairHistory, periods: Periods, held: NDArray[np.bool_]
) -> tuple[list[str], dict[str, Figure]]:
    """Return the dates of the longest run of periods in which a claim held, and its figures."""
    rows = periods.rows[held][longest_run(periods.numbers[held])]
    dates = [date_text(int(day)) for day in history.sessions[rows]]
    unit = COUNT_KEYS[claim.every]
    figures: dict[str, Figure] = {
        f"{unit}_in_a_row": len(dates),
        "in_a_row_first": dates[0] if dates else None,
        "in_a_row_last": dates[-1] if dates else None,
        f"{unit}_in_a_row_dates": dates[-SHOWN_DATES:],
    }
    outputs = known_outputs()
    for key in claim.keys:
        if not outputs[key][0].is_session:
            values = history.values[key][rows[-SHOWN_DATES:]]
            if np.isfinite(values).all():
                figures[f"{value_name(key)}_in_a_row"] = [shown(float(value)) for value in values]
    return dates, figures


def _figures(history: PairHistory, keys: Sequence[str], row: int) -> dict[str, Figure]:
    outputs = known_outputs()
    figures: dict[str, Figure] = {}
    for key in keys:
        value = history.values[key].item(row)
        if math.isnan(value):
            figures[value_name(key)] = None
        elif outputs[key][0].is_session:
            figures[value_name(key)] = date_text(int(value)) if value else "none before"
        else:
            figures[value_name(key)] = shown(value)
    return figures


def _unknown(history: PairHistory, keys: Sequence[str], row: int) -> str:
    reasons = {
        value_name(key): Quality(history.quality[key].item(row)).label.replace("_", " ")
        for key in keys
        if math.isnan(history.values[key].item(row))
    }
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
