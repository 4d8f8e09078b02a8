"""What there is to show of a demo at one moment, and who shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from deploy.demo.episodes import Episode
from deploy.demo.readings import ReadEvent


@dataclass(slots=True)
class Progress:
    """How far a demo is. Values are those of the worker's /metrics page.

    Args:
        phase: What is going on, in a few words.
        metrics_url: Where the worker's page is.
        trades: Trades of the recording.
        trades_sent: Trades the replay server has sent.
        clock_ns: Event time up to which every partition is complete; None before the first mark.
        ticks: Ticks stepped: history, marks and copies of the benchmark tape included.
        frames: Frames stepped.
        ticks_per_s: Ticks stepped in a second, lately.
        lag_records: Frames in the log that are not stepped.
        lag_s: Event time the slowest partition is behind its log.
        strength: (pair, window) → change of the strength line in percent; what is unknown is left out.
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
    """What a run came to.

    Args:
        trades: Trades played.
        symbols: Instruments they are of.
        first_ns: Event time of the first trade.
        last_ns: Event time of the last trade.
        played_s: Seconds from the first trade sent until everything had been stepped.
        ticks: Ticks stepped, history included.
        ticks_per_s: Ticks stepped a second while it was played.
        frames: Frames stepped.
        partitions: Partitions of the ticks.
        transitions: Every event read back from the topics, in order.
        episodes: The same, put together.
        metrics_url: Where the metrics were.
        wall_s: Seconds from the command to the summary.
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


class View(Protocol):
    """Shows a demo to somebody."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *exception: object) -> None:
        """Leave the terminal as it was."""
        ...

    def milestone(self, text: str) -> None:
        """Something has been reached that is worth a line."""
        ...

    def show(self, progress: Progress) -> None:
        """Called about ten times a second."""
        ...

    def event(self, event: ReadEvent) -> None:
        """An event has been read from its topic."""
        ...

    def finished(self, summary: Summary) -> None:
        """All is done; called after `__exit__`."""
        ...
