"""Prints the ledger to standard output, as a table or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import typer
from rich.table import Table

from consumers.study.tables import print_table
from core.research.claim_verdicts import ClaimFinding
from core.research.claim_wording import figures_text
from core.research.claims import Verdict


def print_findings(findings: Sequence[ClaimFinding], style: str) -> None:
    """Print verdicts as a table or as one JSON object."""
    if style == "json":
        typer.echo(msgspec.json.encode({"claims": [finding_data(each) for each in findings]}))
    else:
        print_table(_table(findings))


def finding_data(finding: ClaimFinding) -> dict[str, object]:
    """Return one verdict as JSON content."""
    return {
        "row": finding.claim.row,
        "claim": finding.claim.says,
        "pair": getattr(finding.claim, "pair", None),
        "metric": finding.metric,
        "window": finding.window,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "figures": finding.figures,
    }


def _table(findings: Sequence[ClaimFinding]) -> Table:
    counts = Counter(finding.verdict for finding in findings)
    summary = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    table = Table(title=f"{len(findings)} claims: {summary or 'none'}", title_justify="left")
    for header in ("row", "claim", "pair", "measured", "over", "verdict", "reason, figures"):
        table.add_column(header, justify="right" if header == "row" else "left")
    for finding in findings:
        table.add_row(
            str(finding.claim.row),
            finding.claim.says,
            getattr(finding.claim, "pair", "–"),
            finding.metric,
            finding.window,
            finding.verdict.value,
            "; ".join(part for part in (finding.reason, figures_text(finding.figures)) if part),
        )
    return table
