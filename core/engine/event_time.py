"""Advances event time in a partition: its sources, and its pairs behind them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.engine.pair_time import PairTime
from core.engine.step_output import StepOutput
from core.model.records import NANOSECONDS_PER_SECOND
from core.partition.instrument_time import InstrumentTime
from core.partition.state import NEVER, InstrumentState


class EventTime:
    """The clocks of a partition as one.

    Args:
        state: Instruments and sources.
        instrument_time: Clocks of the sources.
        pair_time: Clocks of the pairs.

    Attributes:
        next_ends: int64 (sources,): first Unix second at which `advance` is due for a source. Until then
            `apply_ticks` closes its seconds alone.
    """

    def __init__(self, state: InstrumentState, instrument_time: InstrumentTime, pair_time: PairTime) -> None:
        self._records = state.sources
        self._sources = state.source_columns
        self._instrument_time = instrument_time
        self._pair_time = pair_time
        self.next_ends: NDArray[np.int64] = np.full(len(state.sources), NEVER)
        self.look_ahead()

    def advance(self, source_row: int, output: StepOutput) -> None:
        """Close everything up to a source's new watermark, and let pairs follow.

        Args:
            source_row: The source.
            output: Receives bars, events and values.
        """
        self._pair_time.settle()
        sources = self._sources
        complete_ns = sources.mark_ns.item(source_row) - sources.lateness_ns.item(source_row)
        self._advance_to(source_row, complete_ns // NANOSECONDS_PER_SECOND, output)
        self.follow(output)
        self.look_ahead()

    def follow(self, output: StepOutput) -> None:
        """Advance a source declared dead with the slowest live one, so that its prices become stale.

        Args:
            output: Receives bars, events and values.
        """
        if 1 not in self._sources.dead.tolist():
            return
        sources = self._records
        living = [int(s["closed_second"]) for s in sources if not s["dead"] and s["mark_ns"] != NEVER]
        if not living:
            return
        for row in np.flatnonzero(sources["dead"]):
            if sources[row]["mark_ns"] != NEVER and sources[row]["closed_second"] < min(living):
                self._advance_to(int(row), min(living), output)

    def look_ahead(self) -> None:
        """Update `next_ends`, after anything that may change when a source needs `advance`."""
        if 1 in self._sources.dead.tolist():
            self.next_ends[:] = NEVER  # a dead source follows the others second by second
            return
        for row in range(len(self.next_ends)):
            self.next_ends[row] = min(self._instrument_time.next_end(row), self._pair_time.next_end(row))

    def _advance_to(self, source_row: int, target: int, output: StepOutput) -> None:
        for _ in self._instrument_time.advance(source_row, target, output.minute_bars, output.day_bars):
            self._pair_time.advance(source_row, output)
