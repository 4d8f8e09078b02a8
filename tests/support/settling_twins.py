"""An engine that closes seconds by itself, and one that is told of each second, fed the same frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.engine.event_time import EventTime
from core.engine.step_output import StepOutput
from core.model.instruments import Universe
from core.model.sessions import Calendar
from tests.support.logs import LogBuilder, Run, Sequences, cut, run, state_of
from tests.support.worlds import CATALOGUE, short_calendars

SESSION_S = 14 * 60


class Counting(EventTime):
    """Counts how often the engine must advance time."""

    advances = 0

    @override
    def advance(self, source_row: int, output: StepOutput) -> None:
        self.advances += 1
        super().advance(source_row, output)


class EverySecond(Counting):
    """The kernel closes nothing by itself."""

    @override
    def look_ahead(self) -> None:
        """Leave `next_ends` as it is made: every second is due."""


def with_time(engine: PartitionEngine, kind: type[Counting]) -> Counting:
    """Let an engine advance by another kind of time."""
    engine.event_time = time = kind(engine.state, engine.instrument_time, engine.pair_time)
    return time


@dataclass
class Twins:
    """Two engines fed the same frames."""

    universe: Universe
    calendars: Mapping[str, Calendar] = field(
        default_factory=lambda: short_calendars(minutes=SESSION_S // 60)
    )
    told: Run = field(default_factory=Run)
    told_every_second: Run = field(default_factory=Run)
    sequences: Sequences = field(default_factory=Sequences)

    def __post_init__(self) -> None:
        of = (self.universe, parse_catalogue(CATALOGUE), self.calendars)
        self.engine = PartitionEngine(*of, partition=0, partitions=1)
        self.every_second = PartitionEngine(*of, partition=0, partitions=1)
        self.times = with_time(self.engine, Counting), with_time(self.every_second, EverySecond)

    def step(self, log: LogBuilder) -> None:
        """Send what the log holds, in one frame per source and change."""
        frames = cut(log.records, sequences=self.sequences)
        run(self.engine, frames, into=self.told)
        run(self.every_second, frames, into=self.told_every_second)

    @property
    def advances(self) -> tuple[int, int]:
        """How often each engine was to advance time."""
        return self.times[0].advances, self.times[1].advances


def require_equal(twins: Twins) -> None:
    """Every byte of state and of output is the same."""
    assert state_of(twins.engine) == state_of(twins.every_second)
    assert twins.told.told() == twins.told_every_second.told()
