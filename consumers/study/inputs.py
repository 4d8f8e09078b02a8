"""Inputs of a study: daily files by symbol, series, pairs, definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from core.daily.limits import ANY_PRICE_SCALE, ANY_SERIES_SCALE
from core.definitions.catalogue import Catalogue, parse_catalogue
from core.events.artefact_set import ArtefactSet
from core.events.artefacts import Artefacts
from core.model.dated_events import EXCHANGE
from core.model.errors import ConfigurationError, HistoryError, InputError
from core.model.instruments import Pair, Universe
from core.model.scale_advice import flow_exponent
from core.model.sessions import Calendar, build_calendar, day_to_date
from core.model.settings import HistoryFile
from core.model.suggestions import nearest
from core.research.study import Series, study_universe
from core.runtime.artefact_files import read_cards, read_dated_events
from core.runtime.daily_files import Covered, NamedDaily, build_covering, check_all, read_all, read_named
from core.runtime.daily_options import FileOptions, history_entries
from core.runtime.files import CALENDAR_OVERRIDES, CATALOGUE, parsed, read_text
from core.runtime.named_files import NamedFile, named_files
from core.runtime.progress import progress

_KNOWN_AHEAD: Final = timedelta(days=31)
"""Longer than the window of any dated event, so that a session before a scheduled date is tagged
even if the files end before that date."""
BARS_EXAMPLE: Final = "write, for example, --bars RUT=RUT.csv or --bars IJR=adjusted.csv:IJR"
SERIES_EXAMPLE: Final = "write, for example, --series DGS10=FRED_DGS.csv:DGS10"
_PAIR: Final = "write, for example, --pair RUT/GSPC"


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """All inputs of a study, read and validated.

    Args:
        universe: Instruments, series and pairs.
        calendar: Their sessions over the whole history.
        frames: Symbol → checked daily frame, series included.
        catalogue: The definitions.
        artefacts: Dated events that tag sessions.
    """

    universe: Universe
    calendar: Calendar
    frames: Mapping[str, pl.DataFrame]
    catalogue: Catalogue
    artefacts: Artefacts


def parse_pair(text: str, symbols: Sequence[str]) -> Pair:
    """Read `NUMERATOR/BENCHMARK`, both among the symbols.

    Raises:
        ConfigurationError: The text has another form, or a leg has no file.
    """
    numerator, slash, benchmark = text.partition("/")
    if not (numerator and slash and benchmark) or "/" in benchmark:
        raise ConfigurationError(f"--pair {text!r} is not NUMERATOR/BENCHMARK", operator_action=_PAIR)
    for leg in (numerator, benchmark):
        if leg not in symbols:
            raise ConfigurationError(
                f"--pair {text}: no --bars for {leg!r}{nearest(leg, symbols, list_all=True)}",
                operator_action=f"add --bars {leg}=FILE",
            )
    return Pair(numerator, benchmark)


def parse_date(text: str | None, option: str) -> date | None:
    """Read an ISO date.

    Raises:
        InputError: The text is not a date.
    """
    if text is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{option} {text!r} is not a date like 2024-07-11") from error


def read_inputs(
    bars: Sequence[str],
    series: Sequence[str],
    pairs: Sequence[str],
    catalogue_file: Path | None,
    calendar_name: str,
    rarity: Path | None = None,
    *,
    artefact_set: ArtefactSet | None = None,
    options: FileOptions | None = None,
    besides: Sequence[str] = (),
    tagged: bool = True,
) -> StudyInputs:
    """Read and validate all inputs of a study.

    Args:
        bars: `SYMBOL=FILE[:COLUMN]`.
        series: `NAME=FILE:COLUMN`.
        pairs: `NUMERATOR/BENCHMARK`.
        catalogue_file: Catalogue file; None takes Rotascope's own.
        calendar_name: Trading calendar of all symbols.
        rarity: File with the rarity that events carry; None for none.
        artefact_set: Base rates and rarity that events carry, in place of `rarity`; None for none.
        options: How to read the files; None for the defaults.
        besides: Names of the command's other files, to which options may refer.
        tagged: Read what tags events; not needed for values.

    Raises:
        InputError: The rarity file is not one.
        ConfigurationError: A flag, a symbol, a pair or the catalogue is invalid.
    """
    catalogue = parsed(catalogue_file, CATALOGUE, parse_catalogue)
    options = options or FileOptions()
    files, others = named_files(bars, "--bars", BARS_EXAMPLE), named_files(series, "--series", SERIES_EXAMPLE)
    if not files:
        raise ConfigurationError("a study needs at least one --bars", operator_action=BARS_EXAMPLE)
    wanted = [parse_pair(text, list(files)) for text in dict.fromkeys(pairs)]
    if not wanted:
        raise ConfigurationError("a study needs at least one --pair", operator_action=_PAIR)
    legs = {leg for pair in wanted for leg in (pair.numerator, pair.benchmark)}
    every = [*files, *others, *besides]
    used = [file for file in _entries(files.values(), options, every) if file.symbol in legs]
    with progress("reading history") as step:
        raw = read_all(used, lambda _: calendar_name, now_ns=options.now_ns, on_progress=step)
    covered = build_covering(list(raw.values()), calendar_name, overrides=read_text(None, CALENDAR_OVERRIDES))
    calendar = covered.calendar
    frames = check_all(raw, lambda _: covered, limits=lambda _: ANY_PRICE_SCALE)
    values = [_series(file, covered, options) for file in _entries(others.values(), options, every)]
    beside = [
        replace(series_of(name, list(frames), wanted), exponent=flow_exponent(frame["close"]))
        for name, frame in zip(others, values, strict=True)
    ]
    universe = study_universe(frames, wanted, calendar_name, beside)
    frames |= {one.symbol: frame for one, frame in zip(beside, values, strict=True)}
    artefacts = Artefacts()
    if tagged:
        found = artefact_set or read_cards(None, rarity)
        artefacts = Artefacts.of(found, read_dated_events(None, _exchange(calendar)))
    return StudyInputs(universe, calendar, frames, catalogue, artefacts)


def series_of(name: str, symbols: Sequence[str], pairs: Sequence[Pair]) -> Series:
    """Derive the kind of a series from its name.

    Args:
        name: A symbol, or a symbol and the word "flow" (`IWM_flow`), means the money flow into it; "flow"
            alone suffices if there is only one numerator; anything else is a rate in percent.
        symbols: Symbols of the bars.
        pairs: The pairs of the study.

    Raises:
        ConfigurationError: A flow whose symbol is ambiguous.
    """
    words = re.split(r"[\W_]+", name)
    flowing = [word for word in words if word.lower() in ("flow", "flows")]
    into = [symbol for symbol in symbols if symbol == name or (flowing and symbol in words)]
    if not into and not flowing:
        return Series(name, "rate")
    numerators = list(dict.fromkeys(pair.numerator for pair in pairs))
    if not into and len(words) == 1 and len(numerators) == 1:
        into = numerators
    if len(into) != 1:
        raise ConfigurationError(
            f"--series {name!r} does not name the symbol of the flow; the symbols are {', '.join(symbols)}",
            operator_action=f"name it {numerators[0]}_flow, for example",
        )
    return Series(f"{into[0]}_flow", "flow", into[0])


def _entries(files: Iterable[NamedFile], options: FileOptions, every: Sequence[str]) -> list[HistoryFile]:
    return [HistoryFile(**entry) for entry in history_entries(files, options, besides=every)]


def _exchange(calendar: Calendar) -> Calendar:
    """The exchange's sessions over the same days, extended by those of known future dates.

    The calendar of a study is usually that of the exchange: then only the days ahead are built, because
    35 years take the library a second.
    """
    overrides = read_text(None, CALENDAR_OVERRIDES)
    first, last = day_to_date(calendar.session[0]), day_to_date(calendar.session[-1])
    if calendar.name != EXCHANGE:
        return build_calendar(EXCHANGE, first, last + _KNOWN_AHEAD, overrides=overrides)
    ahead = build_calendar(EXCHANGE, last + timedelta(days=1), last + _KNOWN_AHEAD, overrides=overrides)
    return replace(
        calendar,
        session=np.concatenate([calendar.session, ahead.session]),
        open_ns=np.concatenate([calendar.open_ns, ahead.open_ns]),
        close_ns=np.concatenate([calendar.close_ns, ahead.close_ns]),
        early_close=np.concatenate([calendar.early_close, ahead.early_close]),
    )


def _series(file: HistoryFile, covered: Covered, options: FileOptions) -> pl.DataFrame:
    """Read and validate a series; days before and after the prices are ignored."""
    read = read_named(file, covered.calendar.name, now_ns=options.now_ns)
    frame, first, last = read.daily.frame, covered.first, covered.last
    within = frame["date"].is_between(first, last)
    if not within.any():
        raise HistoryError(
            f"{read.name} has no value from {first} to {last}, the range of the bars",
            operator_action="use a file that covers this range, or omit the series",
        )
    cut = read.daily._replace(
        frame=frame.filter(within).select("date", "close"), moments=read.daily.moments.filter(within)
    )
    name = read.given.symbol
    checked = check_all(
        {name: NamedDaily(file, read.name, cut)},
        lambda _: covered,
        signed=[name],
        limits=lambda _: ANY_SERIES_SCALE,
    )
    return checked[name]
