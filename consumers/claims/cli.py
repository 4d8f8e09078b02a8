"""`rotascope claims`: the claim ledger, computed from supplied files.

Exit codes: 0 done, whatever the verdicts; 1 failed; 2 input or usage. The ledger goes to standard
output, everything else to standard error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consumers.study.options import CalendarName, CatalogueFile, Series, TableFormat, given_options
from core.model.errors import InputError
from core.model.settings import LogSettings
from core.runtime.daily_options import AcceptJump, DateColumn, DateFormat
from core.runtime.exit_codes import exit_codes
from core.runtime.files import CLAIMS, parsed
from core.runtime.log import configure_log

app = typer.Typer(help="Compute the claim ledger from daily files.")


@app.command()
def claims(
    bars: Annotated[
        list[str] | None,
        typer.Option(
            "--bars",
            metavar="SYMBOL=FILE[:COLUMN]",
            help="Daily files, as for 'study'; a claim whose symbols are missing is a data gap.",
        ),
    ] = None,
    series: Series = None,
    members: Annotated[
        list[str] | None,
        typer.Option(
            "--members",
            metavar="NAME=FILE",
            help="Daily volumes of an index's members: a column date, and a column of shares for each "
            "member. NAME is what claims of kind 'members' call it; Rotascope's own call it RUT. Repeatable.",
        ),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--claims", help="TOML file of claims; default: Rotascope's own.")
    ] = None,
    row: Annotated[
        list[int] | None, typer.Option("--row", help="Only the claims of this row; repeatable.")
    ] = None,
    catalogue_file: CatalogueFile = None,
    calendar: CalendarName = "XNYS",
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
    output: Annotated[
        TableFormat, typer.Option("--format", help="A table, or one JSON object.")
    ] = TableFormat.TABLE,
) -> None:
    """Report for each claim whether the supplied data support it, with the figures.

    Values and events are computed by the engine. The verdicts are reproduced; not reproduced,
    with the figure that was found beside the one that is claimed; not measurable; and data gap,
    which names what is missing.

    Exit codes: 0 done, whatever the verdicts; 1 failed; 2 input or usage.

    Examples:
      rotascope claims --bars RUT=RUT.csv --bars GSPC=GSPC.csv --row 42 --row 43
      rotascope claims --bars IWM=IWM.csv --bars SPY=SPY.csv --bars IJR_TR=adjusted.csv:IJR
          --bars SPY_TR=adjusted.csv:SPY --series DGS10=FRED.csv:DGS10 --format json
      rotascope claims --members RUT=volumes_of_members.csv --row 87
    """
    configure_log(LogSettings())
    with exit_codes():
        from consumers.claims.evidence import findings_of
        from consumers.claims.printing import print_findings
        from core.research.claims import parse_claims

        every = parsed(ledger, CLAIMS, parse_claims)
        chosen = [claim for claim in every if not row or claim.row in row]
        absent = sorted(set(row or ()) - {claim.row for claim in every})
        if absent:
            raise InputError(
                f"the ledger has no row {', '.join(map(str, absent))}",
                operator_action=f"choose rows from {every[0].row} to {every[-1].row}" if every else None,
            )
        options = given_options(date_column, date_format, accept_jump)
        findings = findings_of(
            chosen, bars or [], series or [], catalogue_file, calendar, options, members=members or []
        )
        print_findings(findings, output.value)
