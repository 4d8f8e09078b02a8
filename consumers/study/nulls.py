"""How often each definition opens by chance, from runs of the engine over simulated histories."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
import typer
from rich.table import Table

from consumers.study.inputs import StudyInputs
from consumers.study.tables import print_table
from core.events.cards import RarityCards
from core.events.events import Event
from core.model.errors import InputError
from core.model.instruments import Pair
from core.model.sessions import session_day
from core.research.alignment import align_legs
from core.research.null_figures import known_figures
from core.research.nulls import NULLS
from core.research.rarity import NullCount, Rarity, count_rarity, null_pairs
from core.research.rarity_cards import rarity_card, rarity_cards
from core.research.study import HistoryRun, study_universe
from core.runtime.files import write_bytes
from core.runtime.progress import LINES_EVERY_S, progress
from core.runtime.sources import CORE, sources_digest

FORMAT: Final = "rotascope-study-nulls/1"
_LEAST_SESSIONS: Final = 64


def null_report(inputs: StudyInputs, *, simulations: int, seed: int, cache: Path | None) -> dict[str, Any]:
    """Count openings in the real and the simulated histories of each pair.

    Args:
        inputs: Inputs of the study; only the closes are used.
        simulations: Number of histories per null and pair.
        seed: The same seed gives the same histories.
        cache: Directory in which results are cached; None for no cache.

    Returns:
        JSON-serialisable content.

    Raises:
        ConfigurationError: The directory cannot be written.
    """
    file = None if cache is None else cache / f"nulls-{_digest(inputs, simulations, seed)}.json"
    if file is not None and file.is_file():
        kept: dict[str, Any] = msgspec.json.decode(file.read_bytes())
        return kept
    rows = [row for pair in inputs.universe.pairs for row in _pair_rarity(inputs, pair, simulations, seed)]
    opened = [row for row in rows if row.count or any(null.expected for null in row.nulls.values())]
    document: dict[str, Any] = {
        "seed": seed,
        "simulations": simulations,
        "definitions": [asdict(row) for row in opened],
        "silent": [f"{row.definition} {row.pair}" for row in rows if row not in opened],
        "known_figures": [asdict(one) | {"agrees": one.agrees} for one in known_figures(seed)],
    }
    if file is not None:
        write_bytes(
            file,
            msgspec.json.encode(document),
            make_folder=True,
            operator_action="choose another --cache directory",
        )
    return document


def up_to(inputs: StudyInputs, last: date | None) -> StudyInputs:
    """Drop every day after a date.

    Raises:
        InputError: Too few sessions would remain.
    """
    if last is None:
        return inputs
    frames = {name: frame.filter(pl.col("date") <= last) for name, frame in inputs.frames.items()}
    if short := [name for name, frame in frames.items() if frame.height < _LEAST_SESSIONS]:
        raise InputError(f"--to {last} leaves fewer than {_LEAST_SESSIONS} sessions of {', '.join(short)}")
    return replace(inputs, frames=frames)


def rarity_of(document: Mapping[str, Any], inputs: StudyInputs) -> RarityCards:
    """Return the rarity that later events carry.

    Args:
        document: From `null_report`.
        inputs: The inputs of that report.
    """
    pairs = {pair.name: pair for pair in inputs.universe.pairs}
    found = []
    for entry in document["definitions"]:
        nulls = {name: NullCount(**null) for name, null in entry["nulls"].items()}
        row = Rarity(**{**entry, "nulls": nulls})
        last = align_legs(pairs[row.pair], inputs.frames)["date"][-1]
        # The history includes its last close, so the rarity is knowable from that close on.
        known_ns = int(inputs.calendar.close_ns[inputs.calendar.row_of(session_day(last))]) + 1
        card = rarity_card(
            row,
            known_ns,
            history_end=str(last),
            simulations=document["simulations"],
            seed=document["seed"],
        )
        found.append((row, card))
    return rarity_cards(found)


def _pair_rarity(inputs: StudyInputs, pair: Pair, simulations: int, seed: int) -> list[Rarity]:
    closes = {leg: inputs.frames[leg].select("date", "close") for leg in (pair.numerator, pair.benchmark)}
    typer.echo(f"{pair.name}: making {simulations * len(NULLS)} simulated histories", err=True)
    null = null_pairs(pair, closes, simulations=simulations, seed=seed)
    universe = study_universe(null.frames, null.pairs, inputs.calendar.name)
    run = HistoryRun(universe, inputs.catalogue, {inputs.calendar.name: inputs.calendar}, null.frames)
    events: list[Event] = []
    with progress(f"{pair.name}: sessions stepped", lines_every_s=LINES_EVERY_S) as step:
        for number, done in enumerate(run.sessions(), start=1):
            events += done.events
            if number % 64 == 0 or number == len(run):
                step(number, len(run))
    both = align_legs(pair, inputs.frames)
    return count_rarity(events, inputs.catalogue, null, both.height, str(both["date"][0]))


def _digest(inputs: StudyInputs, simulations: int, seed: int) -> str:
    """Digest everything a result depends on: definitions, closes, the engine's sources."""
    known = hashlib.sha256(f"{FORMAT} {inputs.catalogue.meaning_digest} {simulations} {seed}".encode())
    for pair in inputs.universe.pairs:
        for leg in (pair.numerator, pair.benchmark):
            known.update(leg.encode())
            frame = inputs.frames[leg].select(pl.col("date").cast(pl.Int32).cast(pl.Float64), "close")
            known.update(frame.to_numpy().tobytes())
    return null_histories_digest(known.hexdigest())


def null_histories_digest(study: str, core: Path = CORE) -> str:
    """Digest a study's inputs together with the sources that compute it.

    Args:
        study: Digest of catalogue, closes, simulations and seed.
        core: The directory of the package `core`.

    Returns:
        24 hexadecimal digits.
    """
    return hashlib.sha256(f"{study} {sources_digest(core)}".encode()).hexdigest()[:24]


def print_nulls(document: Mapping[str, Any], style: str) -> None:
    """Print a report as a table or as one JSON object."""
    if style == "json":
        typer.echo(msgspec.json.encode(document))
        return
    print_table(_definitions_table(document["definitions"], document["simulations"]))
    print_table(_figures_table(document["known_figures"]))
    if document["silent"]:
        typer.echo(f"opened in no history (some need volume or a series): {', '.join(document['silent'])}")


def _definitions_table(rows: Sequence[Mapping[str, Any]], simulations: int) -> Table:
    title = f"openings per year, in history and by chance ({simulations} simulations each, ± standard error)"
    table = Table(title=title, title_justify="left")
    for header in ("definition", "pair"):
        table.add_column(header, no_wrap=True)
    for header in ("openings", "a year", *(name.replace("_", " ") for name in NULLS)):
        table.add_column(header, justify="right")
    for row in rows:
        table.add_row(
            row["definition"],
            row["pair"],
            str(row["count"]),
            f"{row['per_year']:.2f}",
            *(_null_text(row["nulls"][name], row["sessions"]) for name in NULLS),
        )
    return table


def _null_text(null: Mapping[str, float], sessions: int) -> str:
    error = null["standard_error"] * 252 / sessions
    return f"{null['per_year']:.2f} ± {error:.2f}"


def _figures_table(figures: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="known figures, reproduced", title_justify="left")
    for header in ("figure", "known", "found", "± standard error", "agrees"):
        table.add_column(header, justify="left" if header == "figure" else "right")
    for one in figures:
        table.add_row(
            one["figure"],
            f"{one['known']:g}",
            f"{one['found']:.2f}",
            f"{one['standard_error']:.2f}",
            "yes" if one["agrees"] else "no",
        )
    return table
