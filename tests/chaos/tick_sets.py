"""What producers wrote, held against the recording they read.

A takeover costs what the vendor sent while nobody was connected, and no more: in each partition the
ticks that an engine admits are the recording's, each once and in order, but for one stretch at each
change of epoch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.kafka.records import Record
from core.model.errors import FrameError
from core.model.frames import decode_frame
from core.model.instruments import parse_universe
from core.model.records import TickKind
from core.model.routing import routes
from producers.replay.tick_files import load_tick_files
from tests.chaos.market_day import PARTITIONS, SOURCE_ID, UNIVERSE, write_session_files
from tests.support.recorded_log import recorded_ticks

WARM_EPOCH = 1
FIELDS = ["instrument_id", "ts_event", "price", "size"]


@dataclass(frozen=True)
class TickSets:
    """What differs, over all partitions.

    Args:
        doubled: Ticks admitted more often than the recording has them.
        foreign: Ticks that the recording does not have.
        lost: Ticks that are missing, and not at a takeover.
        missed: Ticks that are missing at a takeover: the vendor sent them to nobody.
    """

    doubled: int
    foreign: int
    lost: int
    missed: int

    @property
    def none(self) -> bool:
        """Whether nothing differs but what a takeover must cost."""
        return not (self.doubled or self.foreign or self.lost)

    def __str__(self) -> str:
        differing = f"{self.doubled} ticks doubled, {self.foreign} foreign, {self.lost} lost; "
        return ("tick sets equal; " if self.none else differing) + f"{self.missed} at takeovers"


def tick_sets(log: Mapping[int, Sequence[Record]]) -> TickSets:
    """Compare each partition's admitted ticks with those of the recording that belong there.

    Args:
        log: The frozen ticks log.
    """
    doubled = foreign = lost = missed = 0
    for partition, records in log.items():
        stretches = _admitted(records)
        found = np.concatenate(stretches)
        wanted = _recorded(partition)
        wanted = wanted[wanted["ts_event"] <= found["ts_event"][-1]]
        names, wanted_counts = np.unique(wanted, return_counts=True)
        seen, counts = np.unique(found, return_counts=True)
        places = np.minimum(np.searchsorted(names, seen), len(names) - 1)
        known = names[places] == seen
        foreign += int(counts[~known].sum())
        doubled += int(np.maximum(0, counts[known] - wanted_counts[places[known]]).sum())
        there = np.zeros(len(names), np.int64)
        there[places[known]] = counts[known]
        absent = np.maximum(0, wanted_counts - there)
        # Several trades may bear one time, and a takeover may fall between them.
        at_takeover = np.zeros(len(names), np.bool_)
        for before, after in pairwise(stretches):
            at_takeover |= (names["ts_event"] >= before["ts_event"][-1]) & (
                names["ts_event"] <= after["ts_event"][0]
            )
        # The last second of the log may have been on its way when the producer was told to end.
        at_takeover |= names["ts_event"] >= found["ts_event"][-1] - 10**9
        at_takeover |= names["ts_event"] <= found["ts_event"][0]
        missed += int(absent[at_takeover].sum())
        lost += int(absent[~at_takeover].sum())
    return TickSets(doubled, foreign, lost, missed)


def _admitted(records: Sequence[Record]) -> list[NDArray[np.void]]:
    """Trades of the producers' frames that an engine takes, a stretch for each epoch."""
    stretches: list[list[NDArray[np.void]]] = []
    epoch, sequence = WARM_EPOCH, -1
    for record in records:
        try:
            header, ticks = decode_frame(record.value)
        except FrameError:
            continue
        if header.source != SOURCE_ID or header.epoch <= WARM_EPOCH or header.epoch < epoch:
            continue
        if header.epoch > epoch:
            epoch, sequence = header.epoch, -1
            stretches.append([])
        if header.sequence <= sequence:
            continue
        sequence = header.sequence
        stretches[-1].append(ticks[ticks["kind"] == TickKind.TRADE][FIELDS])
    joined = [np.concatenate(each) for each in stretches]
    return [each for each in joined if len(each)]


@cache
def _recorded(partition: int) -> NDArray[np.void]:
    universe = parse_universe(UNIVERSE)
    with tempfile.TemporaryDirectory() as directory:
        ticks = recorded_ticks(load_tick_files(write_session_files(Path(directory))), universe, SOURCE_ID)
    mine = [each for each, targets in routes(universe, PARTITIONS).items() if partition in targets]
    return ticks[np.isin(ticks["instrument_id"], mine)][FIELDS].copy()
