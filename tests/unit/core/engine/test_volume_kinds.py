"""Which volume a value rests on: published in a file, summed from trades, or both; and a recorded zero."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from core.engine.baseline import baseline_of_bars
from core.engine.engine import PartitionEngine
from core.engine.sections import PAIRS
from core.engine.snapshot import Snapshot, pack
from core.model.records import BAR, BarFlag, Frequency, Quality, TickKind, Update
from tests.support.logs import LogBuilder, cut, run
from tests.support.worlds import (
    BIG,
    DAY,
    FEED,
    GOO,
    HISTORY,
    MINUTE,
    OPEN,
    SECOND,
    SML,
    exchange_universe,
    make_engine,
    session_close,
    session_open,
    short_calendars,
)

PUBLISHED, TRADED = False, True
RELATIVE, AVERAGE = "relative_volume:20d", "average_volume:20d"


def warmed(kinds: Sequence[bool], volumes: Sequence[float] | None = None) -> PartitionEngine:
    """A day of history for each kind; a thousand shares of SML and GOO a day unless told."""
    engine = make_engine(exchange_universe(max_age_ms=600_000))
    log = LogBuilder()
    count = len(kinds)
    for number, volume in enumerate(volumes or [1_000.0] * count):
        close_ns = OPEN - 5 * MINUTE - (count - 1 - number) * DAY
        log.baseline(close_ns, {SML: 100.0, BIG: 200.0, GOO: 50.0}, volumes={SML: volume, GOO: volume})
    records = log.records
    days = np.cumsum(np.append(0, records["instrument_id"][:-1] == 0xFFFF_FFFF))
    counted = (records["update"] & int(Update.VOLUME)) != 0
    records["update"][counted & np.array(kinds)[days]] |= int(Update.TRADED)
    run(engine, cut(records))
    return engine


def trade_days(engine: PartitionEngine, count: int = 1, *, size: float = 500.0) -> None:
    """Live sessions."""
    log = LogBuilder()
    for number in range(count):
        opened, closed = session_open(number), session_close(number)
        log.mark(opened)
        for instrument, price in ((SML, 101.0), (BIG, 201.0), (GOO, 51.0)):
            log.trade(opened + 5 * SECOND, instrument, price, size)
        log.mark(closed)
        for instrument, price in ((SML, 101.0), (BIG, 201.0)):
            log.official(closed + SECOND, instrument, price)
        log.mark(closed + 90 * SECOND)
    run(engine, cut(log.records))


def value_of(engine: PartitionEngine, key: str, pair: str = "SML/BIG") -> tuple[float, Quality]:
    row = [each.name for each in engine.world.pairs].index(pair)
    values, quality = engine.evaluator.columns[key]
    return float(values[row]), Quality(int(quality[row]))


def test_history_alone_is_published_volume() -> None:
    engine = warmed([PUBLISHED] * 25)
    assert value_of(engine, RELATIVE) == (1.0, Quality.OK)
    assert value_of(engine, AVERAGE) == (1_000.0, Quality.OK)


def test_live_volume_over_a_mean_of_published_ones_says_so() -> None:
    engine = warmed([PUBLISHED] * 25)
    trade_days(engine)
    assert value_of(engine, RELATIVE) == (0.5, Quality.MIXED_VOLUME)
    assert value_of(engine, AVERAGE) == (1_000.0, Quality.OK)
    engine = warmed([PUBLISHED] * 25)
    trade_days(engine, 2)
    assert value_of(engine, AVERAGE) == (975.0, Quality.MIXED_VOLUME)


def test_volumes_of_one_kind_are_compared_with_each_other() -> None:
    engine = warmed([TRADED] * 25)
    trade_days(engine)
    assert value_of(engine, RELATIVE) == (0.5, Quality.TRADED_VOLUME)
    assert value_of(engine, AVERAGE) == (1_000.0, Quality.TRADED_VOLUME)


def test_a_session_whose_volume_is_recorded_as_zero_is_unknown() -> None:
    engine = warmed([PUBLISHED] * 25, [1_000.0] * 24 + [0.0])
    value, quality = value_of(engine, RELATIVE)
    assert (np.isnan(value), quality) == (True, Quality.NO_VOLUME)
    trade_days(engine)
    assert value_of(engine, AVERAGE) == (1_000.0, Quality.OK)  # over the 19 sessions that have one


def test_a_live_session_without_a_share_is_unknown_too() -> None:
    engine = warmed([PUBLISHED] * 25)
    trade_days(engine, size=0.0)
    value, quality = value_of(engine, RELATIVE)
    assert (np.isnan(value), quality) == (True, Quality.NO_VOLUME)


def test_an_index_has_no_volume_as_before() -> None:
    engine = warmed([PUBLISHED] * 25)
    trade_days(engine)
    days = engine.evaluator.days
    assert days.volumes[0, int(days.counts[0]) - 1, 1] == -int(Quality.NOT_READY)


def test_a_workers_own_bar_becomes_history_that_says_it_was_traded() -> None:
    calendars = short_calendars()
    bars = np.zeros(2, BAR)
    bars["instrument_id"], bars["frequency"], bars["flags"] = SML, int(Frequency.DAY), BarFlag.OFFICIAL_CLOSE
    bars["session"], bars["close"] = calendars["XNYS"].session[:2], 100 * 10**9
    bars["volume"], bars["source"] = 900 * 10**9, (HISTORY, FEED)
    offsets = np.array([5, 6])
    made = baseline_of_bars(bars, offsets, exchange_universe(), calendars, date(2030, 1, 1), HISTORY)
    own = made[(made["kind"] == int(TickKind.BASELINE)) & (made["instrument_id"] == SML)]
    assert ((own["update"] & int(Update.TRADED)) != 0).tolist() == [False, True]
    assert ((own["update"] & int(Update.VOLUME)) != 0).all()


def test_a_snapshot_keeps_the_kinds() -> None:
    engine = warmed([PUBLISHED] * 25)
    trade_days(engine)
    other = make_engine(exchange_universe(max_age_ms=600_000))
    other.restore(engine.snapshot())
    np.testing.assert_array_equal(other.evaluator.days.traded, engine.evaluator.days.traded)
    assert engine.evaluator.days.traded[0, :27, 0].tolist() == [0] * 25 + [1, 0]


def test_a_snapshot_of_an_earlier_release_is_read_and_its_live_days_are_of_trades() -> None:
    engine = warmed([PUBLISHED] * 25)
    trade_days(engine)
    stored = Snapshot(engine.snapshot())
    sections = {name: stored.section(name) for name in stored.versions}
    kept = {n: a for n, a in sections[PAIRS].arrays.items() if n not in ("day_traded", "baseline_traded")}
    sections[PAIRS] = sections[PAIRS]._replace(arrays=kept)
    other = make_engine(exchange_universe(max_age_ms=600_000))
    other.restore(pack(stored.head, sections))
    np.testing.assert_array_equal(other.evaluator.days.traded, engine.evaluator.days.traded)
