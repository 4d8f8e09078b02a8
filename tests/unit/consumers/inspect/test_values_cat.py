"""`rotascope values cat`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core
from consumers.inspect.value_lines import PairNames, value_lines
from consumers.worker.schemas import defect
from core.kafka.records import Record
from core.model.frames import encode_frame
from core.model.records import VALUE, Quality, ValueFlag, ValueSign
from core.model.schemas import VALUE_LINE
from core.model.value_frames import ValueBatch, value_frames
from tests.support.sample_events import CLOSE_2024_07_11_NS
from tests.support.tail_command import VALUES_TOPIC, TailCommand

UNIVERSE = Path(core.__file__).parent / "data" / "demo_universe.toml"
CAT = ("values", "cat", "--universe", str(UNIVERSE))
SESSION = 19_915
RUT, SPX = 1, 2


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> TailCommand:
    return TailCommand(monkeypatch)


def some_values() -> np.ndarray[Any, Any]:
    """RUT/SPX, all known; a pair that the universe lacks, of which nothing is known."""
    values = np.zeros(2, VALUE)
    for name in (name for name in VALUE.names or () if VALUE[name].kind == "f"):
        values[name] = np.nan
    values["session"] = SESSION
    known, unknown = values
    known["instrument_id"], known["benchmark_id"] = RUT, SPX
    known["price"], known["volume"] = 2_125_040_000_000, -int(Quality.NOT_READY)
    known["return_pct"], known["relative_21d_pp"], known["rsi"] = 3.5735, 1.25, 71.1
    known["relative_63d_pp"], known["d50_sd"], known["streak"] = -0.1, 2.0, -3
    known["signs"] = ValueSign.MA50_KNOWN | ValueSign.ABOVE_MA50 | ValueSign.EXTREMES_KNOWN
    unknown["instrument_id"], unknown["benchmark_id"] = 4_000, 4_001
    unknown["price"], unknown["volume"], unknown["quality"] = -2, 5, Quality.STALE
    return values


def framed(
    values: np.ndarray[Any, Any] | None = None, *, offset: int = 5, final: bool = False, complete: bool = True
) -> Record:
    """A frame of a minute of partition 3, as it is in its topic."""
    values = some_values() if values is None else values
    if final:
        values["flags"] |= int(ValueFlag.FINAL)
    batch = ValueBatch(
        CLOSE_2024_07_11_NS, SESSION, 0, values["instrument_id"].copy(), values, final, complete
    )
    (frame,) = value_frames([batch], partition=3, offset=77, shards=1)
    return Record(VALUES_TOPIC, frame.shard, offset, None, frame.payload, (), 0)


def told(result: Any) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [defect(VALUE_LINE, line) for line in lines] == [None] * len(lines)
    return lines


def test_values_are_printed_as_documented(command: TailCommand) -> None:
    result = command.run(*CAT, "--format", "json", records=[framed()])
    assert result.exit_code == 0
    first, second = told(result)
    assert first == {
        "shard": 0,
        "offset": 5,
        "index": 0,
        "partition": 3,
        "ts_event": "2024-07-11T20:00:00Z",
        "session": "2024-07-11",
        "kind": "minute",
        "revised": False,
        "pair": "RUT/SPX",
        "numerator_id": RUT,
        "benchmark_id": SPX,
        "price": "2125.04",
        "volume": None,
        "return_pct": 3.5735,
        "relative_21d_pp": 1.25,
        "relative_63d_pp": -0.1,
        "strength_score": None,
        "trend": None,
        "momentum": None,
        "d50_sd": 2.0,
        "rsi": 71.1,
        "above_ma50": True,
        "above_ma200": None,
        "new_high": False,
        "new_low": False,
        "streak": -3,
        "quadrant": 0,
        "quality": "ok",
    }
    assert {name: second[name] for name in ("pair", "numerator_id", "price", "volume", "quality")} == {
        "pair": None,
        "numerator_id": 4_000,
        "price": None,
        "volume": "0.000000005",
        "quality": "stale",
    }


def test_the_table_of_values_is_aligned(command: TailCommand) -> None:
    records = [framed(), framed(final=True, offset=6)]
    result = command.run(*CAT, "--marks", records=records)
    head, first, second, mark, day, *_ = result.stdout.splitlines()
    start = head.index("KIND")
    assert first[start:].split() == "minute RUT/SPX 2125.04 +3.57 +1.25 -0.10 +2.00 71.1 -3 ok 0@5+0".split()
    assert second[start:].split() == "minute 4000/4001 - - - - - - - stale 0@5+1".split()
    assert mark[start:].split() == "minute mark of 2 0@5+2".split()
    assert day[start:].split()[0] == "session"
    assert first.index("RUT/SPX") == head.index("PAIR")


def test_pairs_and_sessions_are_chosen(command: TailCommand) -> None:
    records = [framed(), framed(final=True, offset=6)]
    result = command.run(*CAT, "--pair", "RUT/SPX", "--sessions", "--format", "json", records=records)
    assert [(line["pair"], line["kind"], line["offset"]) for line in told(result)] == [
        ("RUT/SPX", "session", 6)
    ]


def test_marks_are_shown_when_asked_for(command: TailCommand) -> None:
    result = command.run(*CAT, "--marks", "--format", "json", records=[framed(final=True)])
    mark = told(result)[-1]
    assert (mark["mark"], mark["pairs"], mark["block"], mark["kind"]) == (True, 2, 0, "session")


def test_a_revised_session_says_so(command: TailCommand) -> None:
    values = some_values()
    values["flags"] |= int(ValueFlag.REVISED)
    record = framed(values, final=True, complete=False)
    lines = told(command.run(*CAT, "--format", "json", records=[record]))
    assert {line["revised"] for line in lines} == {True}
    assert "revised" in command.run(*CAT, records=[record]).stdout.splitlines()[1]


def test_a_copy_of_what_another_shard_has_is_not_printed_again(command: TailCommand) -> None:
    values = some_values()
    values["flags"][0] = ValueFlag.COPY
    lines = told(command.run(*CAT, "--format", "json", records=[framed(values)]))
    assert [line["numerator_id"] for line in lines] == [4_000]


def test_from_now_and_until_end_reach_the_reader(command: TailCommand) -> None:
    result = command.run(*CAT, "--from-now", "--until-end", records=[framed()])
    assert result.exit_code == 0
    assert command.reader.read_with == {
        "topics": (VALUES_TOPIC,), "from_beginning": False, "until_end": True
    }  # fmt: skip
    assert command.reader.closed


def test_an_unknown_pair_is_refused_with_the_nearest_name(command: TailCommand) -> None:
    result = command.run(*CAT, "--pair", "RUT/SPY")
    assert result.exit_code == 2
    assert "--pair 'RUT/SPY': the universe has no such pair" in result.stderr
    assert "did you mean 'RUT/SPX' or" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Operator action: ")


def test_a_cluster_without_the_topic_is_named(command: TailCommand) -> None:
    result = command.run(*CAT, topics=())
    assert result.exit_code == 1
    assert "topic 'rotascope.values.v1' does not exist" in result.stderr


def test_nothing_to_print_is_said(command: TailCommand) -> None:
    result = command.run(*CAT)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "note: no values matched\n"


def test_bad_frames_are_named_and_skipped(command: TailCommand) -> None:
    good = framed(offset=9)
    flipped = bytearray(good.value)
    flipped[40] ^= 1
    ticks = encode_frame(np.zeros(1, VALUE), source=1, epoch=1, sequence=0)[:-1]
    records = [
        Record(VALUES_TOPIC, 0, 6, None, b"junk", (), 0),
        Record(VALUES_TOPIC, 0, 7, None, bytes(flipped), (), 0),
        Record(VALUES_TOPIC, 0, 8, None, ticks, (), 0),
        good,
    ]
    result = command.run(*CAT, "--format", "json", records=records)
    assert result.exit_code == 1
    assert [line["offset"] for line in told(result)] == [9, 9]
    first, second, third, note = result.stderr.splitlines()
    assert first.startswith("warning: rotascope.values.v1/0@6: length: ")
    assert second.startswith("warning: rotascope.values.v1/0@7: crc: ")
    assert third.startswith("warning: rotascope.values.v1/0@8: length: ")
    assert note == "note: invalid records skipped: 3; exit status 1"


def test_numbers_of_a_later_version_are_shown_as_they_are() -> None:
    values = some_values()[:1]
    values["quality"], values["quadrant"], values["return_pct"] = 200, 250, np.inf
    record = framed(values, complete=False)
    (line,) = value_lines(record, PairNames({}, {}))
    assert (line["quality"], line["quadrant"], line["return_pct"]) == ("unknown_200", 250, None)
    assert defect(VALUE_LINE, line) is None
