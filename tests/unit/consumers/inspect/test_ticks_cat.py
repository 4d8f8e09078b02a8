"""`rotascope ticks cat`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core
from consumers.inspect.tick_lines import Names, tick_lines
from consumers.worker.schemas import defect
from core.kafka.records import Record
from core.model.frames import encode_frame
from core.model.records import NO_INSTRUMENT, TICK, GapCause, TickKind, Update
from core.model.schemas import TICK_LINE
from tests.support.sample_events import CLOSE_2024_07_11_NS
from tests.support.tail_command import TICKS_TOPIC, TailCommand

UNIVERSE = Path(core.__file__).parent / "data" / "demo_universe.toml"
CAT = ("ticks", "cat", "--universe", str(UNIVERSE))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> TailCommand:
    return TailCommand(monkeypatch)


def framed(ticks: np.ndarray[Any, Any], *, partition: int = 0, offset: int = 0) -> Record:
    """Ticks as they are in their topic."""
    value = encode_frame(ticks, source=1, epoch=7, sequence=9)
    return Record(TICKS_TOPIC, partition, offset, None, value, (), 0)


def some_ticks() -> np.ndarray[Any, Any]:
    ticks = np.zeros(3, TICK)
    ticks["ts_event"] = CLOSE_2024_07_11_NS
    ticks["ts_recv"] = CLOSE_2024_07_11_NS + 1_500_000
    ticks["source"] = 1
    ticks[0]["price"], ticks[0]["instrument_id"], ticks[0]["update"] = 2_125_040_000_000, 1, Update.ALL
    ticks[1]["price"], ticks[1]["instrument_id"], ticks[1]["trade_id"] = 1, 4_000, 2**64 - 1
    ticks[2]["kind"], ticks[2]["instrument_id"] = TickKind.CLOCK, NO_INSTRUMENT
    return ticks


def test_ticks_are_printed_as_documented(command: TailCommand) -> None:
    arguments = (*CAT, "--format", "json")
    result = command.run(*arguments, records=[framed(some_ticks(), partition=2, offset=5)])
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [defect(TICK_LINE, line) for line in lines] == [None, None, None]
    assert lines[0] == {
        "partition": 2,
        "offset": 5,
        "index": 0,
        "epoch": 7,
        "sequence": 9,
        "kind": "trade",
        "symbol": "RUT",
        "instrument_id": 1,
        "ts_event": "2024-07-11T20:00:00Z",
        "ts_recv": "2024-07-11T20:00:00.001500Z",
        "price": "2125.04",
        "size": "0",
        "trade_id": "0",
        "update": ["last", "high_low", "volume", "regular"],
        "source": "alpaca",
        "source_id": 1,
    }
    unknown = {name: lines[1][name] for name in ("symbol", "instrument_id", "price", "trade_id")}
    assert unknown == {
        "symbol": None,
        "instrument_id": 4_000,
        "price": "0.000000001",
        "trade_id": "18446744073709551615",
    }
    assert [lines[2][name] for name in ("kind", "symbol", "instrument_id")] == ["clock", None, None]


def test_the_table_of_ticks_is_aligned(command: TailCommand) -> None:
    arguments = (*CAT, "--max", "2")
    result = command.run(*arguments, records=[framed(some_ticks(), partition=2, offset=5)])
    head, first, second = result.stdout.splitlines()
    start = head.index("SYMBOL")
    assert first[start:].split() == "RUT trade 2125.04 0 last,high_low,volume,regular 2@5+0".split()
    assert second[start:].split() == "4000 trade 0.000000001 0 - 2@5+1".split()


def test_symbols_choose_ticks(command: TailCommand) -> None:
    arguments = (
        *CAT,
        "--symbol",
        "RUT",
        "--format",
        "json",
        "--partition",
        "3",
    )
    result = command.run(*arguments, records=[framed(some_ticks())])
    assert [json.loads(line)["symbol"] for line in result.stdout.splitlines()] == ["RUT"]
    assert command.reader.read_with["partitions"] == [3]


def test_an_unknown_symbol_is_refused_with_the_nearest_name(command: TailCommand) -> None:
    result = command.run(*CAT, "--symbol", "RUTT")
    assert result.exit_code == 2
    assert "did you mean 'RUT'?" in result.stderr


def test_a_universe_that_cannot_be_read_is_refused(command: TailCommand, tmp_path: Path) -> None:
    broken = tmp_path / "universe.toml"
    broken.write_text("[[pair]")
    result = command.run("ticks", "cat", "--universe", str(broken))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "universe: not valid TOML" in result.stderr


def test_a_bad_frame_is_named_and_skipped(command: TailCommand) -> None:
    good = framed(some_ticks(), offset=8)
    flipped = bytearray(good.value)
    flipped[40] ^= 1
    records = [
        Record(TICKS_TOPIC, 0, 6, None, b"junk", (), 0),
        Record(TICKS_TOPIC, 0, 7, None, bytes(flipped), (), 0),
        good,
    ]
    arguments = (*CAT, "--format", "json")
    result = command.run(*arguments, records=records)
    assert result.exit_code == 1
    assert [json.loads(line)["offset"] for line in result.stdout.splitlines()] == [8, 8, 8]
    first, second, note = result.stderr.splitlines()
    assert first.startswith("warning: rotascope.ticks.v1/0@6: length: ")
    assert second.startswith("warning: rotascope.ticks.v1/0@7: crc: ")
    assert note == "note: invalid records skipped: 2; exit status 1"


def test_a_kind_of_a_later_version_is_shown_by_its_number() -> None:
    ticks = some_ticks()[:1]
    ticks["kind"], ticks["update"], ticks["source"] = 200, 0xFF, 77
    (line,) = tick_lines(framed(ticks), Names({}, {}))
    assert line["kind"] == "unknown_200"
    assert line["source"] is None
    assert defect(TICK_LINE, line) is None


def test_a_gap_says_its_cause_and_a_takeover_is_noted(command: TailCommand) -> None:
    gap = np.zeros(1, TICK)
    gap["kind"], gap["instrument_id"], gap["source"] = TickKind.GAP, NO_INSTRUMENT, 1
    gap["trade_id"] = GapCause.TAKEOVER
    value = encode_frame(gap, source=1, epoch=8, sequence=0)
    records = [framed(some_ticks()), Record(TICKS_TOPIC, 0, 1, None, value, (), 0)]
    result = command.run(*CAT, "--format", "json", records=records)
    assert result.exit_code == 0
    line = json.loads(result.stdout.splitlines()[-1])
    assert defect(TICK_LINE, line) is None
    assert line["gap_cause"] == "takeover"
    assert "note: 0@1: source alpaca: another producer took over, epoch 7 to 8" in result.stderr
    table = command.run(*CAT, records=records)
    assert table.stdout.splitlines()[-1].split()[-2:] == ["takeover", "0@1+0"]


def test_prices_and_sizes_are_read_in_their_instruments_scale() -> None:
    ticks = np.repeat(some_ticks()[:1], 3)
    ticks["instrument_id"], ticks["price"], ticks["size"] = 7, 12_000_000_000, 50_000_000_000
    ticks["kind"] = TickKind.TRADE, TickKind.STATUS, TickKind.ADJUSTMENT
    lines = list(tick_lines(framed(ticks), Names({7: "PEPE"}, {}, {7: (-15, 0)})))
    told = [(line["price"], line["size"]) for line in lines]
    assert told == [("0.000012", "50000000000"), ("12", "50"), ("12", "50")]
    assert all(defect(TICK_LINE, line) is None for line in lines)
