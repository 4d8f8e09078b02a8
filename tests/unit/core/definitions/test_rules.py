"""core.definitions.rules: conditions read from text, and what cannot be read explained."""

from __future__ import annotations

import pytest

from core.definitions.rules import (
    Atom,
    Operator,
    canonical,
    find_key,
    known_outputs,
    parse_condition,
    value_name,
)
from core.indicators import FAMILIES
from core.model.errors import CatalogueError
from core.model.records import Frequency


def only(text: str, frequency: Frequency = Frequency.DAY) -> Atom:
    ((atom,),) = parse_condition([text], frequency)
    return atom


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ratio:1d >= 1.5", Atom("", "ratio:1d", Operator.AT_LEAST, None, 1.5)),
        ("ratio:1d<=-1e-3", Atom("", "ratio:1d", Operator.AT_MOST, None, -0.001)),
        ("  beta:63d  >  0 ", Atom("", "beta:63d", Operator.ABOVE, None, 0.0)),
        ("beta:63d < 2", Atom("", "beta:63d", Operator.BELOW, None, 2.0)),
        ("beta:63d == 1", Atom("", "beta:63d", Operator.EQUAL, None, 1.0)),
        ("beta:63d != 1", Atom("", "beta:63d", Operator.UNEQUAL, None, 1.0)),
        ("beta:63d has 4", Atom("", "beta:63d", Operator.HAS, None, 4.0)),
        ("abs( beta:63d ) > 2", Atom("abs", "beta:63d", Operator.ABOVE, None, 2.0)),
        ("quality(ratio:1d) != halted", Atom("quality", "ratio:1d", Operator.UNEQUAL, None, 3.0)),
        ("ratio > 2", Atom("", "ratio:1d", Operator.ABOVE, None, 2.0)),
        ("ratio:1d > ratio_high:252d", Atom("", "ratio:1d", Operator.ABOVE, "ratio_high:252d", 1.0)),
        ("ratio:1d>ratio_high:252d*0.99", Atom("", "ratio:1d", Operator.ABOVE, "ratio_high:252d", 0.99)),
        ("beta_63d > 2", Atom("", "beta:63d", Operator.ABOVE, None, 2.0)),
        ("relative_21d_pp > 0", Atom("", "relative_strength_pp:21d", Operator.ABOVE, None, 0.0)),
    ],
)
def test_a_condition(text: str, expected: Atom) -> None:
    assert only(text) == expected


def test_a_rule_sees_values_of_its_own_frequency_or_finer() -> None:
    stale = only("quality(ratio) == stale", Frequency.MINUTE)
    assert stale == Atom("quality", "ratio", Operator.EQUAL, None, 2.0)
    with pytest.raises(CatalogueError, match=r"'beta:63d', which is computed at 1d, to a rule at 1m"):
        only("beta:63d > 1", Frequency.MINUTE)
    with pytest.raises(CatalogueError, match=r"'beta:1h', which is computed at 1m, to a rule at 1d"):
        only("beta:1h > 1")


def test_a_list_must_hold_whole_and_alternatives_one_by_one() -> None:
    condition = parse_condition(["beta:63d > 1 or beta:63d < -1", "ratio:1d > 0"])
    assert [[atom.text for atom in clause] for clause in condition] == [
        ["beta:63d > 1.0", "beta:63d < -1.0"],
        ["ratio:1d > 0.0"],
    ]
    assert parse_condition("ratio:1d > 0") == parse_condition(["ratio:1d > 0"])
    assert parse_condition([]) == ()


def test_spelling_does_not_count() -> None:
    one, other = (parse_condition([text]) for text in ("beta_63d>=2", "beta:63d  >= 2.00"))
    assert canonical(one) == canonical(other) == [["beta:63d >= 2.0"]]
    assert canonical(None) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (3, "conditions must be a list of strings"),
        ([3], "conditions must be a list of strings"),
        (["ratio:1d"], "cannot read 'ratio:1d': write KEY"),
        (["ratio:1d = 3"], "cannot read"),
        (["ratio:1d ~ 3"], "cannot read"),
        ([">= 3"], "cannot read ''"[:11]),
        ([""], "cannot read ''"),
        (["ratio:1d >= 3 or"], "neither a number nor a value"),
        (["ratio:1d >= 3 or "], "neither a number nor a value"),
        (["log(ratio:1d) > 1"], "cannot read"),
        (["raito:1d > 1"], "to a rule at 1d; did you mean ratio:1d or"),
        (["ratio:1d > betta:63d"], "to a rule at 1d; did you mean beta:63d or"),
        (["ratio:1d > nan"], "no indicator gives 'nan'"),
        (["ratio:1d > inf"], "no indicator gives 'inf'"),
        (["ratio:1d > 1e999"], "neither a number nor a value"),
        (["ratio:1d > 3 4"], "'3 4' is neither a number nor a value"),
        (["ratio:1d > beta:63d * x"], "'x' is not a number"),
        (["ratio:1d > beta:63d + 1"], "neither a number nor a value"),
        (["beta:63d has 0"], "`has` needs an integer above 0"),
        (["beta:63d has 1.5"], "`has` needs an integer above 0"),
        (["beta:63d has ratio:1d"], "`has` takes a number only"),
        (["quality(ratio) > stale"], "a quality is compared with == or != only"),
        (["quality(ratio) == fine"], "'fine' is not a quality; known are ok, not_ready"),
    ],
)
def test_what_cannot_be_read_is_explained(text: object, message: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        parse_condition(text)
    assert message in refusal.value.message
    assert "Operator action:" in str(refusal.value)


def test_every_output_is_known_by_key_and_by_public_name() -> None:
    outputs = {output.key: family.frequency for family in FAMILIES for output in family.outputs}
    assert {key: frequency for key, (_, frequency) in known_outputs().items()} == outputs
    for key, frequency in outputs.items():
        rule = max(frequency, Frequency.MINUTE)
        assert find_key(key, rule) == key
        assert find_key(value_name(key), rule) == key
