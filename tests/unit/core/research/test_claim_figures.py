"""core.research.claim_figures: figures have the digits it takes to check them."""

from __future__ import annotations

import math

import pytest

from core.research.claim_figures import Figure, figure_text


@pytest.mark.parametrize(
    ("name", "figure", "text"),
    [
        ("numerator_price", 2467.7, "2,467.70"),
        ("numerator_price_at_last", 2467.699951, "2,467.70"),
        ("numerator_high_63d", 2124.550049, "2,124.55"),
        ("benchmark_price_since", 27.3325, "27.3325"),
        ("paired_numerator_price", 0.50325, "0.50325"),
        ("numerator_price", 45.0, "45.00"),
        ("numerator_price_in_a_row", [2452.17, 2513.47], "2,452.17, 2,513.47"),
        ("numerator_highest_in_days", 1026.0, "1,026"),
        ("weeks", 26, "26"),
        ("volume", 1109905800.0, "1,109,905,800"),
        ("average_volume_20d", 486951234.55, "486,951,235"),
        ("relative_volume_20d", 2.0912345, "2.091"),
        ("share_pct", 50.0, "50.00"),
        ("change_pct", -0.00123456, "-0.0012"),
        ("difference_pp", -0.0, "0.00"),
        ("ratio_line", 100.123456, "100.123"),
        ("ratio_rsi_14", 55.5555, "55.56"),
        ("beta_63d", 1.2345678, "1.235"),
        ("peak_date", "2021-11-08", "2021-11-08"),
        ("beta_63d", None, "unknown"),
        ("last_held", None, "none"),
        ("in_a_row_first", None, "none"),
        ("dates", [], "none"),
        ("beta_63d", math.inf, "inf"),
    ],
)
def test_a_figure_has_the_digits_of_its_kind(name: str, figure: Figure, text: str) -> None:
    assert figure_text(name, figure) == text


def test_rounding_never_takes_a_figure_across_the_bound_it_missed() -> None:
    assert figure_text("share_pct", 64.9996, outside=(65, 100)) == "64.9996"
    assert figure_text("share_pct", 64.99, outside=(65, 100)) == "64.99"
