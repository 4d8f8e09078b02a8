"""How often a definition opens in history, and how often by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from core.definitions.catalogue import Catalogue
from core.events.events import Event
from core.model.instruments import Pair
from core.model.records import EventState, Frequency
from core.research.alignment import align_legs
from core.research.nulls import NULLS, null_closes

SESSIONS_PER_YEAR: Final = 252
_MARK: Final = "~"


@dataclass(frozen=True, slots=True)
class NullCount:
    """Openings under one null.

    Args:
        expected: Mean number of openings over the simulations, in a history of the real length.
        standard_error: Standard error of that mean.
        per_year: Expected openings per year of 252 sessions.
        at_least_real: Share of simulations with at least as many openings as in history.
    """

    expected: float
    standard_error: float
    per_year: float
    at_least_real: float


@dataclass(frozen=True, slots=True)
class Rarity:
    """One definition on one pair.

    Args:
        definition: Definition id.
        version: Version of the definition.
        pair: Pair name.
        history_start: First session of the pair's history, ISO date.
        sessions: Number of sessions of the history.
        count: Number of openings.
        per_year: Openings per year of 252 sessions.
        last: Date of the latest opening, or None.
        nulls: Name of the null → openings under it.
    """

    definition: str
    version: str
    pair: str
    history_start: str
    sessions: int
    count: int
    per_year: float
    last: str | None
    nulls: Mapping[str, NullCount]


@dataclass(frozen=True)
class NullPairs:
    """A pair's null histories as separate symbols, studied together with the real pair.

    Args:
        real: The pair.
        frames: Symbol → daily frame, including both real legs.
        simulated: Null → its pairs.
    """

    real: Pair
    frames: Mapping[str, pl.DataFrame]
    simulated: Mapping[str, tuple[Pair, ...]]

    @property
    def pairs(self) -> list[Pair]:
        """The real pair, then the simulated ones."""
        return [self.real, *(pair for own in self.simulated.values() for pair in own)]


def null_pairs(pair: Pair, frames: Mapping[str, pl.DataFrame], *, simulations: int, seed: int) -> NullPairs:
    """Build null histories of a pair on the sessions that both legs have.

    Args:
        pair: The pair.
        frames: Symbol → checked daily frame.
        simulations: Number of histories per null.
        seed: The same seed gives the same histories.

    Returns:
        Closes only; nulls have no volume.
    """
    both = align_legs(pair, frames)
    closes = both.select("numerator", "benchmark").to_numpy().T
    dates = both["date"]
    made = {leg: frames[leg] for leg in (pair.numerator, pair.benchmark)}
    simulated: dict[str, tuple[Pair, ...]] = {}
    for name in NULLS:
        own = []
        for number in range(simulations):
            legs = [f"{leg}{_MARK}{name}{_MARK}{number}" for leg in (pair.numerator, pair.benchmark)]
            for leg, line in zip(legs, null_closes(name, closes, seed=seed, number=number), strict=True):
                made[leg] = pl.DataFrame({"date": dates, "close": line})
            own.append(Pair(*legs))
        simulated[name] = tuple(own)
    return NullPairs(pair, made, simulated)


def count_rarity(
    events: Iterable[Event], catalogue: Catalogue, null: NullPairs, sessions: int, history_start: str
) -> list[Rarity]:
    """Count openings in the real and the null histories.

    Args:
        events: Events of one run over all of them.
        catalogue: The definitions.
        null: From `null_pairs`.
        sessions: Number of sessions of the pair's history.
        history_start: First session, ISO date.

    Returns:
        One row per daily definition that applies to the pair, in catalogue order.
    """
    counts: dict[tuple[str, str], int] = {}
    last: dict[str, str] = {}
    for event in events:
        if event.state == EventState.OPENED.label:
            counts[event.definition, event.pair] = counts.get((event.definition, event.pair), 0) + 1
            if event.pair == null.real.name:
                last[event.definition] = event.event_time[:10]
    rows = []
    for definition in catalogue.definitions:
        if definition.frequency != Frequency.DAY or definition.pairs:
            continue  # A definition for certain pairs does not apply to the simulated ones.
        name = definition.definition_id
        real = counts.get((name, null.real.name), 0)
        rows.append(
            Rarity(
                definition=name,
                version=definition.version,
                pair=null.real.name,
                history_start=history_start,
                sessions=sessions,
                count=real,
                per_year=_per_year(real, sessions),
                last=last.get(name),
                nulls={
                    null_name: _null_count(
                        [counts.get((name, pair.name), 0) for pair in pairs], real, sessions
                    )
                    for null_name, pairs in null.simulated.items()
                },
            )
        )
    return rows


def _null_count(counts: Sequence[int], real: int, sessions: int) -> NullCount:
    found = np.array(counts, float)
    expected = float(found.mean())
    spread = float(found.std(ddof=1)) if len(found) > 1 else math.nan
    return NullCount(
        expected=round(expected, 4),
        standard_error=round(spread / math.sqrt(len(found)), 4),
        per_year=_per_year(expected, sessions),
        at_least_real=round(float(np.mean(found >= real)), 4),
    )


def _per_year(count: float, sessions: int) -> float:
    return round(count * SESSIONS_PER_YEAR / sessions, 4)


def expected_runs(length: int, sessions: int, chance: float = 0.5) -> float:
    """Return the expected number of runs of at least a length among independent days.

    Args:
        length: Days of the run, at least 1.
        sessions: Days of the history.
        chance: Probability that a day belongs to a run.

    Returns:
        Expected number; a run begins on the first day, or after a day that breaks one.

    Source:
        Feller (1968), An Introduction to Probability Theory and Its Applications I, XIII.7, counting
        each maximal run once.

    Example:
        >>> round(expected_runs(10, 47 * 252), 2)
        5.78
    """
    if sessions < length:
        return 0.0
    whole = chance**length
    return float(whole + (sessions - length) * (1.0 - chance) * whole)
