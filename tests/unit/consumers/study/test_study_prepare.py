"""`rotascope study prepare`: one set for the universe's pairs, pair by pair, again only what has changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from consumers.study.preparing import Preparation
from core.events.artefact_set import ArtefactSet
from core.events.cards import RarityCards, RateCards
from tests.support.study_command import (
    CommandAnswer,
    daily_frame,
    random_closes,
    session_dates,
    study,
    write_csv,
)

COUNT = 420
SYMBOLS = ("SML", "MID", "BIG")
CATALOGUE = """
[[definition]]
id = "opposite_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 1", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
threshold = { instrument_return_pct = 1.0 }

[[definition]]
id = "rise"
family = "level"
point = true
enter = ["return_1d_pct >= 1"]
show.return_pct = "return_1d_pct"
threshold = { return_pct = 1.0 }
"""
INSTRUMENT = """
[[instrument]]
id = {number}
symbol = "{symbol}"
name = "{symbol}"
class = "etf"
listing_exchange = "P"
"""
PAIR = """
[[pair]]
numerator = "{symbol}"
benchmark = "BIG"
"""
UNIVERSE = """
[[source]]
id = 1
name = "feed"

[[source]]
id = 900
name = "history"

[defaults.etf]
calendar = "XNYS"
source = "feed"
has_official_close = true
"""
UNIVERSE += "".join(
    INSTRUMENT.format(number=number, symbol=symbol)
    for number, symbol in enumerate((*SYMBOLS, "NONE"), start=1)
)
UNIVERSE += "".join(PAIR.format(symbol=symbol) for symbol in ("SML", "MID", "NONE"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dates = session_dates(date(2022, 11, 1), COUNT)
    for seed, symbol in enumerate(SYMBOLS):
        frame = daily_frame(dates, random_closes(COUNT, seed)).rename({"Date": "date", "CLOSE": "close"})
        write_csv(tmp_path, symbol, frame)
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    (tmp_path / "universe.toml").write_text(UNIVERSE)
    return tmp_path


def prepare(folder: Path, *arguments: str, store: str = "set.json") -> CommandAnswer:
    return study(
        "prepare",
        *("--universe", str(folder / "universe.toml"), "--catalogue", str(folder / "catalogue.toml")),
        *(word for symbol in SYMBOLS for word in ("--history", f"{symbol}={folder / symbol}.csv")),
        *("--store", str(folder / store), "--cache", str(folder / "kept"), "--simulations", "2"),
        *arguments,
    )


def bars(folder: Path, *symbols: str) -> dict[str, object]:
    return {symbol: folder / f"{symbol}.csv" for symbol in symbols}


def kept(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (folder / "kept").iterdir()}


def test_a_set_has_the_cards_that_the_studies_of_its_pairs_store(folder: Path) -> None:
    done = prepare(folder, "--from", "2022-11-01")
    assert done.code == 0, done.err
    assert "left out: NONE/BIG: no daily file of NONE" in done.err
    assert "3 pairs: 0 kept" not in done.err
    assert "2 pairs: 0 kept from earlier runs, 2 to compute over 840 sessions: about" in done.err
    found = ArtefactSet.parse((folder / "set.json").read_bytes())
    assert f"set {found.digest[:16]}: base rates of {len(found.rates.cards)}" in done.out
    pairs = ("--pair", "SML/BIG", "--pair", "MID/BIG", "--catalogue", str(folder / "catalogue.toml"))
    rates, rarity = folder / "rates.json", folder / "rarity.json"
    assert study("base-rates", *pairs, "--store", str(rates), bars=bars(folder, *SYMBOLS)).code == 0
    assert (
        study("nulls", *pairs, "--simulations", "2", "--store", str(rarity), bars=bars(folder, *SYMBOLS)).code
        == 0
    )
    assert found.rates.cards == RateCards.parse(rates.read_bytes()).cards
    assert found.rarities.cards == RarityCards.parse(rarity.read_bytes()).cards
    assert found.pairs == {"SML/BIG", "MID/BIG"}


def test_events_of_a_study_carry_what_the_set_says(folder: Path) -> None:
    assert prepare(folder, "--to", "2024-02-29").code == 0
    found = ArtefactSet.parse((folder / "set.json").read_bytes())
    arguments = ("--pair", "SML/BIG", "--catalogue", str(folder / "catalogue.toml"), "--format", "jsonl")
    done = study(
        "events", *arguments, "--artefacts", str(folder / "set.json"), bars=bars(folder, "SML", "BIG")
    )
    assert done.code == 0, done.err
    late = [event for event in done.lines if event["event_time"] > "2024-04-01"]
    assert late
    for event in late:
        key = (event["definition"], event["version"], event["pair"])
        assert event["base_rate"] == found.rates.cards[key][-1][1]
        assert event["rarity"] == found.rarities.cards[key][0][1]
    early = [event for event in done.lines if event["event_time"] <= "2024-02-29"]
    assert early
    assert {event["rarity"] for event in early} == {None}


def test_base_rates_before_the_first_session_are_left_out_except_the_one_in_force(folder: Path) -> None:
    assert prepare(folder, "--from", "2022-11-01").code == 0
    whole = ArtefactSet.parse((folder / "set.json").read_bytes())
    assert prepare(folder, "--from", "2024-01-02").code == 0
    late = ArtefactSet.parse((folder / "set.json").read_bytes())
    for key, cards in late.rates.cards.items():
        assert cards == whole.rates.cards[key][-len(cards) :]
        assert len(cards) == 3  # as of the ends of December, March and June
    assert late.rarities.cards == whole.rarities.cards


def test_a_second_run_computes_only_what_has_changed(folder: Path) -> None:
    prepare(folder)
    first, digest = kept(folder), ArtefactSet.parse((folder / "set.json").read_bytes()).digest
    again = prepare(folder, store="again.json.gz")
    assert again.code == 0
    assert "to compute" not in again.err
    assert kept(folder) == first
    assert ArtefactSet.parse((folder / "again.json.gz").read_bytes()).digest == digest
    changed = pl.read_csv(folder / "MID.csv").with_columns(
        pl.when(pl.int_range(pl.len()) == COUNT - 1)
        .then(pl.col("close") * 1.01)
        .otherwise(pl.col("close"))
        .alias("close")
    )
    write_csv(folder, "MID", changed)
    done = prepare(folder)
    assert "2 pairs: 1 kept from earlier runs, 1 to compute over 420 sessions" in done.err
    assert {name: at for name, at in kept(folder).items() if name.startswith("SML")} == {
        name: at for name, at in first.items() if name.startswith("SML")
    }


def test_after_an_interrupt_the_same_command_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Preparation.prepare

    def interrupted(self: Preparation, work: Any, on_progress: Any) -> Any:
        if work.pair.name == "MID/BIG":
            raise KeyboardInterrupt
        return whole(self, work, on_progress)

    with monkeypatch.context() as patch:
        patch.setattr(Preparation, "prepare", interrupted)
        stopped = prepare(folder)
    assert stopped.code == 130
    assert f"stopped: 1 of 2 pairs kept in {folder / 'kept'}" in stopped.err
    assert not (folder / "set.json").exists()
    done = prepare(folder)
    assert "2 pairs: 1 kept from earlier runs, 1 to compute" in done.err


def test_a_damaged_result_is_computed_again(folder: Path) -> None:
    prepare(folder, "--pair", "SML/BIG")
    (file,) = (folder / "kept").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    assert prepare(folder, "--pair", "SML/BIG").code == 0
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pair", "SLM/BIG"], "SML/BIG"),
        (["--pair", "NONE/BIG"], "no daily file of NONE"),
        (["--to", "2001-01-02"], "has no day up to 2001-01-02"),
        (["--store", "/nowhere/at/all/set.json"], "its directory does not exist"),
    ],
)
def test_what_cannot_be_prepared_is_refused_before_anything_is_computed(
    folder: Path, arguments: list[str], said: str
) -> None:
    done = prepare(folder, *arguments)
    assert done.code == 2
    assert said in done.err
    assert not (folder / "kept").exists()


def test_a_set_that_nobody_would_keep_is_not_computed() -> None:
    done = study("prepare")
    assert done.code == 2
    assert "pass --store FILE, --publish or --activate" in done.err
