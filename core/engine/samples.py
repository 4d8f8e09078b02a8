"""Reads metrics from an engine's state at scrape time, at no cost per tick."""

from __future__ import annotations

from collections.abc import Iterator

from core.definitions.life_pass import FLIPS, STEPS_TO_CONFIRM
from core.engine.evaluation import PairEvaluator
from core.kernels.codes import USABLE
from core.model.metrics import Sample
from core.model.records import NANOSECONDS_PER_SECOND, EventState, Frequency
from core.partition.state import COUNTERS, InstrumentState
from core.partition.world import PartitionWorld


def engine_samples(
    world: PartitionWorld, state: InstrumentState, evaluator: PairEvaluator
) -> Iterator[Sample]:
    """Yield the current exported values.

    Args:
        world: The partition's rows.
        state: State of instruments and sources.
        evaluator: State of pairs.

    Yields:
        Samples named as in `core.model.metrics`; unknown values are NaN, and their
        `rotascope_value_ready` is 0.
    """
    yield from _records(world, state)
    yield from _transitions(world, evaluator)
    pairs = [pair.name for pair in world.pairs]
    for frequency in Frequency:
        for row, pair in enumerate(pairs):
            as_of_ns = int(evaluator.as_of_ns[frequency, row])
            if as_of_ns:
                seconds = as_of_ns / NANOSECONDS_PER_SECOND
                yield Sample("rotascope_value_timestamp_seconds", (pair, frequency.label), seconds)
    for family in evaluator.families:
        for number, output in enumerate(family.outputs):
            if output.metric is None:
                continue
            values, quality = family.values[number], family.quality[number]
            for row, pair in enumerate(pairs):
                labels = (pair, output.window) if output.window else (pair,)
                yield Sample(output.metric, labels, float(values[row]))
                yield Sample("rotascope_value_ready", (pair, output.key), float(quality[row] in USABLE))


def _transitions(world: PartitionWorld, evaluator: PairEvaluator) -> Iterator[Sample]:
    partition = str(world.partition)
    for watch, tally in zip(evaluator.watches, evaluator.lifecycle.tally.tolist(), strict=True):
        definition = watch.definition
        labels = (partition, definition.definition_id)
        for state in definition.states:
            yield Sample("rotascope_event_transitions_total", (*labels, state.label), tally[state])
        if EventState.CONFIRMED in definition.states:
            yield Sample("rotascope_event_steps_to_confirm_total", labels, tally[STEPS_TO_CONFIRM])
        if definition.frequency == Frequency.DAY:
            yield Sample("rotascope_event_provisional_flips_total", labels, tally[FLIPS])


def _records(world: PartitionWorld, state: InstrumentState) -> Iterator[Sample]:
    partition = str(world.partition)
    for source, record in zip(world.sources, state.sources, strict=True):
        for outcome in COUNTERS:
            labels = (partition, source.name, outcome)
            yield Sample("rotascope_engine_records_total", labels, float(record[f"count_{outcome}"]))
