"""Definitions are data; what cannot be meant is refused, with the nearest that can."""

from __future__ import annotations

from importlib import resources

import pytest

from core.definitions.catalogue import Catalogue, parse_catalogue
from core.model.errors import CatalogueError
from core.model.records import Frequency

SHIPPED = (resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8")


RULE = 'family = "level"\nenter = ["return_1d_pct >= 3"]\n'


def entry(text: str = "", *, name: str = "mine", rule: str = RULE) -> str:
    return f'[[definition]]\nid = "{name}"\n{rule}{text}\n'


REQUIRED = """opposite_day_up opposite_day_down record_high ma200_cross_up ma200_cross_down golden_cross
    death_cross weekly_close_above drawdown month_ahead_year_behind spread_z_1d record_outperformance_5d
    gain_streak nonconfirmation_high nonconfirmation_low strength_high_before_price relative_volume
    flow65_flip rate_beta_flip outperformance_streak""".split()
"""Readers count on these."""


def test_the_shipped_catalogue() -> None:
    catalogue = parse_catalogue(SHIPPED)
    for definition_id in REQUIRED:
        assert catalogue.get(definition_id).frequency == Frequency.DAY
    up = catalogue.get("opposite_day_up")
    assert up.threshold == {"instrument_return_pct": 3.0}
    assert (up.family, up.frequency, up.point) == ("divergence", Frequency.DAY, True)
    assert (up.cool_down, up.expires, up.pairs) == (0, 0, ())
    assert catalogue.get("spread_z_15m").frequency == Frequency.MINUTE
    assert len({d.version for d in catalogue.definitions}) == len(catalogue.definitions)


def test_a_catalogue_may_be_empty() -> None:
    assert parse_catalogue("").definitions == ()
    assert parse_catalogue("definition = []") == Catalogue(())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not = = toml", "catalogue: not valid TOML: "),
        ("[settings]\na = 1", "catalogue: unknown section 'settings'; known: definition"),
        ("definition = 3", "definition: must be a list, not 3"),
        ("definition = [1, 2]", "definition (number 2): must be a table, not 2"),
        ("[definition]\nid = 'a'", "definition: must be a list, not {'id': 'a'}"),
        ("[[definition]]\n" + RULE, "definition (number 1): 'id' is missing"),
        ('[[definition]]\nid = ""\n' + RULE, "id: must be lower-case letters"),
        ("[[definition]]\nid = 5\n" + RULE, "id: must be a text, not 5"),
        (entry(name="Upper"), "id: must be lower-case letters"),
        (entry(name="with space"), "id: must be lower-case letters"),
        (entry(name="1st"), "id: must be lower-case letters"),
        (entry() + entry(), "definition 'mine' is duplicated"),
        (entry('kind = "oposite_day"'), "(number 1), kind: must be 'rule', not 'oposite_day'"),
        (entry("kind = 3"), "kind: must be 'rule', not 3"),
        (entry("cooldown = 3"), "unknown key 'cooldown'; did you mean 'cool_down'?"),
        (entry("parameters = { enter_z = 3 }"), "unknown key 'parameters'"),
        (entry('frequency = "1h"'), "frequency: must be '1m' or '1d', not '1h'"),
        (entry('frequency = ["1d"]'), "frequency: must be '1m' or '1d'"),
        (entry("frequency = 1"), "frequency: must be '1m' or '1d'"),
        (entry("cool_down = -1"), "cool_down: must be at least 0, not -1"),
        (entry("cool_down = 1.5"), "cool_down: must be an integer, not 1.5"),
        (entry("expires = true"), "expires: must be an integer, not true"),
        (entry('expires = "3"'), "expires: must be an integer, not '3'"),
        (entry("cool_down = 2147483648"), "cool_down: must be at most 1000000, not 2147483648"),
        (entry('pairs = "RUT/SPX"'), "pairs: must be a list, not 'RUT/SPX'"),
        (entry("pairs = [1]"), "pairs.0: must be a text, not 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        parse_catalogue(text)
    assert message in refusal.value.message
    assert "Operator action:" in str(refusal.value)


def test_every_bound_itself_is_allowed() -> None:
    definition = parse_catalogue(entry("cool_down = 1000000\nexpires = 0")).get("mine")
    assert (definition.cool_down, definition.expires) == (1_000_000, 0)


def test_a_kind_may_still_be_named() -> None:
    assert parse_catalogue(entry('kind = "rule"')) == parse_catalogue(entry())


DETECTORS = """
[[definition]]
id = "up"
kind = "opposite_day"
parameters = { instrument_return_pct = 2.5 }

[[definition]]
id = "far"
kind = "spread_z"
expires = 21
pairs = ["RUT/SPX"]
"""


def test_a_catalogue_with_detectors_is_refused_with_the_rules_to_write() -> None:
    with pytest.raises(CatalogueError) as refusal:
        parse_catalogue(DETECTORS + entry())
    assert "'up' (kind 'opposite_day'), 'far' (kind 'spread_z')" in refusal.value.message
    assert str(refusal.value).splitlines()[-1].startswith("Operator action: replace these entries")
    _, _, rules = refusal.value.message.partition("rules:\n")
    written = parse_catalogue(rules + entry())
    assert [definition.definition_id for definition in written.definitions] == ["up", "far", "mine"]
    assert written.get("up").threshold == {"instrument_return_pct": 2.5}
    assert (written.get("far").expires, written.get("far").pairs) == (21, ("RUT/SPX",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameters = { enter_x = 2 }", "definition 'far': spread_z has no parameter 'enter_x'"),
        ("parameters = 5", "definition 'far': 'parameters' must be a table of numbers"),
        ('parameters = { enter_z = "3" }', "definition 'far': parameter 'enter_z' must be a number"),
        ("parameters = { enter_z = nan }", "parameter 'enter_z' must be a number"),
        ("parameters = { direction = 2 }", "definition 'far': direction = 2 is not one of -1, 0, 1"),
        ("leader = 1", "definition 'far': spread_z has no key 'leader'"),
    ],
)
def test_a_detector_that_never_was_one_is_refused_too(text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        parse_catalogue(f'[[definition]]\nid = "far"\nkind = "spread_z"\n{text}\n')
    assert message in refusal.value.message
    assert "Operator action:" in str(refusal.value)


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(CatalogueError, match="did you mean 'opposite_day_up'"):
        parse_catalogue(SHIPPED).get("oposite_day_up")
    with pytest.raises(CatalogueError, match="known: mine"):
        parse_catalogue(entry()).get("xyz")


def test_the_digest_covers_ids_numbers_pairs_and_order() -> None:
    first, second = entry(name="a"), entry(name="b")
    texts = [
        first + second,
        second + first,
        first,
        entry('pairs = ["RUT/SPX"]', name="a") + second,
        entry(name="a", rule=RULE.replace("3", "2")) + second,
        entry("cool_down = 1", name="a") + second,
    ]
    assert len({parse_catalogue(text).digest for text in texts}) == len(texts)
    assert parse_catalogue("# a comment\n" + first + second).digest == parse_catalogue(first + second).digest


def test_a_version_is_short_and_stable() -> None:
    definition = parse_catalogue(entry()).get("mine")
    assert len(definition.version) == 12
    assert (
        definition.version == parse_catalogue(entry(rule=RULE.replace(">= 3", ">=  3.0"))).get("mine").version
    )


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("gain_streak", {"gain_streak_sessions": 5.0}, "A gained 1 % or more in each of the last 5 sessions"),
        ("gain_streak", {"gain_streak_sessions": 0.0}, "A did not gain 1 %, a streak of 0 sessions"),
        ("weekly_close_above", {"weekly_closes_above": 1.0}, "with 1 weekly close in a row above it"),
        ("weekly_close_above", {"weekly_closes_above": 3.0}, "with 3 weekly closes in a row above it"),
        (
            "month_among_worst",
            {"relative_percentile_21d": 2.0},
            "a difference at percentile 2 of the",
        ),
        ("momentum_divergence_bearish", {}, "A had made a higher high and the 14-session RSI a lower one"),
        ("ratio_divergence_bullish", {}, "A had made a lower low and the ratio to B a higher one"),
    ],
)
def test_a_shipped_sentence_holds_at_the_opening_and_at_the_end(
    name: str, values: dict[str, float], told: str
) -> None:
    sentence = parse_catalogue(SHIPPED).get(name).words.sentence
    assert sentence is not None
    text = sentence.render(dict.fromkeys(sentence.names, 1.5) | values, {"numerator": "A", "benchmark": "B"})
    assert told in str(text)
