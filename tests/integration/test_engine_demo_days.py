"""The engine over the demo's days: 2024-07-11 as it was, as it might have been, and in four partitions."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.engine.samples import all_samples
from core.events.events import Event, encode_data, event_data
from core.model.frames import decode_frame, encode_frame
from core.model.metrics import METRICS_BY_NAME
from core.model.records import NO_INSTRUMENT, Update
from core.model.sessions import build_calendars, session_day
from producers.replay.demo import demo_daily
from tests.support.demo_log import demo_log, demo_universe
from tests.support.logs import Run, run
from tests.support.sentence_reader import LEGS, check_sentence, needed

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.slow]

RUT = 1
DAY = date(2024, 7, 11)
CLOSE_NS = 1_720_728_000 * 10**9
"""16:00 in New York on that day."""

PARTITIONS = 4


@cache
def engine_parts() -> tuple[object, ...]:
    text = (resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8")
    calendars = build_calendars(["XNYS"], date(1990, 1, 1), date(2024, 12, 31))
    return demo_universe(), parse_catalogue(text), calendars


def make_engine(partition: int = 0, partitions: int = 1) -> PartitionEngine:
    universe, catalogue, calendars = engine_parts()
    return PartitionEngine(
        universe,  # type: ignore[arg-type]
        catalogue,  # type: ignore[arg-type]
        calendars,  # type: ignore[arg-type]
        partition=partition,
        partitions=partitions,
    )


class Outcome(NamedTuple):
    """An engine at the end of its log."""

    engine: PartitionEngine
    said: Run


@cache
def as_it_was() -> Outcome:
    engine = make_engine()
    return Outcome(engine, run(engine, demo_log(1)[0]))


@cache
def in_partitions() -> tuple[Outcome, ...]:
    log = demo_log(PARTITIONS)
    engines = [make_engine(partition, PARTITIONS) for partition in range(PARTITIONS)]
    return tuple(Outcome(engine, run(engine, log[n])) for n, engine in enumerate(engines))


def rut_close(day: date) -> float:
    found = demo_daily().filter((pl.col("symbol") == "RUT") & (pl.col("session") == day))
    return float(found["close"].item())


def with_lowered_close() -> list[bytes]:
    """The log with RUT's official close of the day at +2.9 %."""
    was, lowered = rut_close(DAY), rut_close(date(2024, 7, 10)) * 1.029
    frames, changed = [], 0
    for payload in demo_log(1)[0]:
        header, records = decode_frame(payload)
        ticks = records.copy()
        closing = (ticks["instrument_id"] == RUT) & (ticks["update"] & int(Update.OFFICIAL) > 0)
        closing &= (ticks["ts_event"] >= CLOSE_NS) & (ticks["ts_event"] < CLOSE_NS + 10**12)
        assert np.isin(ticks["price"][closing], [round(was * 1e9)]).all()
        changed += int(closing.sum())
        ticks["price"][closing] = round(lowered * 1e9)
        frames.append(encode_frame(ticks, source=header.source, epoch=header.epoch, sequence=header.sequence))
    assert changed == 1
    return frames


def opposite_up(said: Run, pair: str = "RUT/SPX") -> list[Event]:
    return [e for e in said.events if e.definition == "opposite_day_up" and e.pair == pair]


def test_the_day_small_caps_rose_and_large_caps_fell() -> None:
    candidate, opened = opposite_up(as_it_was().said)
    assert (candidate.state, opened.state) == ("candidate", "opened")
    assert candidate.event_time.startswith("2024-07-11T14:3")
    assert opened.event_time == str(DAY)
    assert opened.values["instrument_return_pct"] == pytest.approx(3.57, abs=0.005)
    assert opened.values["benchmark_return_pct"] == pytest.approx(-0.88, abs=0.005)
    assert opened.first_since is not None
    assert opened.first_since["last_true"] == "2008-10-10"
    assert as_it_was().said.dead_letters == []


def test_every_event_of_the_days_speaks_and_knows_both_legs() -> None:
    universe, checked = demo_universe(), 0
    for event in as_it_was().said.events:
        data = event_data(event)
        assert None not in [data["legs"][leg]["return_pct"] for leg in LEGS]  # type: ignore[index]
        assert ("unknown" in event.summary) == (None in needed(data))
        checked += check_sentence(data, {leg: universe.instrument(str(data[leg])).spoken for leg in LEGS})
    assert checked > 500
    assert "spread_z_15m" in {event.definition for event in as_it_was().said.events}


def test_with_a_lower_close_nothing_opens_and_the_candidate_is_withdrawn() -> None:
    said = run(make_engine(), with_lowered_close())
    candidate, withdrawn = opposite_up(said)
    assert (candidate.state, withdrawn.state) == ("candidate", "withdrawn")
    assert withdrawn.event_time == str(DAY)
    assert withdrawn.values["instrument_return_pct"] == pytest.approx(2.9, abs=1e-6)
    assert candidate.event_id == opposite_up(as_it_was().said)[0].event_id
    assert withdrawn.event_id == opposite_up(as_it_was().said)[1].event_id  # one transition, one id
    assert all(e.state != "opened" for e in opposite_up(said, "RUT/QQQ") if e.episode == session_day(DAY))


def test_an_instrument_without_official_print_closes_at_its_last_price() -> None:
    """The daily history is of Alphabet's other share class, so GOOG has no closing print."""
    goog = demo_universe().instrument("GOOG").instrument_id
    bars = [bar for part in as_it_was().said.day_bars for bar in part if bar["instrument_id"] == goog]
    assert len(bars) == 8
    minutes = np.concatenate(as_it_was().said.minute_bars)
    for bar in bars:
        mine = minutes[(minutes["instrument_id"] == goog) & (minutes["session"] == bar["session"])]
        assert bar["close"] == mine["close"][-1]


def test_four_partitions_say_every_event_exactly_once() -> None:
    whole = {event.event_id: encode_data(event) for event in as_it_was().said.events}
    parts = Counter(event.event_id for each in in_partitions() for event in each.said.events)
    assert set(parts.values()) == {1}
    assert parts.keys() == whole.keys()
    for each in in_partitions():
        assert each.said.dead_letters == []
        for event in each.said.events:
            assert encode_data(event) == whole[event.event_id]


def test_four_partitions_export_every_series_exactly_once() -> None:
    """Counters are each partition's own; everything else belongs to a pair's home."""
    whole = {sample[:2]: sample[2] for sample in all_samples(as_it_was().engine.expose())}
    parts = [sample for each in in_partitions() for sample in all_samples(each.engine.expose())]
    of_pairs = {key: value for key, value in whole.items() if "pair" in METRICS_BY_NAME[key[0]].labels}
    of_parts = [sample for sample in parts if "pair" in METRICS_BY_NAME[sample[0]].labels]
    assert len(of_pairs) > 500
    assert Counter(sample[:2] for sample in of_parts) == Counter(of_pairs.keys())
    for name, labels, value in of_parts:
        assert str(value) == str(of_pairs[name, labels])
    assert max(Counter(sample[:2] for sample in of_parts).values()) == 1


def test_four_partitions_write_every_bar_exactly_once() -> None:
    def bars_of(*runs: Run) -> list[bytes]:
        bars = [bar for each in runs for part in (*each.minute_bars, *each.day_bars) for bar in part]
        return sorted(bar.tobytes() for bar in bars if bar["instrument_id"] != NO_INSTRUMENT)

    assert bars_of(*(each.said for each in in_partitions())) == bars_of(as_it_was().said)
    assert len(bars_of(as_it_was().said)) > 8 * 11 * 290


def test_the_range_of_every_day_holds_its_close() -> None:
    """RUT 2024-07-10: the highest five-minute bar ends at 2051.73, and the day closed at 2051.75."""
    bars = np.concatenate(as_it_was().said.day_bars)
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    rut = bars[(bars["instrument_id"] == RUT) & (bars["session"] == session_day(date(2024, 7, 10)))]
    assert (rut["high"] / 1e9).tolist() == [2051.75]
    assert (rut["close"] / 1e9).tolist() == [2051.75]
