"""One history, and the same history cut off on many days: what was said must not depend on what came later.

A cut is another run over files that end that day. `copies` runs hundreds of them side by side: each is a
pair of its own, made of copies of the files that end with it, so that one engine steps all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from msgspec.structs import fields, replace
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue
from core.engine.engine import PartitionEngine
from core.events.events import Event
from core.indicators import DayFamily
from core.model.instruments import Pair, Universe
from core.model.sessions import Calendar, build_calendar, day_to_date
from core.research.base_rate_cards import known_since_ns, quarter_ends
from core.research.base_rates import BaseRates, RateTables
from core.research.history import check_daily, parse_daily
from core.research.study import HistoryRun, Series, study_universe
from core.research.study_rates import cards_as_asked, last_session, study_base_rates, with_base_rates
from tests.support.shared_data import shared_data

RESAMPLES = 49
"""Enough for figures to differ where their cases do."""

COPIES_AT_ONCE = 256
Key = tuple[str, str, int, int]
RATE = "DGS10"


@dataclass(frozen=True)
class History:
    """Files of a pair, checked.

    Args:
        pair: The pair.
        frames: Symbol → daily frame; of the legs, of RATE, and of a flow into the numerator.
        calendar: Their sessions.
    """

    pair: Pair
    frames: Mapping[str, pl.DataFrame]
    calendar: Calendar

    @cached_property
    def legs(self) -> dict[str, pl.DataFrame]:
        """The files of the pair itself."""
        return {leg: self.frames[leg] for leg in (self.pair.numerator, self.pair.benchmark)}

    @property
    def flow(self) -> str:
        """Name of the flow."""
        return f"{self.pair.numerator}_flow"

    def until(self, session: int) -> History:
        """The same files, cut behind a session."""
        last = day_to_date(session)
        frames = {symbol: frame.filter(pl.col("date") <= last) for symbol, frame in self.frames.items()}
        sessions = self.calendar.session
        stop = int(np.searchsorted(sessions, session, side="right"))
        whole = self.calendar
        calendar = Calendar(
            whole.name, sessions[:stop], whole.open_ns[:stop], whole.close_ns[:stop], whole.early_close[:stop]
        )
        return History(self.pair, frames, calendar)


@dataclass(frozen=True)
class Told:
    """What a run said.

    Args:
        history: What it ran over.
        events: Of the history's pair.
        values: Session → bytes of every value, quality and count of the pair; of copies nothing.
        tables: Base rates as of each quarter's end.
        known_since_ns: Since when each of them may be used.
    """

    history: History
    events: Sequence[Event]
    values: Mapping[int, bytes]
    tables: RateTables
    known_since_ns: Sequence[int]

    @cached_property
    def by_key(self) -> dict[Key, Event]:
        """Events by definition, episode and transition."""
        return {_key(event): event for event in self.events}

    def known_events(self, session: int) -> list[Event]:
        """Those that were known at a session's close."""
        return [event for event in self.events if event.ts_knowable_ns <= self.close_ns(session)]

    def close_ns(self, session: int) -> int:
        """When a session closed."""
        return int(self.history.calendar.close_ns[self.history.calendar.row_of(session)])


def recorded(numerator: str, benchmark: str, first: date, last: date) -> History:
    """Recorded files of a pair; the flow is made up."""
    calendar = build_calendar("XNYS", first, last)

    def read(file: str, column: str) -> pl.DataFrame:
        frame = parse_daily(shared_data(file).read_bytes(), file, format="csv", column=column)
        return check_daily(frame.filter(pl.col("date").is_between(first, last)), calendar, name=file).frame

    frames = {leg: read(f"daily/{leg}.csv", "close") for leg in (numerator, benchmark)}
    for leg, frame in frames.items():
        # An index has the volume of its whole exchange, too large for a record.
        if leg in ("RUT", "GSPC"):
            frames[leg] = frame.drop("volume")
    dates = frames[numerator]["date"]
    flows = np.random.default_rng(3).normal(0, 1e8, len(dates)).round()
    frames[RATE] = read("rates/FRED_DGS.csv", RATE).select("date", "close")
    frames[f"{numerator}_flow"] = pl.DataFrame({"date": dates, "close": flows})
    return History(Pair(numerator, benchmark), frames, calendar)


def tell(history: History, catalogue: Catalogue) -> Told:
    """Run a history by itself; its events carry their base rates."""
    series = [Series(RATE, "rate"), Series(history.flow, "flow", history.pair.numerator)]
    universe = study_universe(history.legs, [history.pair], history.calendar.name, series)
    run = HistoryRun(universe, catalogue, {history.calendar.name: history.calendar}, history.frames)
    events: list[Event] = []
    values: dict[int, bytes] = {}
    for done in run.sessions():
        events += done.events
        values[done.session] = day_values(run.engine)[:, 0].tobytes()
    rates, last = _rates(history, catalogue, events), last_session(history.legs)
    attached = with_base_rates(events, cards_as_asked(rates, history.calendar, last))
    return _told(history, attached, values, rates)


def copies(history: History, catalogue: Catalogue, cuts: Sequence[int]) -> Iterable[tuple[int, Told, bool]]:
    """Run a history cut behind each of some sessions.

    Yields:
        The session, what the cut run said, and whether its values were those of the whole run on
        every session.
    """
    for first in range(0, len(cuts), COPIES_AT_ONCE):
        some = cuts[first : first + COPIES_AT_ONCE]
        for cut, (own, same) in zip(some, _side_by_side(history, catalogue, some), strict=True):
            ended = history.until(cut)
            yield cut, _told(ended, own, {}, _rates(ended, catalogue, own)), same


def _side_by_side(
    history: History, catalogue: Catalogue, cuts: Sequence[int]
) -> Iterable[tuple[list[Event], bool]]:
    legs: dict[str, pl.DataFrame] = {}
    flows: dict[str, pl.DataFrame] = {}
    pairs = []
    series = [Series(RATE, "rate")]
    # The whole history is the first copy, so that values can be held against its own.
    for number, cut in enumerate((int(history.calendar.session[-1]), *cuts)):
        ended = history.until(cut)
        pair = Pair(*(f"{leg}~{number}" for leg in (history.pair.numerator, history.pair.benchmark)))
        legs[pair.numerator] = ended.frames[history.pair.numerator]
        legs[pair.benchmark] = ended.frames[history.pair.benchmark]
        flows[f"{pair.numerator}_flow"] = ended.frames[history.flow]
        series.append(Series(f"{pair.numerator}_flow", "flow", pair.numerator))
        pairs.append(pair)
    universe = _with_own_volume(study_universe(legs, pairs, history.calendar.name, series), legs)
    frames = legs | flows | {RATE: history.frames[RATE]}
    run = HistoryRun(universe, catalogue, {history.calendar.name: history.calendar}, frames)
    rows = [run.engine.evaluator.world.pairs.index(pair) for pair in pairs]
    same = np.ones(len(pairs), np.bool_)
    last = np.array([0, *cuts])
    events: dict[str, list[Event]] = {pair.name: [] for pair in pairs}
    for done in run.sessions():
        alive = np.flatnonzero(last >= done.session)
        heard = {pairs[number].name for number in alive}
        for event in done.events:
            # A run of its own would be over by now: what an ended copy still says does not count.
            if event.pair in heard:
                events[event.pair].append(event)
        values = day_values(run.engine)
        expected = values[:, rows[0]]
        same[alive] &= (values[:, [rows[number] for number in alive]] == expected[:, None]).all(axis=0)
    for number, pair in enumerate(pairs[1:], start=1):
        yield [replace(event, pair=history.pair.name) for event in events[pair.name]], bool(same[number])


def _with_own_volume(universe: Universe, legs: Mapping[str, pl.DataFrame]) -> Universe:
    """Copies repeat each other's volume, as files of indices do; it is a fund's all the same."""
    return Universe(
        universe.sources,
        tuple(
            dataclasses.replace(one, has_volume="volume" in legs[one.symbol].columns)
            if one.symbol in legs
            else one
            for one in universe.instruments
        ),
        universe.pairs,
    )


def day_values(engine: PartitionEngine) -> NDArray[np.int64]:
    """Every daily value bit for bit, its quality and its count: (figures, pairs)."""
    families = [family for family in engine.evaluator.families if isinstance(family, DayFamily)]
    return np.concatenate(
        [
            part
            for family in families
            for part in (
                np.ascontiguousarray(family.values).view(np.int64),
                family.quality.astype(np.int64),
                family.observations.astype(np.int64),
            )
        ]
    )


def _rates(history: History, catalogue: Catalogue, events: Sequence[Event]) -> BaseRates:
    universe = study_universe(history.legs, [history.pair], history.calendar.name)
    return study_base_rates(events, catalogue, universe, history.legs, history.calendar, resamples=RESAMPLES)


def _told(history: History, events: Sequence[Event], values: Mapping[int, bytes], rates: BaseRates) -> Told:
    ends = quarter_ends(history.calendar, last_session(history.legs))
    known = [known_since_ns(history.calendar, end) for end in ends]
    return Told(history, events, values, rates.columns(ends), known)


def differences(whole: Told, part: Told, cut: int) -> list[str]:
    """Say what a run over a cut history says otherwise than the whole one said by then.

    Args:
        whole: Of the whole history, by itself.
        part: Of the history cut behind a session.
        cut: That session.

    Returns:
        Definitions and sessions, empty where the two agree.
    """
    found = []
    known = whole.known_events(cut)
    if len(known) != len(part.events):
        found.append(f"{len(part.events)} events, and {len(known)} of the whole history")
    for event in part.events:
        expected = whole.by_key.get(_key(event))
        if expected is None or not _same(event, expected, attached=bool(part.values)):
            found.append(f"event {event.definition} of {event.event_time}")
    for day, values in part.values.items():
        if values != whole.values[day]:
            found.append(f"values of {day_to_date(day)}")
    quarters = sum(since <= whole.close_ns(cut) for since in whole.known_since_ns)
    if list(part.known_since_ns) != list(whole.known_since_ns[:quarters]):
        return [*found, "quarters"]
    for name in COLUMNS:
        own, all_of_them = getattr(part.tables, name), getattr(whole.tables, name)
        # The cuts are the last axis, but for the two bounds of an interval.
        axis = -2 if name == "bounds" else -1
        expected_column = np.take(all_of_them, range(quarters), axis=axis)
        # Sums of products may differ in their last bits; what is shown has four decimals.
        if not np.allclose(own, expected_column, rtol=0, atol=1e-9, equal_nan=True):
            found.append(f"base rates: {name}")
    return found


def _key(event: Event) -> Key:
    return event.definition, event.frequency, event.episode, event.transition


def _same(event: Event, expected: Event, *, attached: bool) -> bool:
    """Whether two events say the same; the names of copies, and what follows from these, aside."""
    return all(
        getattr(event, name) == getattr(expected, name)
        for name in FIELDS
        # A summary has the symbols in it, and is shortened where those of copies make it too long.
        if attached or name not in ("base_rate", "summary")
    )


COLUMNS = ("n", "kept", "hits", "means", "all_days", "differences", "bounds", "p_values", "q_values")
FIELDS = tuple(field.name for field in fields(Event) if field.name not in ("event_id", "provenance"))
