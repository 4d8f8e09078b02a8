"""Daily histories of a universe's pairs, grouped by calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from core.daily.limits import limits_of
from core.model.errors import ConfigurationError, HistoryError
from core.model.instruments import Instrument, Pair, Universe
from core.model.sessions import Calendar
from core.model.settings import HistoryFile
from core.research.study import Series
from core.runtime.daily_files import NamedDaily, build_covering, check_all, read_all


@dataclass(frozen=True, slots=True)
class PairGroup:
    """Pairs whose legs follow one calendar.

    Args:
        calendar: The sessions, from the first day of any file to the last.
        pairs: The pairs.
        frames: Symbol → checked daily frame; of legs and series.
        series: The universe's rates and flows of this calendar that have a file.
    """

    calendar: Calendar
    pairs: tuple[Pair, ...]
    frames: Mapping[str, pl.DataFrame]
    series: tuple[Series, ...]

    def of(self, pair: Pair) -> tuple[dict[str, pl.DataFrame], tuple[Series, ...]]:
        """Return the frames of a pair's legs, and the series that its values use."""
        legs = {leg: self.frames[leg] for leg in (pair.numerator, pair.benchmark)}
        return legs, tuple(one for one in self.series if one.into in (None, pair.numerator))


def read_groups(
    universe: Universe,
    files: Sequence[HistoryFile],
    pairs: Sequence[Pair],
    *,
    overrides: str,
    now_ns: int,
    last: date | None,
    on_progress: Callable[[int, int], None],
) -> tuple[list[PairGroup], list[str]]:
    """Read the daily files of some pairs.

    Args:
        universe: All instruments.
        files: Daily files by symbol; those of other symbols are not read.
        pairs: The pairs.
        overrides: See `core.model.sessions.build_calendar`.
        now_ns: Current time; rows dated after it are dropped.
        last: Ignore days after this date; None for no limit.
        on_progress: Called with the number of files read and the total.

    Returns:
        Groups in the order of the pairs, and the pairs that are left out, each with its reason.

    Raises:
        ConfigurationError: No pair can be prepared.
        UniverseError: A file's symbol is not in the universe.
        HistoryError: A file is unreadable or invalid.
    """
    by_symbol = {file.symbol: universe.instrument(file.symbol) for file in files}
    chosen: dict[str, list[Pair]] = {}
    left_out: list[str] = []
    for pair in pairs:
        reason = _reason(pair, universe, by_symbol)
        if reason is None:
            chosen.setdefault(by_symbol[pair.numerator].calendar, []).append(pair)
        else:
            left_out.append(f"{pair.name}: {reason}")
    if not chosen:
        raise ConfigurationError(
            "no pair can be prepared: " + "; ".join(left_out[:5]),
            operator_action="pass the daily files of both legs with --history SYMBOL=FILE, or list them "
            "under [[history]] in the settings",
        )
    wanted = [file for file in files if _is_used(by_symbol[file.symbol], chosen)]
    raw = read_all(wanted, lambda symbol: by_symbol[symbol].calendar, now_ns=now_ns, on_progress=on_progress)
    raw = {symbol: _up_to(file, last) for symbol, file in raw.items()}
    return [_group(name, own, raw, by_symbol, overrides) for name, own in chosen.items()], left_out


def _reason(pair: Pair, universe: Universe, given: Mapping[str, Instrument]) -> str | None:
    missing = [leg for leg in (pair.numerator, pair.benchmark) if leg not in given]
    if missing:
        return f"no daily file of {' and '.join(missing)}"
    calendars = {universe.instrument(leg).calendar for leg in (pair.numerator, pair.benchmark)}
    return None if len(calendars) == 1 else "its legs follow different calendars"


def _is_used(instrument: Instrument, chosen: Mapping[str, Sequence[Pair]]) -> bool:
    pairs = chosen.get(instrument.calendar, ())
    legs = {leg for pair in pairs for leg in (pair.numerator, pair.benchmark)}
    if instrument.is_series:
        return bool(pairs) and (instrument.asset_class != "flow" or instrument.group in legs)
    return instrument.symbol in legs


def _up_to(file: NamedDaily, last: date | None) -> NamedDaily:
    if last is None:
        return file
    kept = file.daily.frame["date"] <= last
    if not kept.any():
        raise HistoryError(f"{file.name} has no day up to {last}", operator_action="pass a later --to")
    daily = file.daily._replace(frame=file.daily.frame.filter(kept), moments=file.daily.moments.filter(kept))
    return file._replace(daily=daily)


def _group(
    name: str,
    pairs: Sequence[Pair],
    raw: Mapping[str, NamedDaily],
    by_symbol: Mapping[str, Instrument],
    overrides: str,
) -> PairGroup:
    own = {symbol: file for symbol, file in raw.items() if by_symbol[symbol].calendar == name}
    covered = build_covering(list(own.values()), name, overrides=overrides)
    series = [by_symbol[symbol] for symbol in own if by_symbol[symbol].is_series]
    frames = check_all(
        own,
        lambda _: covered,
        signed=[one.symbol for one in series],
        limits=lambda symbol: limits_of(by_symbol[symbol]),
    )
    for symbol, frame in frames.items():
        # Live, an instrument without volume has none in its day bars either.
        if not by_symbol[symbol].has_volume and "volume" in frame.columns:
            frames[symbol] = frame.drop("volume")
    return PairGroup(
        covered.calendar,
        tuple(pairs),
        frames,
        tuple(
            Series(
                one.symbol,
                one.asset_class,
                one.group if one.asset_class == "flow" else None,
                one.price_exponent,
            )
            for one in series
        ),
    )
