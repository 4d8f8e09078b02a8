"""The state of a demo at one moment, and the interface of its views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from deploy.demo.episodes import Episode
from deploy.demo.readings import ReadEvent


@dataclass(slots=True)
class Progress:
    """Progress of a demo. Values are those of the worker's /metrics page.

    Args:
        phase: Short description of the current phase.
        metrics_url: URL of the worker's page.
        trades: Number of trades of the recording.
        trades_sent: Number of trades the replay server has sent.
        clock_ns: Event time up to which every partition is complete; None before the first mark.
        ticks: Ticks processed, including history, marks and copies of the benchmark tape.
        frames: Frames processed.
        ticks_per_s: Ticks processed per second, recently.
        lag_records: Frames in the log that are not processed yet.
        lag_s: Event time the slowest partition is behind its log.
        strength: (pair, window) → change of the strength line in percent, unknown values omitted.
        ratios: Pair → price of the numerator over price of the benchmark.
    """

    phase: str = "starting"
    metrics_url: str = ""
    trades: int = 0
    trades_sent: int = 0
    clock_ns: int | None = None
    ticks: int = 0
    frames: int = 0
    ticks_per_s: float = 0.0
    lag_records: int = 0
    lag_s: float = 0.0
    strength: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    ratios: Mapping[tuple[str, ...], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a run.

    Args:
        trades: Trades played.
        symbols: Instruments of the trades.
        first_ns: Event time of the first trade.
        last_ns: Event time of the last trade.
        played_s: Seconds from the first trade sent until everything had been processed.
        ticks: Ticks processed, history included.
        ticks_per_s: Ticks processed per second during playback.
        frames: Frames processed.
        partitions: Partitions of the ticks topic.
        transitions: Every event read back from the topics, in order.
        episodes: The transitions grouped into episodes.
        metrics_url: URL of the metrics during the run.
        wall_s: Seconds from the command to the summary.
        dead_letters: Program → reason → number of items that could not be used.
    """

    trades: int
    symbols: tuple[str, ...]
    first_ns: int
    last_ns: int
    played_s: float
    ticks: int
    ticks_per_s: float
    frames: int
    partitions: int
    transitions: Sequence[ReadEvent]
    episodes: Sequence[Episode]
    metrics_url: str
    wall_s: float
    dead_letters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


class View(Protocol):
    """Shows a demo."""

    def __enter__(self) -> Self:
        """Start the view."""
        ...

    def __exit__(self, *exception: object) -> None:
        """Restore the terminal."""
        ...

    def milestone(self, text: str) -> None:
        """Show that a milestone has been reached."""
        ...

    def show(self, progress: Progress) -> None:
        """Show the progress; called about ten times a second."""
        ...

    def event(self, event: ReadEvent) -> None:
        """Show an event that was read from its topic."""
        ...

    def finished(self, summary: Summary) -> None:
        """Show the summary; called after `__exit__`."""
        ...
