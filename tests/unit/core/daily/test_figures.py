"""core.daily.figures: what people write for a number."""

from __future__ import annotations

import pytest

from core.daily.figures import read_figures
from core.daily.table import Table
from core.model.errors import HistoryError


def figures(*texts: str, separator: str = ",") -> list[float | None]:
    table = Table("csv", {"close": list(texts)}, len(texts), separator=separator)
    read: list[float | None] = read_figures(table, "X", {"close": "close"})["close"].to_list()
    return read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2211.77", 2211.77),
        ("$2211.77", 2211.77),
        ("2,211.77", 2211.77),
        ("1,234,567.5", 1234567.5),
        ("30.99M", 30_990_000.0),
        ("1.2B", 1.2e9),
        ("815.5K", 815_500.0),
        ("4.51%", 4.51),
        ("(1.5)", -1.5),
        ("−1.5", -1.5),
        ("+1.5", 1.5),
        ("1e-5", 1e-5),
        ("0.1", 0.1),
        (" 12 ", 12.0),
        ("€ 12", 12.0),
        (".", None),
        ("", None),
        ("#N/A", None),
        ("null", None),
    ],
)
def test_figures(text: str, value: float | None) -> None:
    assert figures(text) == [value]


def test_a_decimal_comma_is_told_by_any_figure_of_the_file() -> None:
    assert figures("2058,9", "2.062,85", "3", separator=";") == [2058.9, 2062.85, 3.0]
    assert figures("2,058", "2058,9", separator=";") == [2.058, 2058.9]


def test_thousands_between_quotation_marks_are_thousands() -> None:
    assert figures("2,058", "2,062") == [2058.0, 2062.0]
    assert figures("2,058", "2062.5", separator=";") == [2058.0, 2062.5]


def test_what_may_be_either_is_refused() -> None:
    with pytest.raises(HistoryError, match="may be thousands or a decimal comma"):
        figures("2,058", "2,062", separator=";")
    with pytest.raises(HistoryError, match="has a decimal comma, but other rows have a decimal point"):
        figures("2058,9", "2062.85", separator=";")
