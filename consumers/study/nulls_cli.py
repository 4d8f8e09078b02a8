"""`rotascope study nulls`: how often definitions open by chance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consumers.study.options import (
    Bars,
    CalendarName,
    CatalogueFile,
    Pairs,
    TableFormat,
    given_options,
    write_result,
)
from core.runtime.daily_options import AcceptJump, DateColumn, DateFormat
from core.runtime.exit_codes import exit_codes
from core.runtime.files import require_writable


def nulls(
    bars: Bars,
    pair: Pairs,
    catalogue_file: CatalogueFile = None,
    simulations: Annotated[
        int, typer.Option("--simulations", min=2, max=1000, help="Simulated histories per null and pair.")
    ] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same histories.")] = 1,
    cache: Annotated[
        Path | None,
        typer.Option("--cache", help="Directory in which results are cached."),
    ] = None,
    to_date: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Ignore days after this date.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option("--store", help="Also write the rarity that later events carry to this file."),
    ] = None,
    calendar: CalendarName = "XNYS",
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
    output: Annotated[
        TableFormat, typer.Option("--format", help="Tables, or one JSON object.")
    ] = TableFormat.TABLE,
) -> None:
    """Print how often each definition opens in history and by chance.

    The engine runs over simulated histories that keep one property of the
    pair and randomise the rest: a fair coin decides which leg is ahead;
    independent Student-t days with the pair's moments; the pair's days
    shuffled; its days resampled in blocks. Closes only. Known results
    about random walks are then checked against the simulations.

    Exit codes: 0 done; 1 failed; 2 input or usage.

    Examples:
      rotascope study nulls --bars RUT=RUT.csv --bars GSPC=GSPC.csv --pair RUT/GSPC --cache nulls
      rotascope study nulls --bars RUT=RUT.csv --bars GSPC=GSPC.csv --pair RUT/GSPC
          --to 2024-07-10 --store rarity.json
    """
    with exit_codes():
        options = given_options(date_column, date_format, accept_jump)
        from consumers.study.inputs import parse_date, read_inputs
        from consumers.study.nulls import null_report, print_nulls, rarity_of, up_to

        require_writable(store, "--store")
        inputs = read_inputs(bars, [], pair, catalogue_file, calendar, options=options)
        inputs = up_to(inputs, parse_date(to_date, "--to"))
        document = null_report(inputs, simulations=simulations, seed=seed, cache=cache)
        if store is not None:
            write_result(store, rarity_of(document, inputs).encode())
        print_nulls(document, output.value)
