"""core.definitions.rule_pass: the kernel's answers are those of the text, read by plain Python."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.definitions.answers import CONFIRM, ENTER, FADE, INVALID, LEAVE, Answers, allocate_answers
from core.definitions.catalogue import parse_catalogue
from core.definitions.rule_pass import FEWEST_ROWS, RulePass
from core.model.records import Quality
from tests.oracles.rules import condition_holds

KEYS = ("ratio:1d", "beta:63d", "correlation:63d", "numerator_price")
TEXTS = [
    *(f"beta:63d {operator} 2" for operator in (">=", "<=", ">", "<", "==", "!=")),
    "beta:63d has 1",
    "beta:63d has 2",
    "abs(beta:63d) >= 2",
    "abs(beta:63d) > correlation:63d * 2",
    "beta:63d > correlation:63d",
    "beta:63d <= correlation:63d * -1",
    "quality(ratio:1d) == stale",
    "quality(ratio:1d) != ok",
    "beta:63d > 1 or correlation:63d > 1",
    "correlation:63d < -1 or quality(beta:63d) == stale or ratio:1d == 0",
]
figures = st.sampled_from([-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 2.0 + 4e-11, 2.0 - 4e-11, 2.0 + 6e-11])
qualities = st.sampled_from([Quality.OK, Quality.OK, Quality.OK, Quality.REBUILT, Quality.STALE])
entries = st.tuples(figures, qualities)


def asked(
    text: str, row: list[tuple[float, Quality]], *, level: float = 0.0, provisional: bool = False
) -> Answers:
    """One rule and one pair, asked by either kernel; `row` is in the order of KEYS."""
    definition = parse_catalogue(f'[[definition]]\nid = "x"\nfamily = "level"\n{text}').get("x")
    assert definition.rule is not None
    usable = [quality in (Quality.OK, Quality.REBUILT) for _, quality in row]
    values = [[value if known else math.nan] for (value, _), known in zip(row, usable, strict=True)]
    quality = [[int(quality)] for _, quality in row]
    answers = allocate_answers(2, 1), allocate_answers(2, FEWEST_ROWS)
    for each in answers:
        pairs = each.results.shape[-1]
        each.results.fill(77)
        RulePass([(1, definition.rule)], KEYS.index).ask(
            np.repeat(values, pairs, axis=1),
            np.repeat(np.array(quality, np.uint8), pairs, axis=1),
            np.arange(pairs, dtype=np.int32),
            np.full((2, pairs), level),
            each,
            provisional=provisional,
        )
        assert (each.results[:, 0] == 77).all()  # another definition's
    alone, beside = answers
    assert (beside.results == alone.results).all()
    assert (beside.level == alone.level).all()
    assert (beside.quality == alone.quality).all()
    return alone


def said(answers: Answers, question: int) -> bool | None:
    return {1: True, 0: False, -1: None}[int(answers.results[question, 1, 0])]


@settings(deadline=None, max_examples=200)
@given(
    texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3),
    row=st.lists(entries, min_size=len(KEYS), max_size=len(KEYS)),
)
def test_every_condition_answers_as_its_text_reads(
    texts: list[str], row: list[tuple[float, Quality]]
) -> None:
    listed = ", ".join(f'"{text}"' for text in texts)
    answers = asked(
        f'enter = ["ratio:1d < 99"]\nexit = [{listed}]\nconfirm = [{listed}]\nfade = [{listed}]', row
    )
    known = {key: (value, quality.label) for key, (value, quality) in zip(KEYS, row, strict=True)}
    expected = condition_holds(texts, known)
    assert [said(answers, question) for question in (LEAVE, CONFIRM, FADE)] == [expected] * 3
    assert said(asked(f"enter = [{listed}]", row), ENTER) == expected


def rows(**changed: tuple[float, Quality]) -> list[tuple[float, Quality]]:
    row = {"ratio": (1.0, Quality.OK), "beta": (1.0, Quality.OK), "correlation": (1.0, Quality.OK)}
    row |= {"price": (100.0, Quality.OK)} | changed
    return list(row.values())


@pytest.mark.parametrize(
    ("exit_text", "enter_holds", "leave"),
    [
        ("", True, False),
        ("", False, True),
        ("", None, None),
        ("exit = []", False, False),
        ('exit = ["beta:63d < 0"]', False, False),
    ],
)
def test_without_an_exit_it_leaves_when_it_no_longer_holds(
    exit_text: str, enter_holds: bool | None, leave: bool | None
) -> None:
    beta = (3.0, Quality.OK) if enter_holds else (1.0, Quality.GAP if enter_holds is None else Quality.OK)
    answers = asked(f'enter = ["beta:63d >= 2"]\n{exit_text}', rows(beta=beta))
    assert (said(answers, ENTER), said(answers, LEAVE)) == (enter_holds, leave)


@pytest.mark.parametrize(("side", "sign"), [("below", 1), ("above", -1)])
def test_a_level_is_fixed_from_the_value_and_broken_beyond_it(side: str, sign: int) -> None:
    text = f'enter = ["beta:63d >= 1"]\ninvalidate = {{ key = "numerator_price", {side}_pct = 2 }}'
    assert asked(text, rows()).level[1, 0] == pytest.approx(100 - 2 * sign, rel=1e-15)
    level = 100.0
    for beyond_pct, broken in [(0.0, False), (5e-12, False), (1e-9, True), (3.0, True), (-3.0, False)]:
        price = level * (1 - sign * beyond_pct / 100)
        answers = asked(text, rows(price=(price, Quality.OK)), level=level)
        assert said(answers, INVALID) == broken, beyond_pct
    assert said(asked(text, rows(), level=0.0), INVALID) is False  # nothing is open


def test_an_unknown_level_opens_nothing_and_breaks_nothing() -> None:
    text = 'enter = ["beta:63d >= 1"]\ninvalidate = { key = "numerator_price", below_pct = 2 }'
    answers = asked(text, rows(price=(1.0, Quality.HALTED)), level=100.0)
    assert (said(answers, ENTER), said(answers, INVALID)) == (None, None)
    assert (answers.quality[1, 0], answers.level[1, 0]) == (Quality.HALTED, 0.0)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ((Quality.OK, Quality.OK), Quality.OK),
        ((Quality.REBUILT, Quality.OK), Quality.REBUILT),
        ((Quality.REBUILT, Quality.GAP), Quality.GAP),
        ((Quality.STALE, Quality.GAP), Quality.STALE),
    ],
)
def test_the_quality_is_the_worst_that_an_opening_rests_on(
    pair: tuple[Quality, Quality], expected: Quality
) -> None:
    row = rows(beta=(1.0, pair[0]), correlation=(1.0, pair[1]))
    assert asked('enter = ["beta:63d > correlation:63d"]', row).quality[1, 0] == expected


def test_a_quality_asked_for_is_told_and_known() -> None:
    answers = asked('enter = ["quality(ratio:1d) == stale"]', rows(ratio=(1.0, Quality.STALE)))
    assert said(answers, ENTER) is True
    assert answers.quality[1, 0] == Quality.STALE


def test_a_look_at_a_session_in_progress_asks_for_openings_only() -> None:
    answers = asked('enter = ["beta:63d >= 1"]\nconfirm = ["beta:63d >= 1"]', rows(), provisional=True)
    assert said(answers, ENTER) is True
    assert (answers.results[[LEAVE, INVALID, CONFIRM, FADE], 1] == 77).all()


def test_noise_in_the_last_bits_decides_nothing() -> None:
    """A bit up or down on any input gives the same answer, in comparisons with numbers and values."""
    texts = ["beta:63d >= 2.46", "beta:63d > 2.46", "beta:63d == 2.46", "ratio:1d > correlation:63d * 1.5"]
    for text in texts:
        answers = set()
        for shifts in itertools.product((-2, 0, 2), repeat=3):
            exact = (0.0003, 2.46, 0.0002)
            noisy = [value + shift * np.spacing(value) for value, shift in zip(exact, shifts, strict=True)]
            ratio, beta, correlation = ((value, Quality.OK) for value in noisy)
            row = rows(ratio=ratio, beta=beta, correlation=correlation)
            answers.add(said(asked(f'enter = ["{text}"]', row), ENTER))
        assert len(answers) == 1, text
