"""core.model.instruments: the universe, its look-ups, and who owns what."""

from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace
from importlib import resources
from typing import Any

import pytest

from core.model.errors import UniverseError
from core.model.instruments import Instrument, Pair, Source, Universe, parse_universe

DEMO = resources.files("core").joinpath("data/demo_universe.toml").read_text(encoding="utf-8")
ALPACA = Source(1, "alpaca")


def instrument(number: int, symbol: str, **changes: Any) -> Instrument:
    made = Instrument(
        instrument_id=number,
        symbol=symbol,
        name=symbol,
        asset_class="etf",
        calendar="XNYS",
        source="alpaca",
        listing_exchange="P",
        max_age_ms=60_000,
        has_volume=True,
        has_official_close=True,
        group=None,
        sector=None,
    )
    return replace(made, **changes)


def universe(pairs: Sequence[tuple[str, str]], symbols: Sequence[str] = ("IWM", "SPY", "QQQ")) -> Universe:
    instruments = tuple(instrument(number, symbol) for number, symbol in enumerate(symbols))
    return Universe((ALPACA,), instruments, tuple(Pair(*pair) for pair in pairs))


@pytest.fixture(scope="module")
def demo() -> Universe:
    return parse_universe(DEMO)


def test_the_demo_watches_what_it_says(demo: Universe) -> None:
    assert [(each.instrument_id, each.symbol) for each in demo.instruments] == list(
        enumerate("RUT SPX SPY QQQ AAPL AMZN GOOG META MSFT NVDA TSLA".split(), start=1)
    )
    assert [pair.name for pair in demo.pairs] == [
        "RUT/SPX",
        "RUT/QQQ",
        "QQQ/SPY",
        *(f"{symbol}/SPY" for symbol in "AAPL AMZN GOOG META MSFT NVDA TSLA".split()),
    ]
    assert [(source.source_id, source.name) for source in demo.sources] == [(1, "alpaca"), (900, "history")]
    assert [each.symbol for each in demo.benchmarks] == ["SPX", "SPY", "QQQ"]


def test_the_demos_instruments_have_their_own_facts(demo: Universe) -> None:
    assert {each.max_age_ms for each in demo.instruments} == {240_000}
    assert all(each.has_official_close for each in demo.instruments)
    assert {each.symbol for each in demo.instruments if not each.has_volume} == {"RUT", "SPX"}
    assert demo.instrument("SPY").listing_exchange == "P"
    assert demo.instrument("AAPL").listing_exchange == "Q"
    assert demo.instrument("RUT").listing_exchange is None


def test_look_ups_by_id_symbol_and_name(demo: Universe) -> None:
    assert demo.instrument(3) is demo.instrument("SPY")
    assert demo.pair("RUT/SPX") == Pair("RUT", "SPX")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("SPYY", "no instrument 'SPYY' in the universe; did you mean 'SPY'?"),
        (99, "no instrument 99 in the universe"),
    ],
)
def test_an_unknown_instrument_is_named_with_its_neighbours(
    demo: Universe, wanted: int | str, message: str
) -> None:
    with pytest.raises(UniverseError) as error:
        demo.instrument(wanted)
    assert str(error.value) == message


def test_an_unknown_pair_is_named_with_its_neighbours(demo: Universe) -> None:
    with pytest.raises(UniverseError, match=r"no pair 'RUT/SPY' in the universe; did you mean 'RUT/SPX'"):
        demo.pair("RUT/SPY")


def test_the_digest_is_of_the_meaning_not_of_the_text(demo: Universe) -> None:
    assert parse_universe("# a remark\n" + DEMO).digest == demo.digest
    assert len(bytes.fromhex(demo.digest)) == 32


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_age_ms = 240_000", "max_age_ms = 240_001"),
        ('listing_exchange = "P"', 'listing_exchange = "Q"'),
        ('name = "history"', 'name = "archive"'),
        ("id = 11", "id = 12"),
    ],
)
def test_the_digest_changes_with_any_fact(demo: Universe, old: str, new: str) -> None:
    assert old in DEMO
    assert parse_universe(DEMO.replace(old, new, 1)).digest != demo.digest


def test_instruments_come_in_order_of_id_and_pairs_in_the_files_order() -> None:
    text = """
    source = [{id = 2, name = "b"}, {id = 1, name = "a"}]
    instrument = [
        {id = 9, symbol = "BTC-USD", class = "crypto", calendar = "24/7", source = "b"},
        {id = 4, symbol = "ETH-USD", class = "crypto", calendar = "24/7", source = "a"},
    ]
    pair = [{numerator = "ETH-USD", benchmark = "BTC-USD"}, {numerator = "BTC-USD", benchmark = "ETH-USD"}]
    """
    read = parse_universe(text)
    assert [each.instrument_id for each in read.instruments] == [4, 9]
    assert [source.name for source in read.sources] == ["a", "b"]
    assert [pair.name for pair in read.pairs] == ["ETH-USD/BTC-USD", "BTC-USD/ETH-USD"]


def test_a_universe_cannot_be_changed(demo: Universe) -> None:
    with pytest.raises(FrozenInstanceError):
        demo.pairs = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        demo.instruments[0].symbol = "IWM"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("IWM", "SPY"), ("IWM", "SPY")], "pair 'IWM/SPY' is duplicated"),
        ([("SPY", "SPY")], "pair 'SPY/SPY' has the same instrument as numerator and benchmark"),
        ([("IWM", "SPX")], "pair 'IWM/SPX' has the unknown leg 'SPX'; did you mean 'SPY'?"),
        ([("ABCDEF", "SPY")], "pair 'ABCDEF/SPY' has the unknown leg 'ABCDEF'"),
    ],
)
def test_pairs_must_have_two_legs(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(UniverseError) as error:
        universe(pairs)
    assert error.value.message == message
    assert error.value.operator_action is not None


@pytest.mark.parametrize(
    ("sources", "instruments", "message"),
    [
        ((ALPACA, Source(1, "coinbase")), (), "source id 1 is duplicated"),
        ((ALPACA, Source(2, "alpaca")), (), "source name 'alpaca' is duplicated"),
        ((ALPACA,), (instrument(1, "SPY"), instrument(1, "IWM")), "instrument id 1 is duplicated"),
        ((ALPACA,), (instrument(1, "SPY"), instrument(2, "SPY")), "symbol 'SPY' is duplicated"),
        (
            (ALPACA,),
            (instrument(1, "SPY", source="alpacca"),),
            "instrument 'SPY' has the unknown source 'alpacca'; did you mean 'alpaca'?",
        ),
    ],
)
def test_duplicates_and_unknown_names_are_refused(
    sources: tuple[Source, ...], instruments: tuple[Instrument, ...], message: str
) -> None:
    with pytest.raises(UniverseError) as error:
        Universe(sources, instruments, ())
    assert error.value.message == message


def test_only_the_listing_exchange_is_official() -> None:
    assert instrument(1, "SPY").is_listed_at("P")
    assert not instrument(1, "SPY").is_listed_at("D")
    assert instrument(1, "RUT", listing_exchange=None).is_listed_at("E")


def test_a_universe_without_scales_keeps_the_digest_it_always_had() -> None:
    text = (resources.files("core") / "data" / "demo_universe.toml").read_text()
    known = "61ec2705e7dc7795d3f5371f6bab7a28290635755137bb46db618637bb23d114"
    assert parse_universe(text).meaning_digest == known
    said = text.replace('symbol = "RUT"', 'symbol = "RUT"\nprice_exponent = -9\nsize_exponent = -9', 1)
    assert said != text
    assert parse_universe(said).meaning_digest == known
    for key in ("price_exponent", "size_exponent"):
        other = parse_universe(text.replace('symbol = "RUT"', f'symbol = "RUT"\n{key} = -12', 1))
        assert other.meaning_digest != known


def test_a_name_in_sentences_is_said_and_decides_nothing() -> None:
    text = (resources.files("core") / "data" / "demo_universe.toml").read_text()
    said, other = (
        parse_universe(text),
        parse_universe(text.replace('"small caps"\n', '"the small ones"\n', 1)),
    )
    assert (said.instrument("RUT").spoken, said.instrument("AAPL").spoken) == ("small caps", "Apple")
    assert (said.instrument("RUT").name, other.instrument("RUT").spoken) == ("Russell 2000", "the small ones")
    assert said.digest != other.digest
    assert said.meaning_digest == other.meaning_digest


def test_a_class_has_a_scale_and_an_instrument_its_own() -> None:
    universe = parse_universe("""
[defaults.crypto]
calendar = "24/7"
source = "coins"
price_exponent = -12
size_exponent = -6
[[source]]
id = 1
name = "coins"
[[instrument]]
id = 1
symbol = "BTC"
class = "crypto"
[[instrument]]
id = 2
symbol = "PEPE"
class = "crypto"
price_exponent = -15
size_exponent = 0
[[pair]]
numerator = "PEPE"
benchmark = "BTC"
""")
    scales = {each.symbol: (each.price_exponent, each.size_exponent) for each in universe.instruments}
    assert scales == {"BTC": (-12, -6), "PEPE": (-15, 0)}


@pytest.mark.parametrize("exponent", ["1", "-19", "-9.0", '"-9"'])
def test_a_scale_is_a_whole_number_from_minus_18_to_0(exponent: str) -> None:
    text = (resources.files("core") / "data" / "demo_universe.toml").read_text()
    wrong = text.replace('symbol = "RUT"', f'symbol = "RUT"\nprice_exponent = {exponent}', 1)
    with pytest.raises(UniverseError, match=r"instrument 'RUT' \(number \d+\), price_exponent"):
        parse_universe(wrong)
