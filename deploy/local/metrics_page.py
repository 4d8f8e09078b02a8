"""`python -m deploy.local.metrics_page`: write docs/metrics.md from the table of metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from core.indicators import FAMILIES
from core.indicators.exported import EXPORTED
from core.model.metrics import METRICS, Component, Metric

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"

_HEAD: Final = """\
# Metrics

This page is generated from the table in `core/model/metrics.py` by `make metrics-page`; do not edit it.

- A value that is unknown has no sample. `rotascope_unknown_values` counts them by reason.
- A pair is exported by one worker only, the one that owns the partition of its numerator.
- Which pairs: all, up to `metrics.pairs_max`; else `metrics.watched_pairs` and the `metrics.ranked_pairs`
  strongest and weakest of that worker. `rotascope_worker_dropped_pairs` counts the others.
- Counters are of a process, and begin at 0 for every combination of a closed set of labels.
- A moment is a timestamp; its age is `time()` minus it. Timestamps of values and events are event time.
- `rotascope_event_transitions_total` has the event's id as an exemplar in the OpenMetrics format.
"""

_PARTS: Final = (
    ("Values of pairs, and events", (Component.ENGINE,), "worker, from the engine's state"),
    ("The worker", (Component.WORKER,), "worker"),
    ("The producer", (Component.PRODUCER,), "producer"),
)


def page() -> str:
    """Return the page as Markdown."""
    windows, names = _values()
    lines = [_HEAD]
    for title, components, who in _PARTS:
        lines += [f"## {title}", "", f"Exported by: {who}.", ""]
        lines += ["| name | type | labels | meaning |", "|---|---|---|---|"]
        rows = [row for row in METRICS if row.component in components]
        lines += [_line(row, windows.get(row.name, ()), names.get(row.name, ())) for row in rows]
        lines.append("")
    return "\n".join(lines)


def _values() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return windows, and names in `study values`, by metric."""
    public = {output.key: output.value_name for family in FAMILIES for output in family.outputs}
    windows: dict[str, list[str]] = defaultdict(list)
    names: dict[str, list[str]] = defaultdict(list)
    for key, (metric, window) in EXPORTED.items():
        names[metric].append(public[key])
        if window:
            windows[metric].append(window)
    return windows, names


def _line(row: Metric, windows: Sequence[str], names: Sequence[str]) -> str:
    meaning = " ".join(_meaning(row, windows, names)).replace("|", r"\|")
    return f"| `{row.name}` | {row.kind.value} | {', '.join(row.labels)} | {meaning} |"


def _meaning(row: Metric, windows: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    yield row.help
    if windows:
        yield f"Windows: {', '.join(windows)}."
    if names:
        yield f"`study values`: {', '.join(f'`{name}`' for name in names)}."


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
