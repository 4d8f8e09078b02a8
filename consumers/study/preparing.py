"""Computes what pairs contribute to a set of artefacts: one after the other, each kept in a directory."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import polars as pl

from consumers.study.nulls import null_histories_digest
from consumers.study.pair_groups import PairGroup
from core.definitions.catalogue import Catalogue
from core.events.artefact_set import ArtefactSet
from core.events.events import Event
from core.model.instruments import Pair
from core.model.sessions import session_day
from core.research.alignment import align_legs
from core.research.prepared import FORMAT, PreparedPair, merged, prepared_set
from core.research.rarity import NullPairs, count_rarity, null_pairs
from core.research.study import HistoryRun, study_universe
from core.research.study_rates import daily_openings
from core.runtime.files import write_bytes

CALIBRATED_SESSIONS: Final = 256
"""A run over so many sessions, after as many that are not timed, measures how long the others will take."""
_STEP: Final = 32
"""Sessions between two calls of `on_progress`."""

OnProgress = Callable[[int, int], None]


class Work(NamedTuple):
    """One pair to prepare.

    Args:
        group: Contains its histories.
        pair: The pair.
        file: Where its result is kept.
    """

    group: PairGroup
    pair: Pair
    file: Path

    @property
    def sessions(self) -> int:
        """Number of sessions that both legs have."""
        return align_legs(self.pair, self.group.frames).height


@dataclass(frozen=True, slots=True)
class Preparation:
    """Prepares pairs, and keeps what is done.

    Args:
        groups: The pairs with their histories.
        catalogue: The definitions.
        simulations: Number of simulated histories per null and pair.
        seed: The same seed gives the same histories.
        cache: Directory of results; one file a pair, reused while nothing it depends on changes.
    """

    groups: Sequence[PairGroup]
    catalogue: Catalogue
    simulations: int
    seed: int
    cache: Path

    def work(self) -> list[Work]:
        """Return all pairs, in the order of the groups."""
        return [
            Work(group, pair, self.cache / f"{_file_name(pair)}-{self._digest(group, pair)}.json")
            for group in self.groups
            for pair in group.pairs
        ]

    def result(self, work: Work) -> PreparedPair | None:
        """Return the kept result of a pair; None if there is none."""
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(work.file.read_bytes(), type=PreparedPair)
        return None

    def seconds_a_session(self, work: Work) -> float:
        """Measure how long a session of a pair and its simulated histories takes.

        Only the beginning of its history is run, and nothing is kept.
        """
        timed_s = 0.0
        for run in self._runs(work)[1]:
            started_s = 0.0
            for number, _ in enumerate(run.sessions(), start=1):
                if number == CALIBRATED_SESSIONS:
                    started_s = time.monotonic()
                if number == 2 * CALIBRATED_SESSIONS:
                    timed_s += time.monotonic() - started_s
                    break
            else:
                timed_s += time.monotonic() - started_s if started_s else 0.0
        return timed_s / CALIBRATED_SESSIONS

    def prepare(self, work: Work, on_progress: OnProgress) -> PreparedPair:
        """Compute the result of a pair, and keep it.

        Args:
            work: The pair.
            on_progress: Called with the number of sessions stepped, and their total in both runs.

        Raises:
            ConfigurationError: The directory cannot be written.
        """
        null, (alone, simulated) = self._runs(work)
        total = len(alone) + len(simulated)
        openings = daily_openings(_events(alone, on_progress, 0, total))
        both = align_legs(work.pair, work.group.frames)
        rarities = count_rarity(
            _events(simulated, on_progress, len(alone), total),
            self.catalogue,
            null,
            both.height,
            str(both["date"][0]),
        )
        calendar, last = work.group.calendar, both["date"][-1]
        found = PreparedPair(
            pair=work.pair.name,
            openings={name: own for (name, _), own in openings.items()},
            rarities=rarities,
            history_end=str(last),
            # The history includes its last close, so the rarity is knowable from that close on.
            known_ns=int(calendar.close_ns[calendar.row_of(session_day(last))]) + 1,
        )
        self._keep(work, found)
        return found

    def combine(self, found: Sequence[PreparedPair], first: int | None) -> ArtefactSet:
        """Build the set from the results of all pairs.

        Args:
            found: One result a pair, in the order of `work`.
            first: See `core.research.prepared.prepared_set`.
        """
        by_pair = {one.pair: one for one in found}
        return merged(
            prepared_set(
                [by_pair[pair.name] for pair in group.pairs],
                self.catalogue,
                group.pairs,
                group.frames,
                group.calendar,
                first=first,
                simulations=self.simulations,
                seed=self.seed,
            )
            for group in self.groups
        )

    def _runs(self, work: Work) -> tuple[NullPairs, tuple[HistoryRun, HistoryRun]]:
        """The pair alone, with volume and series; and with its simulated histories, closes only."""
        group, pair = work.group, work.pair
        legs, series = group.of(pair)
        calendars = {group.calendar.name: group.calendar}
        universe = study_universe(legs, [pair], group.calendar.name, series)
        frames = legs | {one.symbol: group.frames[one.symbol] for one in series}
        closes = {leg: frame.select("date", "close") for leg, frame in legs.items()}
        null = null_pairs(pair, closes, simulations=self.simulations, seed=self.seed)
        return null, (
            HistoryRun(universe, self.catalogue, calendars, frames),
            HistoryRun(
                study_universe(null.frames, null.pairs, group.calendar.name),
                self.catalogue,
                calendars,
                null.frames,
            ),
        )

    def _keep(self, work: Work, found: PreparedPair) -> None:
        action = "choose another --cache directory"
        partial = work.file.with_suffix(".partial")
        write_bytes(partial, msgspec.json.encode(found), make_folder=True, operator_action=action)
        partial.replace(work.file)  # whole or not at all, also when the process is killed

    def _digest(self, group: PairGroup, pair: Pair) -> str:
        """Digest everything that a pair's result depends on: definitions, histories, sources."""
        text = f"{FORMAT} {self.catalogue.digest} {self.simulations} {self.seed} {group.calendar.digest}"
        known = hashlib.sha256(text.encode())
        legs, series = group.of(pair)
        for one in series:
            known.update(f"{one}".encode())
        for symbol, frame in (legs | {one.symbol: group.frames[one.symbol] for one in series}).items():
            known.update(f"{symbol} {frame.columns}".encode())
            days = frame.with_columns(pl.col("date").cast(pl.Int32)).select(pl.all().cast(pl.Float64))
            known.update(days.to_numpy().tobytes())
        return null_histories_digest(known.hexdigest())


def _events(run: HistoryRun, on_progress: OnProgress, before: int, total: int) -> Iterator[Event]:
    for number, done in enumerate(run.sessions(), start=1):
        yield from done.events
        if number % _STEP == 0 or number == len(run):
            on_progress(before + number, total)


def _file_name(pair: Pair) -> str:
    return "".join(each if each.isalnum() else "-" for each in pair.name)
