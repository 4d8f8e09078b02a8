"""docs/metrics.md is what the table says."""

from __future__ import annotations

from core.indicators.exported import EXPORTED
from core.model.metrics import METRICS
from deploy.local.metrics_page import PAGE, page


def test_the_page_in_the_checkout_is_generated_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make metrics-page"


def test_it_has_one_line_for_each_metric_and_names_every_window() -> None:
    lines = [line for line in page().splitlines() if line.startswith("| `")]
    assert sorted(line.split("`")[1] for line in lines) == sorted(row.name for row in METRICS)
    by_name = {line.split("`")[1]: line for line in lines}
    for metric, window in EXPORTED.values():
        assert not window or window in by_name[metric].split("Windows:")[1]
