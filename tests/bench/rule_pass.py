"""All rules of the day over the pairs of a partition: the pass over rows beside the one pair by pair.

Both passes answer the same rules over the same values in turn, so that the ratio does not depend on
what else the machine does. The values are those of a session in progress.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from core.definitions.answers import ENTER, Answers, allocate_answers
from core.definitions.rule_entry import RuleText
from core.definitions.rule_pass import RulePass, pass_over_cells
from core.definitions.rule_table import RuleTable
from core.definitions.rules import known_outputs
from core.engine.evaluation import PairEvaluator
from core.model.records import Frequency
from tests.bench.engine_passes import run_loop
from tests.bench.market import FLUSH_RECORDS, TICKS_SOURCE, Market, payloads, warm_engine
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.timing import time_call

PAIRS = (125, 666)
"""A partition of four with 500 instruments, and one of twelve with all of the US."""

RUNS = 21
RATIO_GOAL = Goal(15, at_least=True)


def run(bench: Bench) -> Iterator[Figure]:
    """Measure both sizes, a look at a session in progress and its end."""
    for pairs in PAIRS:
        progress(f"{pairs} pairs: history and two minutes")
        market = Market(pairs + 2)
        engine = warm_engine(market)
        ticks = market.trades(market.open_second, 125, 20 * pairs)
        run_loop(engine, payloads(market, ticks, TICKS_SOURCE, FLUSH_RECORDS))
        for provisional in (True, False):
            yield from _figures(bench, engine.evaluator, provisional=provisional)


def _figures(bench: Bench, evaluator: PairEvaluator, *, provisional: bool) -> Iterator[Figure]:
    definitions, pairs = len(evaluator.watches), len(evaluator.world.pairs)
    by_row, by_cell = allocate_answers(definitions, pairs), allocate_answers(definitions, pairs)
    new = _pass_over_rows(evaluator, by_row, provisional=provisional)
    old = _pass_over_cells(evaluator, by_cell, provisional=provisional)
    rows_ns, cells_ns = [], []
    for _ in range(bench.size(RUNS, 3)):
        rows_ns += time_call(new, runs=1, times=20)
        cells_ns += time_call(old, runs=1, times=5)
    if by_row.results.tobytes() != by_cell.results.tobytes():
        raise RuntimeError("the two passes do not agree")
    numbers = [number for number, _ in _rules(evaluator)]
    true, unknown = (
        np.mean(by_row.results[ENTER, numbers] == 1),
        np.mean(by_row.results[ENTER, numbers] == -1),
    )
    what = f"{'a session in progress' if provisional else 'its end'}, {pairs} pairs"
    note = f"{len(numbers)} rules; {true:.1%} of the answers are true, {unknown:.0%} unknown"
    ratios = [cell / row for cell, row in zip(cells_ns, rows_ns, strict=True)]
    yield figure(f"rules over rows, {what}", "µs", [each / 1000 for each in rows_ns], note=note)
    yield figure(f"rules pair by pair, {what}", "µs", [each / 1000 for each in cells_ns])
    yield figure(f"ratio, {what}", "times", ratios, RATIO_GOAL)


def _pass_over_rows(evaluator: PairEvaluator, answers: Answers, *, provisional: bool) -> Callable[[], object]:
    rows = np.arange(len(evaluator.world.pairs), dtype=np.int32)
    ask = RulePass(_rules(evaluator), list(known_outputs()).index).ask
    return partial(
        ask,
        evaluator.values,
        evaluator.quality,
        rows,
        evaluator.lifecycle.levels,
        answers,
        provisional=provisional,
    )


def _pass_over_cells(
    evaluator: PairEvaluator, answers: Answers, *, provisional: bool
) -> Callable[[], object]:
    table = RuleTable(_rules(evaluator), list(known_outputs()).index)
    return partial(
        pass_over_cells,
        evaluator.values,
        evaluator.quality,
        np.arange(len(evaluator.world.pairs), dtype=np.int32),
        table.atoms,
        table.factors,
        table.rules,
        table.distances,
        evaluator.lifecycle.levels,
        answers.results,
        answers.level,
        answers.quality,
        provisional,
    )


def _rules(evaluator: PairEvaluator) -> list[tuple[int, RuleText]]:
    """Number and text of each rule of the day."""
    return [
        (watch.rule.number, watch.definition.rule)
        for watch in evaluator.watches
        if watch.definition.frequency == Frequency.DAY
    ]
