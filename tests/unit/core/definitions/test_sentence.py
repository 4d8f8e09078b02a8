"""core.definitions.sentence: text with placeholders, checked when it is read."""

from __future__ import annotations

import pytest

from core.definitions.sentence import parse_sentence, parse_title
from core.model.errors import CatalogueError

VALUES = (
    "instrument_return_pct",
    "spread_pp",
    "gain_streak_sessions",
    "numerator_price",
    "ratio",
    "peak_date",
)
LEGS = {"numerator": "small caps", "benchmark": "large caps"}
FIGURES: dict[str, float | str | None] = {
    "instrument_return_pct": -3.5718,
    "spread_pp": 0.004,
    "gain_streak_sessions": 1.0,
    "numerator_price": 2125.04,
    "ratio": 0.38054,
    "peak_date": "2021-11-08",
    "threshold.spread_pp": 0.5,
    "numerator.price": 2125.04,
    "benchmark.return_pct": -0.876,
}


def rendered(text: str, **changes: float | str | None) -> str | None:
    sentence = parse_sentence(text, VALUES, dates=["peak_date"], thresholds=["spread_pp"])
    return sentence.render({**FIGURES, **changes}, LEGS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{numerator} and {benchmark}", "Small caps and large caps"),
        ("{instrument_return_pct}", "-3.57 %"),
        ("{abs(instrument_return_pct)}", "3.57 %"),
        ("{instrument_return_pct:+.1f}", "-3.6 %"),
        ("{spread_pp:+}", "+0.00 pp"),
        ("{abs(spread_pp):.3f}", "0.004 pp"),
        ("{numerator} {rose|fell:instrument_return_pct}", "Small caps fell"),
        ("{gain_streak_sessions}", "1 session"),
        ("{numerator_price} {numerator.price:.0f}", "2,125.04 2,125"),
        ("{ratio} {ratio:.2f}", "0.3805 0.38"),
        ("since {peak_date}", "Since 2021-11-08"),
        ("{threshold.spread_pp} or more", "0.5 pp or more"),
        ("{benchmark} {benchmark.return_pct}", "Large caps -0.88 %"),
    ],
)
def test_a_placeholder_is_written_with_its_unit(text: str, expected: str) -> None:
    assert rendered(text) == expected


@pytest.mark.parametrize(
    ("value", "two", "three"), [(2.0, "up", "up"), (-2.0, "down", "down"), (0.0, "up", "level")]
)
def test_words_follow_the_sign(value: float, two: str, three: str) -> None:
    assert rendered("it {up|down:spread_pp}", spread_pp=value) == f"It {two}"
    assert rendered("it {up|down|level:spread_pp}", spread_pp=value) == f"It {three}"


def test_a_rounded_zero_has_no_minus() -> None:
    assert rendered("{spread_pp}", spread_pp=-0.001) == "0.00 pp"


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_a_sentence_that_needs_an_unknown_value_is_not_written(unknown: float | None) -> None:
    assert rendered("{numerator} {rose|fell:spread_pp}", spread_pp=unknown) is None
    assert rendered("{numerator} {spread_pp}", spread_pp=unknown) is None
    assert rendered("{numerator} at {ratio}", spread_pp=unknown) == "Small caps at 0.3805"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{spread_p}", "{spread_p} is nothing that its events carry; did you mean 'spread_pp'?"),
        ("{numerator.prise}", "did you mean 'numerator.price'"),
        ("{threshold.ratio}", "did you mean 'threshold.spread_pp'"),
        ("{rose|fell:sprad_pp}", "did you mean 'spread_pp'?"),
        ("{Numerator}", "cannot read {Numerator}: write {NAME}"),
        ("{spread_pp:>10}", "cannot read {spread_pp:>10}"),
        ("{spread_pp!r}", "cannot read {spread_pp!r}"),
        ("{}", "cannot read {}"),
        ("{spread_pp", "has a brace without its counterpart"),
        ("spread_pp}", "has a brace without its counterpart"),
        ("{a|b|c|d:spread_pp}", "cannot read {a|b|c|d:spread_pp}"),
        ("{abs(peak_date)}", "peak_date is a date; write {peak_date}"),
        ("{peak_date:.1f}", "peak_date is a date"),
        ("{early|late:peak_date}", "peak_date is a date"),
    ],
)
def test_what_no_event_can_fill_is_refused(text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as error:
        rendered(text)
    assert message in error.value.message


def test_a_title_names_thresholds_only() -> None:
    assert parse_title("up {threshold.x_pct} or more", {"x_pct": 3.0}) == "Up 3 % or more"
    assert parse_title("down {abs(threshold.x_pct)}", {"x_pct": -2.5}) == "Down 2.5 %"
    for text in ("{numerator} rises", "price {numerator.price}"):
        with pytest.raises(CatalogueError, match="a title is of the definition and may only name thresholds"):
            parse_title(text, {"x_pct": 3.0})
    with pytest.raises(CatalogueError, match=r"did you mean 'threshold\.x_pct'"):
        parse_title("up {threshold.x_pc}", {"x_pct": 3.0})
