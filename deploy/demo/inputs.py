"""The demo's input: a recording of eight days, and the daily history before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from core.model.errors import HistoryError
from core.model.instruments import Universe
from core.model.routing import routes
from deploy.local.embedded_broker import partition_bytes
from producers.replay.bar_files import read_closes
from producers.replay.demo import LAST_HISTORY_DAY, demo_daily, demo_recording
from producers.replay.recording import Recording

MARKS_A_SECOND: Final = 2
"""Upper bound: one before the first tick of a second, one for a session's close."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The recording and the history before it.

    Args:
        recording: Trades in event-time order.
        daily: `symbol`, `session`, `close`: the history, and the official closes of the recording.
        closes_file: Source of `daily`; None for the shipped figures.
    """

    recording: Recording
    daily: pl.DataFrame
    closes_file: Path | None

    def write_history(self, directory: Path) -> dict[str, Path]:
        """Write the history before the recording to files, one per symbol.

        Returns:
            Symbol → Parquet file with `date` and `close`.
        """
        history = self.daily.filter(pl.col("session") <= LAST_HISTORY_DAY).sort("symbol", "session")
        files: dict[str, Path] = {}
        for (symbol,), frame in history.group_by("symbol", maintain_order=True):
            file = files[str(symbol)] = directory / f"{symbol}.parquet"
            frame.select(pl.col("session").alias("date"), "close").write_parquet(file)
        return files

    def bytes_by_partition(self, universe: Universe, partitions: int) -> Mapping[int, int]:
        """Compute an upper bound of the input size per partition of the ticks topic.

        Args:
            universe: Determines the partitions of ticks.
            partitions: Number of partitions.

        Returns:
            Partition → bytes.
        """
        records: Counter[int] = Counter()
        targets = routes(universe, partitions)
        ids = {each.symbol: each.instrument_id for each in universe.instruments}
        for symbol, count in self._records_by_symbol().items():
            for partition in targets.get(ids.get(symbol, -1), ()):
                records[partition] += count
        seconds = len(np.unique(self.recording.trades["ts_event"] // 1_000_000_000))
        sessions = self.daily["session"].n_unique()
        # At a slow pace every recorded second makes its own frame.
        return {
            partition: partition_bytes(
                ticks=records[partition] + MARKS_A_SECOND * seconds + sessions, frames=2 * seconds
            )
            for partition in range(partitions)
        }

    def _records_by_symbol(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        numbers = np.bincount(self.recording.trades["symbol"], minlength=len(self.recording.symbols))
        for symbol, count in zip(self.recording.symbols, numbers.tolist(), strict=True):
            counts[symbol] += count
        for symbol, count in self.daily["symbol"].value_counts().iter_rows():
            counts[symbol] += count
        return counts


def read_inputs(closes_file: Path | None) -> Inputs:
    """Read the shipped recording, with the shipped or other closes.

    Args:
        closes_file: CSV of `symbol,date,close` for the history and the recording's closing trades.

    Raises:
        HistoryError: The file is invalid.
    """
    if closes_file is None:
        return Inputs(demo_recording(), demo_daily(), None)
    daily = read_closes(closes_file)
    if daily.filter(pl.col("session") <= LAST_HISTORY_DAY).is_empty():
        raise HistoryError(
            f"{closes_file} contains no close up to {LAST_HISTORY_DAY}, the day before the recording",
            operator_action="supply daily closes for several earlier years, like the shipped ones",
        )
    return Inputs(demo_recording(daily), daily, closes_file)
