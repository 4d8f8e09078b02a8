"""Admits the frames of a source: in order, none twice, none of a producer that has been replaced."""

from __future__ import annotations

from core.model.frames import FrameHeader
from core.partition.instrument_time import InstrumentTime
from core.partition.state import InstrumentState


class FrameAdmission:
    """Where each source is in its frames.

    Args:
        state: Holds epoch and next sequence of every source.
        instrument_time: Is told of gaps.
    """

    def __init__(self, state: InstrumentState, instrument_time: InstrumentTime) -> None:
        self._records = state.sources
        self._sources = state.source_columns
        self._instrument_time = instrument_time

    def admit(self, row: int, header: FrameHeader) -> bool:
        """Drop an older epoch and a repeated sequence; treat a missing frame, and a new epoch, as a gap.

        Args:
            row: The source.
            header: Of its frame.

        Returns:
            Whether the frame is to be applied.
        """
        sources = self._sources
        epoch, expected = sources.epoch.item(row), sources.next_sequence.item(row)
        if not sources.seen.item(row):
            # A replay may start after earlier frames: the first one seen is not a gap.
            sources.seen[row] = 1
            sources.epoch[row] = header.epoch
            expected = header.sequence
        elif header.epoch < epoch:
            self._records[row]["count_old_epoch_frames"] += 1
            return False
        elif header.epoch > epoch:
            # What happened between the last frame of the old epoch and this one is unknown.
            sources.epoch[row] = header.epoch
            expected = 0
            self._instrument_time.mark_gap(row)
        if header.sequence < expected:
            self._records[row]["count_repeated_frames"] += 1
            return False
        if header.sequence > expected:
            self._records[row]["count_missing_frames"] += header.sequence - expected
            self._instrument_time.mark_gap(row)
        sources.next_sequence[row] = header.sequence + 1
        return True
