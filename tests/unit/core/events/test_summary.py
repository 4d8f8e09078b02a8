"""core.events.summary: one line that says what happened and since when it is the first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.definitions.catalogue import parse_catalogue
from core.definitions.event_words import EventWords
from core.events.per_year import openings_per_year
from core.events.phrases import legs_text, since_text
from core.events.summary import LONGEST, Happened, LegNames, summary_of
from core.model.records import EventState

SYMBOLS = {"numerator": "RUT", "benchmark": "SPX"}
NAMES = LegNames({"numerator": "small caps", "benchmark": "large caps"}, SYMBOLS)
SINCE = {"last_true": "2008-10-10", "openings": 1, "history_start": "1990-01-02"}
HAPPENED = Happened(
    state="opened",
    values={"return_1d_pct": 3.5718, "benchmark_return_1d_pct": -0.876},
    threshold={"return_1d_pct": 3.0},
    legs={"numerator": {"return_pct": 3.5718}, "benchmark": {"return_pct": -0.876}},
    reasons={},
    first_since=SINCE,
)
SENTENCE = (
    "{numerator} {rose|fell:return_1d_pct} {abs(return_1d_pct)} while "
    "{benchmark} {rose|fell:benchmark_return_1d_pct} {abs(benchmark_return_1d_pct)}"
)


def words(sentence: str | None = SENTENCE) -> EventWords:
    text = f"sentence = {sentence!r}" if sentence is not None else ""
    entry = f"""
    [[definition]]
    id = "three_up"
    family = "level"
    enter = ["return_1d_pct >= 3", "benchmark_return_1d_pct < 0"]
    {text}
    """
    return parse_catalogue(entry).get("three_up").words


def test_the_summary_of_an_opening() -> None:
    assert summary_of(words(), NAMES, HAPPENED) == (
        "Small caps rose 3.57 % while large caps fell 0.88 %: first since 2008-10-10, 2 times since 1990"
    )


@pytest.mark.parametrize(
    ("state", "begins", "rare"),
    [
        ("candidate", "so far today: Small caps", True),
        ("opened", "Small caps", True),
        ("confirmed", "confirmed: Small caps", False),
        ("resolved", "ended: Small caps", False),
        ("faded", "ended without confirmation: Small caps", False),
        ("invalidated", "invalidated: Small caps", False),
        ("expired", "expired: Small caps", False),
        ("withdrawn", "withdrawn: Small caps", False),
        ("revised", "revised: Small caps", True),
        ("extended", "extended: Small caps", True),
    ],
)
def test_every_state_has_its_own_beginning(state: str, begins: str, rare: bool) -> None:
    summary = summary_of(words(), NAMES, replace(HAPPENED, state=state))
    assert summary.startswith(begins)
    assert ("2008-10-10" in summary) == rare


def test_no_state_is_without_words() -> None:
    for state in EventState:
        if state is not EventState.IDLE:
            summary = summary_of(words(), NAMES, replace(HAPPENED, state=state.label))
            assert state is EventState.OPENED or summary.partition(": ")[0] != summary


@pytest.mark.parametrize(
    ("first_since", "state", "text"),
    [
        (None, "opened", ""),
        (SINCE, "opened", ": first since 2008-10-10, 2 times since 1990"),
        ({**SINCE, "openings": 0}, "opened", ": first since 2008-10-10"),
        ({**SINCE, "last_true": None, "openings": 0}, "opened", ": first in the history from 1990-01-02"),
        (SINCE, "extended", ": last on 2008-10-10"),
        # As events of the earlier schema have it.
        (
            {"date": "2008-10-10", "count": 1, "history_start": "1990-01-02"},
            "opened",
            ": first since 2008-10-10, 2 times since 1990",
        ),
        (
            {"date": None, "count": 0, "history_start": "1990-01-02"},
            "opened",
            ": first in the history from 1990-01-02",
        ),
    ],
)
def test_since_when(first_since: dict[str, object] | None, state: str, text: str) -> None:
    assert since_text(first_since, state) == text


def test_without_a_sentence_the_values_are_listed() -> None:
    assert summary_of(words(None), NAMES, HAPPENED).startswith(
        "Three up, small caps against large caps; return 1d 3.57 %, benchmark return 1d -0.88 %: first since"
    )


def test_an_unknown_value_is_named_with_its_reason_and_makes_no_sentence() -> None:
    unknown = replace(
        HAPPENED,
        values={"return_1d_pct": 3.5718, "benchmark_return_1d_pct": float("nan")},
        reasons={"benchmark_return_1d_pct": "halted"},
    )
    assert summary_of(words(), NAMES, unknown).startswith(
        "Three up, small caps against large caps; return 1d 3.57 %, benchmark return 1d unknown (halted): "
    )


def test_a_long_summary_takes_symbols_and_is_then_cut_before_its_end() -> None:
    long_names = LegNames(dict.fromkeys(SYMBOLS, "a name of many words " * 4), SYMBOLS)
    assert summary_of(words(), long_names, HAPPENED).startswith(
        "RUT rose 3.57 % while SPX fell 0.88 %: first"
    )
    wordy = summary_of(words(SENTENCE + " and more was said" * 12), long_names, HAPPENED)
    assert len(wordy) <= LONGEST
    assert wordy.endswith("…: first since 2008-10-10, 2 times since 1990")


def test_an_unknown_leg_is_said_with_its_reason() -> None:
    legs: dict[str, dict[str, object]] = {
        "numerator": {"return_pct": 3.5718},
        "benchmark": {"return_pct": None},
    }
    reasons = {"legs.benchmark.return_pct": "halted"}
    assert legs_text(SYMBOLS, legs, reasons) == "RUT +3.57 %, SPX unknown (halted)"


@pytest.mark.parametrize(
    ("first_since", "session", "expected"),
    [
        ({**SINCE, "openings": 69}, date(2024, 7, 11), (69 / 34.5216, None)),
        ({**SINCE, "openings": 0}, date(2024, 7, 11), (0.0, None)),
        ({"count": 69, "history_start": "1990-01-02"}, date(2024, 7, 11), (69 / 34.5216, None)),
        (SINCE, date(1991, 1, 2), (None, "less than one year of history")),
        (SINCE, date(1991, 1, 3), (365.25 / 366, None)),
        (None, date(2024, 7, 11), (None, "no history")),
    ],
)
def test_openings_a_year(
    first_since: dict[str, object] | None, session: date, expected: tuple[float | None, str | None]
) -> None:
    rate, reason = openings_per_year(first_since, session)
    assert (rate, reason) == (
        expected if expected[0] is None else (pytest.approx(expected[0], rel=1e-4), expected[1])
    )
