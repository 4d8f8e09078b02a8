"""A rule in a catalogue: what it may say, and what it tells of itself."""

from __future__ import annotations

import pytest

from core.definitions.catalogue import parse_catalogue, stored_definition
from core.definitions.definition import Definition
from core.definitions.invalidation import Invalidation
from core.model.errors import CatalogueError
from core.model.records import Frequency

ENTER = 'enter = ["beta:63d >= 2"]'


def entry(text: str = ENTER, *, name: str = "mine", family: str = "level") -> str:
    return f'[[definition]]\nid = "{name}"\nfamily = "{family}"\n{text}\n'


def define(text: str = ENTER, **given: str) -> Definition:
    return parse_catalogue(entry(text, **given)).get(given.get("name", "mine"))


def test_defaults() -> None:
    definition = define()
    assert (definition.family, definition.frequency) == ("level", Frequency.DAY)
    assert (definition.point, definition.rule.dwell, definition.cool_down, definition.expires) == (
        False,
        1,
        0,
        0,
    )
    assert (definition.series, definition.operator) == ("close", ">=")
    assert (definition.input_keys, definition.payload) == (("beta:63d",), {"beta_63d": "beta:63d"})
    assert definition.threshold == {"beta_63d": 2.0}
    assert definition.rule.leave is None  # it ends when it no longer holds


def test_everything_it_may_say() -> None:
    definition = define(
        """
        enter = ["ratio:1d > ratio_high:63d * 1.01", "abs(beta:63d) < 3", "beta_63d > 1"]
        exit = ["beta:63d < 0.5"]
        confirm = ["correlation:63d >= 0.9"]
        fade = ["correlation:63d < 0.1 or beta:63d == 0"]
        invalidate = { key = "numerator_price", below_pct = 2 }
        dwell = 3
        cool_down = 4
        expires = 5
        values = ["benchmark_price", "ytd_pct"]
        series = "ratio of closes"
        operator = "abs >"
        pairs = ["RUT/SPX"]
        """
    )
    assert (definition.rule.dwell, definition.cool_down, definition.expires) == (3, 4, 5)
    assert (definition.series, definition.operator) == ("ratio of closes", "abs >")
    assert definition.threshold == {
        "ratio_to_ratio_high_63d": 1.01,
        "beta_63d": 3.0,
        "beta_63d_2": 1.0,
        "beta_63d_exit": 0.5,
        "correlation_63d_confirm": 0.9,
        "correlation_63d_fade": 0.1,
        "beta_63d_fade": 0.0,
        "invalidate_below_pct": 2.0,
    }
    assert definition.payload == {
        "ratio": "ratio:1d",
        "ratio_high_63d": "ratio_high:63d",
        "beta_63d": "beta:63d",
        "correlation_63d": "correlation:63d",
        "numerator_price": "numerator_price",
        "benchmark_price": "benchmark_price",
        "ytd_pct": "instrument_return_pct:year",
    }
    assert definition.rule.invalidation == Invalidation("numerator_price", 1.0, 2.0)


def test_a_level_above_is_the_mirror_image() -> None:
    rule = define(ENTER + '\ninvalidate = { key = "ratio", above_pct = 0 }').rule
    assert rule is not None
    assert rule.invalidation == Invalidation("ratio:1d", -1.0, 0.0)
    assert rule.threshold["invalidate_above_pct"] == 0.0


def test_a_quality_is_told_by_its_number() -> None:
    definition = define('frequency = "1m"\nenter = ["quality(ratio) == stale"]', family="quality")
    assert definition.threshold == {"ratio_1s_quality": 2.0}
    assert definition.payload == {"ratio_1s": "ratio"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'enter' is missing"),
        ("enter = []", "'enter' is empty"),
        ('enter = ["betta > 1"]', "definition 'mine': enter: no indicator gives 'betta'"),
        (ENTER + '\nexit = ["beta ="]', "definition 'mine': exit: cannot read 'beta ='"),
        (ENTER + "\nconfirm = 3", "confirm: conditions must be a list of strings"),
        (ENTER + '\nfade = ["x > 1"]', "fade: no indicator gives 'x'"),
        (ENTER + "\nparameters = { enter_z = 3 }", "unknown key 'parameters'"),
        (ENTER + "\nexits = []", "unknown key 'exits'; did you mean 'exit' or"),
        (ENTER + "\nleader = 1", "unknown key 'leader'"),
        (ENTER + '\nfrequency = "1s"', "frequency: must be '1m' or '1d', not '1s'"),
        (ENTER + '\nfrequency = "1m"', "'beta:63d', which is computed at 1d, to a rule at 1m"),
        (ENTER + "\npoint = 1", "point: must be true or false, not 1"),
        (ENTER + '\npoint = true\nexit = ["beta:63d < 1"]', "so 'exit' has no effect"),
        (ENTER + '\npoint = true\nconfirm = ["beta:63d < 1"]', "so 'confirm' has no effect"),
        (ENTER + '\npoint = true\nextend = ["beta:63d < 1"]', "so 'extend' has no effect"),
        (
            'frequency = "1m"\nenter = ["ratio > 1"]\nextend = ["ratio > 1"]',
            "'extend' is for rules at 1d, because an episode is extended once a session",
        ),
        (ENTER + "\npoint = true\nexpires = 5", "so 'expires' has no effect"),
        (ENTER + "\ndwell = 0", "dwell: must be at least 1, not 0"),
        (ENTER + "\ndwell = true", "dwell: must be an integer"),
        (ENTER + "\ndwell = 1.5", "dwell: must be an integer"),
        (ENTER + '\nvalues = "ratio"', "values: must be a list"),
        (ENTER + '\nvalues = ["rattio"]', "values: no indicator gives 'rattio'"),
        (ENTER + "\nseries = 3", "series: must be a text, not 3"),
        (ENTER + '\noperator = ""', "operator: must not be empty"),
        (ENTER + '\noperator = "above"', "operator 'above' is not one of >=, <="),
        (ENTER + "\ninvalidate = 3", "invalidate: must be a table, not 3"),
        (
            ENTER + '\ninvalidate = { key = "ratio" }',
            "invalidate: is written { key = KEY",
        ),
        (
            ENTER + '\ninvalidate = { key = "ratio", under_pct = 3 }',
            "unknown key 'under_pct'; known: above_pct",
        ),
        (
            ENTER + '\ninvalidate = { key = "ratio", below_pct = -1 }',
            "below_pct: must be at least 0, not -1",
        ),
        (
            ENTER + '\ninvalidate = { key = "ratio", below_pct = 100 }',
            "below_pct: must be less than 100",
        ),
        (
            ENTER + '\ninvalidate = { key = "ratio", below_pct = true }',
            "must be a number, not true",
        ),
        (ENTER + '\ninvalidate = { key = "prise", below_pct = 1 }', "invalidate: no indicator gives 'prise'"),
        (ENTER + '\ninvalidate = { key = "beta:63d", below_pct = 1 }', "not of beta:63d"),
        (
            'frequency = "1m"\nenter = ["ratio > 1"]\ninvalidate = { key = "ratio", below_pct = 1 }',
            "invalidation levels are for rules at 1d",
        ),
        (ENTER + "\ncool_down = -1", "cool_down: must be at least 0"),
        (ENTER + '\npairs = "RUT/SPX"', "pairs: must be a list"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        define(text)
    assert refusal.value.message.startswith("definition 'mine'")
    assert message in refusal.value.message
    assert "Operator action:" in str(refusal.value)


def test_a_rule_has_a_family_with_a_topic() -> None:
    with pytest.raises(CatalogueError, match="family: unknown family 'levels'; did you mean 'level'"):
        define(family="levels")


def test_the_version_hashes_everything_that_decides_and_nothing_else() -> None:
    plain = define()
    deciding = [
        'enter = ["beta:63d >= 3"]',
        'enter = ["beta:63d > 2"]',
        'enter = ["abs(beta:63d) >= 2"]',
        'enter = ["beta:63d >= 2", "ratio:1d > 0"]',
        'enter = ["beta:63d >= 2 or ratio:1d > 0"]',
        ENTER + "\nexit = []",
        ENTER + '\nexit = ["beta:63d < 1"]',
        ENTER + '\nconfirm = ["beta:63d < 1"]',
        ENTER + '\nfade = ["beta:63d < 1"]',
        ENTER + '\ninvalidate = { key = "ratio", below_pct = 1 }',
        ENTER + '\ninvalidate = { key = "ratio", below_pct = 2 }',
        ENTER + '\ninvalidate = { key = "ratio", above_pct = 1 }',
        ENTER + '\ninvalidate = { key = "numerator_price", above_pct = 1 }',
        ENTER + "\ndwell = 2",
        ENTER + "\npoint = true",
        ENTER + "\ncool_down = 2",
        ENTER + "\nexpires = 2",
    ]
    versions = {plain.version, define(family="regime").version, define(name="other").version}
    versions |= {define(text).version for text in deciding}
    assert len(versions) == 3 + len(deciding)
    telling = ['values = ["ratio"]', 'series = "x"', 'operator = "<"', 'pairs = ["RUT/SPX"]', "dwell = 1"]
    assert {define(f"{ENTER}\n{text}").version for text in telling} == {plain.version}
    assert define('enter = "beta_63d>=2.0"').version == plain.version


def test_a_fix_that_changes_the_meaning_changes_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = define().version
    monkeypatch.setattr("core.definitions.rule_entry.SEMANTICS", 2)
    assert define().version != before


def test_an_entry_gives_the_same_definition_again() -> None:
    """A snapshot holds definitions as entries: a rule must survive the way there and back."""
    texts = [
        ENTER + "\npoint = true",
        ENTER + "\nexit = []",
        'frequency = "1m"\nenter = ["quality(ratio) == stale or abs(ratio) > 2"]\ndwell = 2',
        'enter = ["ratio:1d > ratio_high:63d * 1.01", "beta_63d has 2"]\nconfirm = ["beta:63d > 1"]\n'
        'fade = ["beta:63d < 0"]\nexit = ["beta:63d < 1"]\nvalues = ["ytd_pct"]\nseries = "x"\n'
        'invalidate = { key = "ratio", above_pct = 2.5 }\nexpires = 3\npairs = ["RUT/SPX"]',
    ]
    for definition in map(define, texts):
        assert stored_definition(definition.entry, definition.version) == (definition, definition.version)
        assert stored_definition(definition.entry, "another") is None


def test_an_operator_that_points_the_other_way_is_not_used() -> None:
    fall = 'enter = ["instrument_return_pct:1d <= -3"]'
    assert define(fall + '\noperator = ">="').operator == "<="
    assert define(fall + '\noperator = "abs >="').operator == "abs >="
    assert define(ENTER + '\noperator = "<"').operator == ">="
    assert define(ENTER + '\noperator = ">"').operator == ">"


def test_extend_is_part_of_the_meaning_and_shown_where_it_asks_something_else() -> None:
    plain, same = define(), define(ENTER + '\nextend = ["beta:63d >= 2"]')
    other = define(ENTER + '\nextend = ["correlation:63d >= 0.9"]')
    assert len({plain.version, same.version, other.version}) == 3
    assert same.without_extend == other.without_extend == plain
    assert same.threshold == plain.threshold
    assert other.threshold == plain.threshold | {"correlation_63d_extend": 0.9}
    assert other.payload.keys() == {"beta_63d", "correlation_63d"}
    assert other.entry["extend"] == ["correlation:63d >= 0.9"]
