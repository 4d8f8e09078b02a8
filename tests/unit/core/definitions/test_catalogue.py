"""Definitions are data; what cannot be meant is refused, with the nearest that can."""

from __future__ import annotations

from importlib import resources

import pytest

from core.definitions.catalogue import Catalogue, parse_catalogue
from core.model.errors import CatalogueError
from core.model.records import Frequency

SHIPPED = (resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8")


def entry(text: str = "", *, name: str = "mine", kind: str = "opposite_day") -> str:
    return f'[[definition]]\nid = "{name}"\nkind = "{kind}"\n{text}\n'


REQUIRED = """opposite_day_up opposite_day_down record_high ma200_cross_up ma200_cross_down golden_cross
    death_cross weekly_close_above drawdown month_ahead_year_behind spread_z_1d record_outperformance_5d
    gain_streak nonconfirmation_high nonconfirmation_low strength_high_before_price relative_volume
    flow65_flip rate_beta_flip outperformance_streak""".split()
"""Readers count on these."""


def test_the_shipped_catalogue() -> None:
    catalogue = parse_catalogue(SHIPPED)
    assert [d.definition_id for d in catalogue.definitions if d.rule is None] == [
        "opposite_day_up",
        "opposite_day_down",
        "spread_z_1d",
        "spread_z_5d",
        "spread_z_21d",
        "spread_z_15m",
        "nonconfirmation_high",
        "nonconfirmation_low",
        "benchmark_nonconfirmation_high",
        "benchmark_nonconfirmation_low",
        "strength_high_before_price",
    ]
    for definition_id in REQUIRED:
        assert catalogue.get(definition_id).frequency == Frequency.DAY
    up = catalogue.get("opposite_day_up")
    assert dict(up.parameters) == {"direction": 1.0, "instrument_return_pct": 3.0}
    assert (up.kind, up.family, up.frequency) == ("opposite_day", "divergence", Frequency.DAY)
    assert (up.cool_down, up.expires, up.pairs) == (0, 0, ())
    assert catalogue.get("spread_z_15m").frequency == Frequency.MINUTE
    assert len({d.version for d in catalogue.definitions}) == len(catalogue.definitions)


def test_defaults_are_filled_in() -> None:
    definition = parse_catalogue(entry(kind="nonconfirmation")).get("mine")
    assert definition.frequency == Frequency.DAY
    assert dict(definition.parameters) == {
        "direction": 1.0,
        "leader": 1.0,
        "window_sessions": 252.0,
        "delta_pct": 0.5,
        "invalidation_pct": 2.0,
    }


def test_parameters_cannot_be_changed() -> None:
    definition = parse_catalogue(entry()).get("mine")
    with pytest.raises(TypeError):
        definition.parameters["direction"] = -1.0  # type: ignore[index]


def test_a_catalogue_may_be_empty() -> None:
    assert parse_catalogue("").definitions == ()
    assert parse_catalogue("definition = []") == Catalogue(())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not = = toml", "is not TOML"),
        ("[settings]\na = 1", "unknown table 'settings'"),
        ("definition = 3", "not a list of tables"),
        ("definition = [1, 2]", "not a list of tables"),
        ("[definition]\nid = 'a'", "not a list of tables"),
        ('[[definition]]\nkind = "opposite_day"', "definition 'number 1': 'id' is missing"),
        ('[[definition]]\nid = ""\nkind = "opposite_day"', "'id' is missing"),
        ('[[definition]]\nid = 5\nkind = "opposite_day"', "'id' is missing"),
        ('[[definition]]\nid = "a"', "definition 'a': 'kind' is missing"),
        (entry(name="Upper"), "an id is lower-case letters"),
        (entry(name="with space"), "an id is lower-case letters"),
        (entry(name="1st"), "an id is lower-case letters"),
        (entry() + entry(), "definition 'mine' stands twice"),
        (entry(kind="oposite_day"), "unknown kind 'oposite_day'; did you mean opposite_day"),
        (entry(kind="volcano"), "unknown kind 'volcano'; known are opposite_day, spread_z"),
        (entry("cooldown = 3"), "unknown key 'cooldown'; did you mean cool_down"),
        (entry('frequency = "1m"'), "frequency '1m' is not one of 1d for opposite_day"),
        (entry('frequency = "1h"', kind="spread_z"), "frequency '1h' is not one of 1m, 1d"),
        (entry('frequency = ["1d"]'), "is not one of 1d"),
        (entry("frequency = 1"), "is not one of 1d"),
        (entry("cool_down = -1"), "'cool_down' must be a whole number of steps"),
        (entry("cool_down = 1.5"), "'cool_down' must be a whole number of steps"),
        (entry("expires = true"), "'expires' must be a whole number of steps"),
        (entry('expires = "3"'), "'expires' must be a whole number of steps"),
        (entry("cool_down = 2147483648"), "0 to 1,000,000, not 2147483648"),
        (entry('pairs = "RUT/SPX"'), "'pairs' must be a list of names"),
        (entry("pairs = [1]"), "'pairs' must be a list of names"),
        (entry("parameters = 5"), "'parameters' must be a table of numbers"),
        (entry("parameters = [3.0]"), "'parameters' must be a table of numbers"),
        (entry("parameters = { return_pct = 2 }"), "unknown parameter 'return_pct'; did you mean"),
        (entry("parameters = { zzz = 2 }"), "unknown parameter 'zzz'; known are direction"),
        (entry('parameters = { direction = "up" }'), "parameter 'direction' must be a number, not 'up'"),
        (entry("parameters = { direction = true }"), "parameter 'direction' must be a number"),
        (entry("parameters = { instrument_return_pct = nan }"), "instrument_return_pct = nan is outside"),
        (entry("parameters = { instrument_return_pct = inf }"), "is outside 0.01 to 100"),
        (entry("parameters = { instrument_return_pct = 0 }"), "is outside 0.01 to 100"),
        (entry("parameters = { direction = 2 }"), "direction = 2 is outside -1 to 1"),
        (entry("parameters = { direction = 0 }"), "direction = 0 is not one of -1, 1"),
        (entry("parameters = { direction = 0.5 }"), "direction = 0.5 is not one of -1, 1"),
        (entry("parameters = { leader = 1.5 }", kind="nonconfirmation"), "is not one of 1, 2"),
        (entry("parameters = { window_sessions = 63.7 }", kind="strength_high"), "is not one of 63, 252"),
        (entry("parameters = { window_sessions = 100 }", kind="strength_high"), "is not one of 63, 252"),
        (entry("parameters = { horizon_sessions = 2 }", kind="spread_z"), "is not one of 1, 5, 21"),
        (
            entry("parameters = { enter_z = 2, exit_z = 2 }", kind="spread_z"),
            "exit_z 2 is not below enter_z 2",
        ),
        (
            entry("parameters = { exit_z = 3.5 }", kind="spread_z"),
            "definition 'mine': exit_z 3.5 is not below",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as refusal:
        parse_catalogue(text)
    assert message in refusal.value.message
    assert "Operator action:" in str(refusal.value)


def test_every_bound_itself_is_allowed() -> None:
    text = entry(
        "parameters = { instrument_return_pct = 0.01, direction = -1 }\ncool_down = 1000000\nexpires = 0"
    )
    definition = parse_catalogue(text).get("mine")
    assert (definition.parameters["instrument_return_pct"], definition.cool_down) == (0.01, 1_000_000)


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(CatalogueError, match="did you mean opposite_day_up"):
        parse_catalogue(SHIPPED).get("oposite_day_up")
    with pytest.raises(CatalogueError, match="known are mine"):
        parse_catalogue(entry()).get("xyz")


def test_the_digest_covers_ids_numbers_pairs_and_order() -> None:
    first, second = entry(name="a"), entry(name="b")
    texts = [
        first + second,
        second + first,
        first,
        entry('pairs = ["RUT/SPX"]', name="a") + second,
        entry("parameters = { instrument_return_pct = 2 }", name="a") + second,
        entry("cool_down = 1", name="a") + second,
    ]
    assert len({parse_catalogue(text).digest for text in texts}) == len(texts)
    assert parse_catalogue("# a comment\n" + first + second).digest == parse_catalogue(first + second).digest


def test_a_version_is_short_and_stable() -> None:
    definition = parse_catalogue(entry("parameters = { direction = 1, instrument_return_pct = 3 }")).get(
        "mine"
    )
    assert len(definition.version) == 12
    assert definition.version == parse_catalogue(entry()).get("mine").version
