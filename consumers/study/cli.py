"""`rotascope study`: runs the engine over daily history and prints the results.

Exit codes: 0 done; 1 failed; 2 input or usage. Results go to standard output, everything else to
standard error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consumers.study.nulls_cli import nulls
from consumers.study.options import (
    AsOf,
    Bars,
    CalendarName,
    CatalogueFile,
    Definitions,
    DrawnFrom,
    From,
    LineFormat,
    Pairs,
    RarityFile,
    Series,
    States,
    TableFormat,
    To,
    given_options,
    known_definitions,
    write_result,
)
from consumers.study.prepare_cli import prepare
from core.model.errors import InputError
from core.model.settings import LogSettings
from core.runtime.artefact_files import read_set
from core.runtime.daily_options import AcceptJump, DateColumn, DateFormat
from core.runtime.exit_codes import EXIT_FAILED, exit_codes
from core.runtime.files import require_writable
from core.runtime.garbage import collector_paused
from core.runtime.log import configure_log

app = typer.Typer(no_args_is_help=True, help="Run the engine over daily history and print the results.")


@app.callback()
def _study() -> None:
    """Run the engine over daily history and print the results."""
    configure_log(LogSettings())


@app.command()
def events(
    bars: Bars,
    pair: Pairs,
    series: Series = None,
    catalogue_file: CatalogueFile = None,
    definition: Definitions = None,
    state: States = None,
    from_date: From = None,
    to_date: To = None,
    rarity: RarityFile = None,
    artefacts: Annotated[
        Path | None,
        typer.Option(
            "--artefacts",
            help="A set from 'study prepare --store': events carry what they carry live under it.",
        ),
    ] = None,
    calendar: CalendarName = "XNYS",
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
    output: Annotated[LineFormat, typer.Option("--format", help="A table, or one JSON object per line.")] = (
        LineFormat.TABLE
    ),
) -> None:
    """Print the events of daily history, as the live system would have published them.

    Each event carries its rarity and what followed earlier ones, computed
    only from outcomes known at the time. --from, --to, --definition and
    --state select what is printed; they do not change what is computed.

    Exit codes: 0 done; 1 failed; 2 input or usage.

    Examples:
      rotascope study events --bars RUT=RUT.csv --bars GSPC=GSPC.csv --pair RUT/GSPC
      rotascope study events --bars IWM=IWM.csv --bars SPY=SPY.csv --pair IWM/SPY
          --definition opposite_day_up --state opened --format jsonl
    """
    with exit_codes(), collector_paused():
        options = given_options(date_column, date_format, accept_jump)
        from consumers.study.inputs import parse_date, read_inputs
        from consumers.study.printing import EventChoice, print_events
        from consumers.study.running import events_with_base_rates, run_history

        if artefacts is not None and rarity is not None:
            raise InputError(
                "--artefacts and --rarity name different sets", operator_action="pass one of them"
            )
        inputs = read_inputs(
            bars,
            series or [],
            pair,
            catalogue_file,
            calendar,
            rarity,
            artefact_set=None if artefacts is None else read_set(artefacts),
            options=options,
        )
        choice = EventChoice(
            definitions=known_definitions(definition, inputs),
            states=frozenset(one.value for one in state or ()),
            first=parse_date(from_date, "--from"),
            last=parse_date(to_date, "--to"),
        )
        result = run_history(inputs)
        # Under a set the engine has looked base rates up itself, as it does live.
        chosen = choice.among(result.events) if artefacts else events_with_base_rates(result, choice.among)
        print_events(chosen, output.value)


@app.command()
def values(
    bars: Bars,
    pair: Annotated[
        str, typer.Option("--pair", metavar="NUMERATOR/BENCHMARK", help="A pair of the symbols.")
    ],
    date: Annotated[str, typer.Option("--date", metavar="DATE", help="The session.")],
    series: Series = None,
    catalogue_file: CatalogueFile = None,
    calendar: CalendarName = "XNYS",
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
    output: Annotated[
        TableFormat, typer.Option("--format", help="A table, or one JSON object.")
    ] = TableFormat.TABLE,
) -> None:
    """Print every indicator of a pair as of the close of a day, by name.

    Unknown values are null, with the reason.

    Exit codes: 0 done; 1 failed; 2 input or usage, for example
    a day without a session.

    Examples:
      rotascope study values --bars IWM=IWM.csv --bars SPY=SPY.csv --pair IWM/SPY --date 2024-06-18
    """
    with exit_codes(), collector_paused():
        options = given_options(date_column, date_format, accept_jump)
        from consumers.study.inputs import parse_date, read_inputs
        from consumers.study.printing import print_values
        from consumers.study.running import engine_at
        from consumers.study.values import day_values, session_of

        day = parse_date(date, "--date")
        if day is None:
            raise InputError("--date is missing")
        inputs = read_inputs(
            bars, series or [], [pair], catalogue_file, calendar, options=options, tagged=False
        )
        wanted = inputs.universe.pairs[0]
        session = session_of(wanted, day, inputs.frames, inputs.calendar)
        print_values(day_values(engine_at(inputs, session), wanted, session), output.value)


@app.command(name="base-rates")
def base_rates(
    bars: Bars,
    pair: Pairs,
    series: Series = None,
    catalogue_file: CatalogueFile = None,
    definition: Definitions = None,
    calendar: CalendarName = "XNYS",
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
    store: Annotated[
        Path | None,
        typer.Option("--store", help="Also write the base-rate cards that live events carry to this file."),
    ] = None,
    output: Annotated[
        TableFormat, typer.Option("--format", help="A table, or one JSON object.")
    ] = TableFormat.TABLE,
) -> None:
    """Print what followed the events of each definition, as of the end of the history.

    Returns of both legs and their spread over 1, 5, 20 and 60 sessions from
    the next close; cases at least one horizon apart; Wilson intervals; the
    difference from all days with a stationary-bootstrap interval; q-values
    over all tests made.

    Exit codes: 0 done; 1 failed; 2 input or usage.

    Examples:
      rotascope study base-rates --bars RUT=RUT.csv --bars GSPC=GSPC.csv --pair RUT/GSPC
      rotascope study base-rates --bars RUT=RUT.csv --bars GSPC=GSPC.csv --pair RUT/GSPC
          --definition spread_z_1d --format json --store base_rates.json
    """
    with exit_codes(), collector_paused():
        options = given_options(date_column, date_format, accept_jump)
        from consumers.study.inputs import read_inputs
        from consumers.study.printing import print_base_rates
        from consumers.study.running import rates_of, run_history
        from core.research.study_rates import last_session, study_cards

        inputs = read_inputs(bars, series or [], pair, catalogue_file, calendar, options=options)
        wanted = known_definitions(definition, inputs)
        require_writable(store, "--store")
        rates = rates_of(run_history(inputs))
        last = last_session(inputs.frames)
        table = next(iter(rates.tables([last])))
        if store is not None:
            write_result(store, study_cards(rates, inputs.calendar, last).encode())
        print_base_rates([row for row in table if not wanted or row.definition in wanted], output.value)


@app.command()
def report(
    bars: Bars,
    pair: Pairs,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="The HTML file to write.")],
    series: Series = None,
    catalogue_file: CatalogueFile = None,
    definition: Definitions = None,
    from_date: DrawnFrom = None,
    to_date: AsOf = None,
    rarity: RarityFile = None,
    calendar: CalendarName = "XNYS",
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
) -> None:
    """Write an HTML report: what opened lately, how rare that is, what followed, what is open now.

    With --rarity, openings are compared with chance. The page is one file,
    without scripts and network requests.

    Exit codes: 0 done; 1 failed; 2 input or usage.

    Examples:
      rotascope study report --bars RUT=RUT.csv --bars GSPC=GSPC.csv --pair RUT/GSPC --out rut.html
    """
    with exit_codes(), collector_paused():
        options = given_options(date_column, date_format, accept_jump)
        from consumers.study.inputs import parse_date, read_inputs
        from consumers.study.nulls import up_to
        from consumers.study.printing import EventChoice
        from consumers.study.report import make_report
        from consumers.study.report_page import render

        require_writable(out, "--out")
        inputs = read_inputs(bars, series or [], pair, catalogue_file, calendar, rarity, options=options)
        first, last = parse_date(from_date, "--from"), parse_date(to_date, "--to")
        choice = EventChoice(known_definitions(definition, inputs), frozenset(), first, last)
        made = make_report(up_to(inputs, last), choice.definitions, str(first or ""))
        write_result(out, render(made).encode())


for _command in (nulls, prepare):
    app.command()(_command)


__all__ = ["EXIT_FAILED", "app"]
