"""Names that a rule gives its values and thresholds: read, shown, and held to the rule's own numbers."""

from __future__ import annotations

import pytest

from core.definitions.catalogue import parse_catalogue
from core.definitions.definition import Definition
from core.model.errors import CatalogueError

ENTER = 'enter = ["abs(relative_return_zscore:5d) >= 3"]'


def define(text: str) -> Definition:
    return parse_catalogue(f'[[definition]]\nid = "mine"\nfamily = "level"\n{text}\n').get("mine")


def test_an_event_shows_what_the_rule_names_and_nothing_else() -> None:
    definition = define(
        ENTER + '\nshow = { zscore = "relative_return_zscore:5d", gain_pct = "return_1d_pct" }'
    )
    assert definition.payload == {
        "zscore": "relative_return_zscore:5d",
        "gain_pct": "instrument_return_pct:1d",
    }
    assert definition.input_keys == ("relative_return_zscore:5d",)


def test_names_decide_nothing() -> None:
    plain = define(ENTER)
    named = define(ENTER + '\nshow = { z = "relative_return_zscore:5d" }\nthreshold = { z = 3 }')
    assert named.version == plain.version
    assert named.threshold == {"z": 3.0}
    assert plain.threshold == {"relative_return_zscore_5d": 3.0}


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        (ENTER, "window_sessions = 5"),
        ('enter = ["ratio:1d < ratio_high:252d * 0.995"]', "short_pct = 0.5"),
        ('enter = ["ratio:1d > ratio_low:63d * 1.0137"]', "beyond_pct = 1.37"),
        ('enter = ["return_1d_pct <= -3"]', "fall_pct = 3"),
        ('enter = ["return_1d_pct <= -3"]', "fall_pct = -3"),
        ('enter = ["return_1d_pct > 3"]\nexit = ["return_1d_pct < 1"]', "exit_pct = 1"),
        (ENTER + '\ninvalidate = { key = "ratio", below_pct = 2.5 }', "back_pct = 2.5"),
    ],
)
def test_a_threshold_may_be_any_number_of_the_rule(text: str, threshold: str) -> None:
    name, _, number = threshold.partition(" = ")
    assert define(f"{text}\nthreshold = {{ {threshold} }}").threshold == {name: float(number)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("show = 3", "show: must be a table, not 3"),
        ("show = { z = 3 }", "show.z: must be a text, not 3"),
        ('show = { "A b" = "ratio" }', "show.A b: must be lower-case letters"),
        ('show = { z = "rattio" }', "definition 'mine': show: no indicator gives 'rattio'"),
        ('show = { z = "ratio" }\nvalues = ["ratio"]', "so 'values' has no effect"),
        ("threshold = 3", "threshold: must be a table, not 3"),
        ('threshold = { z = "3" }', "threshold.z: must be a number, not '3'"),
        ("threshold = { z = true }", "threshold.z: must be a number, not true"),
        ("threshold = { Z = 3 }", "threshold.Z: must be lower-case letters"),
        ("threshold = { z = 4 }", "threshold: z = 4 is not used by the rule; it uses 3, 5"),
        ("threshold = { z = nan }", "threshold: z = nan is not used by the rule"),
        ("threshold = { z = inf }", "threshold: z = inf is not used by the rule"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        define(f"{ENTER}\n{text}")
    assert message in refusal.value.message
    assert "Operator action:" in str(refusal.value)


def test_names_survive_the_way_through_a_snapshot() -> None:
    definition = define(ENTER + '\nshow = { z = "relative_return_zscore:5d" }\nthreshold = { z = 3 }')
    assert definition.entry["show"] == {"z": "relative_return_zscore:5d"}
    assert definition.entry["threshold"] == {"z": 3.0}
