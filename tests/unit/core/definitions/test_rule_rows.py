"""core.definitions.rule_rows: over pairs that lie side by side, the bytes of the pass pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.definitions.answers import Answers, allocate_answers
from core.definitions.invalidation import Invalidation
from core.definitions.rule_entry import RuleText
from core.definitions.rule_pass import FEWEST_ROWS, RulePass, pass_over_cells
from core.definitions.rule_table import RuleTable
from core.definitions.rules import Atom, Condition, Operator
from core.model.records import Quality

pytestmark = pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")

KEYS = ("a", "b", "c", "d", "e")
PAIRS = 11
UNTOUCHED = 77
FIGURES = (-4.0, -2.0, -1.0, -0.0, 0.0, 1.0, 2.0, 2.0 + 4e-11, 2.0 - 4e-11, 2.0 + 6e-11, 3.0, 1e-300, np.nan)
USABLE = (Quality.OK, Quality.REBUILT)
COMPARISONS = [operator for operator in Operator if operator is not Operator.HAS]

keys = st.sampled_from(KEYS)
forms = st.sampled_from(["", "abs"])
numbers = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 2.5])
atoms = st.one_of(
    st.builds(Atom, forms, keys, st.sampled_from(COMPARISONS), st.none() | keys, numbers),
    st.builds(Atom, forms, keys, st.just(Operator.HAS), st.none(), st.sampled_from([1.0, 2.0, 6.0])),
    st.builds(
        Atom,
        st.just("quality"),
        keys,
        st.sampled_from([Operator.EQUAL, Operator.UNEQUAL]),
        st.none(),
        st.sampled_from([float(quality) for quality in Quality]),
    ),
)
clauses = st.lists(atoms, min_size=1, max_size=3).map(tuple)


def conditions(least: int) -> st.SearchStrategy[Condition]:
    return st.lists(clauses, min_size=least, max_size=3).map(tuple)


rules = st.builds(
    RuleText,
    family=st.just("level"),
    enter=conditions(1),
    leave=st.none() | conditions(0),
    confirm=st.none() | conditions(1),
    fade=st.none() | conditions(1),
    extend=st.none() | conditions(1),
    invalidation=st.none()
    | st.builds(Invalidation, keys, st.sampled_from([1.0, -1.0]), st.sampled_from([0.0, 2.0, 50.0])),
    dwell=st.just(1),
    point=st.booleans(),
    values=st.just(()),
    series=st.just("close"),
    operator=st.just(">="),
)
seeds = st.integers(0, 2**32 - 1)


class Case:
    """Rules over a matrix of outputs: some unknown with their reason, some not a number all the same."""

    def __init__(self, texts: list[RuleText], seed: int, pairs: int = PAIRS) -> None:
        random = np.random.default_rng(seed)
        shape = len(KEYS), pairs
        # Every other definition is somebody else's.
        self.rules = [(2 * place + 1, text) for place, text in enumerate(texts)]
        self.definitions, self.pairs = 2 * len(texts) + 1, pairs
        self.quality = random.choice(np.array(Quality, np.uint8), shape)
        self.quality[random.random(shape) < random.random()] = Quality.OK
        self.values = random.choice(FIGURES, shape)
        self.values[~np.isin(self.quality, USABLE)] = np.nan
        self.levels = random.choice(FIGURES, (self.definitions, pairs))

    def blank(self) -> Answers:
        answers = allocate_answers(self.definitions, self.pairs)
        for array in (answers.results, answers.level, answers.quality):
            array.fill(UNTOUCHED)
        return answers

    def one_by_one(self, rows: list[int], *, provisional: bool) -> Answers:
        table, answers = RuleTable(self.rules, KEYS.index), self.blank()
        pass_over_cells(
            self.values,
            self.quality,
            np.array(rows, np.int32),
            table.atoms,
            table.factors,
            table.rules,
            table.distances,
            self.levels,
            answers.results,
            answers.level,
            answers.quality,
            provisional,
        )
        return answers

    def asked(self, *parts: list[int], provisional: bool, rows_at_once: int = 512) -> Answers:
        answers = self.blank()
        rule_pass = RulePass(self.rules, KEYS.index, rows_at_once=rows_at_once)
        for rows in parts:
            rule_pass.ask(
                self.values,
                self.quality,
                np.array(rows, np.int32),
                self.levels,
                answers,
                provisional=provisional,
            )
        return answers


def same(one: Answers, other: Answers) -> bool:
    return (
        one.results.tobytes() == other.results.tobytes()
        and one.level.tobytes() == other.level.tobytes()
        and one.quality.tobytes() == other.quality.tobytes()
    )


@settings(max_examples=300)
@given(
    texts=st.lists(rules, min_size=1, max_size=4),
    seed=seeds,
    bounds=st.tuples(st.integers(0, PAIRS - FEWEST_ROWS), st.integers(FEWEST_ROWS, PAIRS)),
    rows_at_once=st.sampled_from([1, 2, 3, 7, 512]),
    provisional=st.booleans(),
)
def test_it_writes_the_same_bytes_as_one_pair_at_a_time(
    texts: list[RuleText], seed: int, bounds: tuple[int, int], rows_at_once: int, provisional: bool
) -> None:
    case = Case(texts, seed)
    rows = list(range(bounds[0], min(PAIRS, bounds[0] + bounds[1])))
    found = case.asked(rows, provisional=provisional, rows_at_once=rows_at_once)
    assert same(found, case.one_by_one(rows, provisional=provisional))


@settings(max_examples=50)
@given(texts=st.lists(rules, min_size=1, max_size=3), seed=seeds, cut=st.integers(0, PAIRS))
def test_pairs_may_be_asked_in_any_parts(texts: list[RuleText], seed: int, cut: int) -> None:
    case, everyone = Case(texts, seed), list(range(PAIRS))
    whole = case.asked(everyone, provisional=False)
    assert same(case.asked(everyone[:cut], everyone[cut:], provisional=False), whole)
    assert same(case.asked(everyone[::2], everyone[1::2], provisional=False), whole)
    assert same(case.asked(*([row] for row in everyone), provisional=False), whole)


@pytest.mark.compiled
def test_more_pairs_than_the_buffers_hold() -> None:
    """With vectors of every width, and a rest that fills none."""
    condition = ((Atom("abs", "a", Operator.AT_LEAST, "b", 2.0), Atom("", "c", Operator.HAS, None, 2.0)),)
    level = Invalidation("d", 1.0, 2.0)
    text = RuleText(
        "level", condition, None, condition, None, condition, level, 1, False, (), (), (), "close", ">="
    )
    case = Case([text, text], seed=3, pairs=1_300)
    rows = list(range(1, 1_300))
    assert same(case.asked(rows, provisional=False), case.one_by_one(rows, provisional=False))


def test_no_pairs_are_no_question() -> None:
    condition = ((Atom("", "a", Operator.ABOVE, None, 0.0),),)
    case = Case(
        [RuleText("level", condition, None, None, None, None, None, 1, False, (), (), (), "close", ">=")],
        seed=1,
    )
    assert same(case.asked([], provisional=False), case.blank())
