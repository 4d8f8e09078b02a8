"""Prints the ledger to standard output, as a table or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import typer
from rich.table import Table

from consumers.study.tables import print_table
from core.research.claim_verdicts import Figure, Finding
from core.research.claims import Verdict


def print_findings(findings: Sequence[Finding], style: str) -> None:
    """Print verdicts as a table or as one JSON object."""
    if style == "json":
        typer.echo(msgspec.json.encode({"claims": [finding_data(each) for each in findings]}))
    else:
        print_table(_table(findings))


def finding_data(finding: Finding) -> dict[str, object]:
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


def _table(findings: Sequence[Finding]) -> Table:
    counts = Counter(finding.verdict for finding in findings)
    summary = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
    table = Table(title=f"{len(findings)} claims: {summary or 'none'}", title_justify="left")
    for header in ("row", "claim", "pair", "measured", "over", "verdict", "figures, reason"):
        table.add_column(header, justify="right" if header == "row" else "left")
    for finding in findings:
        figures = ", ".join(f"{name} {_figure_text(figure)}" for name, figure in finding.figures.items())
        table.add_row(
            str(finding.claim.row),
            finding.claim.says,
            getattr(finding.claim, "pair", "–"),
            finding.metric,
            finding.window,
            finding.verdict.value,
            "; ".join(part for part in (figures, finding.reason) if part),
        )
    return table


def _figure_text(figure: Figure) -> str:
    if isinstance(figure, list):
        return " ".join(map(_figure_text, figure)) or "none"
    if isinstance(figure, float):
        return f"{figure:,.4g}" if abs(figure) < 1000 else f"{figure:,.0f}"
    return "–" if figure is None else str(figure)
