"""core.model.universe_file: every mistake in a universe file is named, with its entry."""

import pytest

from core.model.errors import UniverseError
from core.model.instruments import parse_universe
from core.model.universe_file import read_universe_file

GOOD = """
[[source]]
id = 1
name = "alpaca"

[[instrument]]
id = 1
symbol = "IWM"
class = "etf"
calendar = "XNYS"
source = "alpaca"
listing_exchange = "P"

[[instrument]]
id = 2
symbol = "SPY"
class = "etf"
calendar = "XNYS"
source = "alpaca"

[[pair]]
numerator = "IWM"
benchmark = "SPY"
"""


def problems(text: str) -> str:
    with pytest.raises(UniverseError) as error:
        parse_universe(text)
    assert error.value.operator_action is not None
    return error.value.message


def test_the_good_file_is_good() -> None:
    assert [pair.name for pair in parse_universe(GOOD).pairs] == ["IWM/SPY"]


def test_what_follows_from_the_class_is_filled_in() -> None:
    text = """
    source = [{id = 1, name = "a"}]
    pair = [{numerator = "E", benchmark = "I"}]
    instrument = [
        {id = 1, symbol = "I", class = "index", calendar = "XNYS", source = "a"},
        {id = 2, symbol = "E", class = "etf", calendar = "XNYS", source = "a", listing_exchange = "P"},
        {id = 3, symbol = "S", class = "equity", calendar = "XNYS", source = "a"},
        {id = 4, symbol = "C", class = "crypto", calendar = "24/7", source = "a"},
    ]
    """
    assert [
        (each.symbol, each.name, each.max_age_ms, each.has_volume, each.has_official_close)
        for each in parse_universe(text).instruments
    ] == [
        ("I", "I", 60_000, False, True),
        ("E", "E", 60_000, True, True),
        ("S", "S", 60_000, True, False),
        ("C", "C", 30_000, True, False),
    ]


def test_an_instrument_overrides_its_class() -> None:
    text = GOOD.replace('symbol = "IWM"', 'symbol = "IWM"\nmax_age_ms = 5_000')
    read = parse_universe(text + "\n[defaults.etf]\nmax_age_ms = 7_000\n")
    assert [each.max_age_ms for each in read.instruments] == [5_000, 7_000]


def test_source_limits_are_read_and_defaulted() -> None:
    read = parse_universe(GOOD.replace('name = "alpaca"', 'name = "alpaca"\nmax_lead_ms = 60_000'))
    source = read.sources[0]
    assert (source.allowed_lateness_ms, source.max_lead_ms) == (1_000, 60_000)
    assert (source.official_close_wait_ms, source.tick_max_age_ms) == (900_000, 86_400_000)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id = 2", "id = -1", "instrument 'SPY' (number 2), id: must be at least 0, not -1"),
        (
            "id = 2",
            "id = 2147483648",
            "instrument 'SPY' (number 2), id: must be at most 2147483647, not 2147483648",
        ),
        ("id = 2", "id = 2.0", "instrument 'SPY' (number 2), id: must be an integer, not 2.0"),
        ("id = 2", "id = true", "instrument 'SPY' (number 2), id: must be an integer, not true"),
        ("id = 2", "", "instrument 'SPY' (number 2): 'id' is missing"),
        (
            "id = 2",
            "id = 2\nsectr = 'x'",
            "instrument 'SPY' (number 2): unknown key 'sectr'; did you mean 'sector'?",
        ),
        ('[[source]]\nid = 1\nname = "alpaca"', "", "universe: 'source' is missing"),
        (
            "id = 1\nname",
            "id = 65536\nname",
            "source 'alpaca' (number 1), id: must be at most 65535, not 65536",
        ),
        ('numerator = "IWM"', "", "pair (number 1): 'numerator' is missing"),
        ('symbol = "SPY"', 'symbol = "S PY"', "symbol: must be 1 to 32 letters, digits and ^ . = : _ -"),
        ('symbol = "SPY"', 'symbol = "BTC/USD"', "a slash would make pair names ambiguous"),
        (
            'symbol = "SPY"\nclass = "etf"\ncalendar = "XNYS"',
            'symbol = "SPY"\nclass = "etf"',
            "instrument 'SPY' has no 'calendar', and [defaults.etf] does not set it",
        ),
        (
            'symbol = "IWM"\nclass = "etf"\ncalendar = "XNYS"',
            'symbol = "IWM"\nclass = "etf"\ncalendar = "XNYC"',
            "instrument 'IWM' has the unknown calendar 'XNYC'; did you mean 'XNYS'?",
        ),
        (
            'symbol = "SPY"\nclass = "etf"',
            'symbol = "SPY"\nclass = "etf"\nhas_official_close = true',
            "instrument 'SPY' has an official close, so it needs a 'listing_exchange'",
        ),
        ('benchmark = "SPY"', 'benchmark = "SPX"', "pair 'IWM/SPX' has the unknown leg 'SPX'"),
    ],
)
def test_a_mistake_is_named_with_its_entry(old: str, new: str, message: str) -> None:
    assert old in GOOD
    assert message in problems(GOOD.replace(old, new, 1))


def test_text_that_is_not_toml_is_refused_with_its_line() -> None:
    assert "line 3" in problems('[[source]]\nid = 1\nname = "alpaca\n')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "universe: 'source' is missing"),
        ("instrument = [1]\npair = 2", "instrument (number 1): must be a table, not 1"),
        (
            GOOD + "\n[defaults.bond]\nmax_age_ms = 1\n",
            "defaults: unknown key 'bond'; known: crypto, equity,",
        ),
        (GOOD + "\n[defaults.etf]\nmax_age = 1\n", "defaults.etf: unknown key 'max_age'; did you mean"),
    ],
)
def test_a_wrong_shape_is_refused(text: str, message: str) -> None:
    assert message in problems(text)


def test_all_mistakes_are_told_at_once() -> None:
    text = GOOD.replace("id = 2", "id = -1").replace('name = "alpaca"', "")
    found = problems(text)
    assert "source (number 1): 'name' is missing" in found
    assert "instrument 'SPY' (number 2), id" in found


def test_a_thousand_mistakes_do_not_make_a_thousand_lines() -> None:
    text = 'source = [{id = 1, name = "a"}]\npair = [{numerator = "A", benchmark = "B"}]\n'
    text += "instrument = [" + ", ".join("{}" for _ in range(1_000)) + "]"
    found = problems(text)
    assert found.endswith("and 2980 more")
    assert "(20) " in found
    assert "(21) " not in found


def test_what_is_read_is_complete() -> None:
    entry = read_universe_file(GOOD)["instrument"][1]
    assert entry == {
        "id": 2,
        "symbol": "SPY",
        "class": "etf",
        "calendar": "XNYS",
        "source": "alpaca",
        "name": "SPY",
        "max_age_ms": 60_000,
        "has_volume": True,
        "has_official_close": False,
    }
