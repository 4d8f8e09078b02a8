"""A coin at 0.000012 with a volume of 50 billion, from the vendor's text to events and bars, exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from consumers.inspect.tick_lines import Names, tick_lines
from core.engine.baseline import baseline_records
from core.engine.engine import PartitionEngine
from core.events.events import encode_data
from core.kafka.records import Record
from core.model.errors import FeedError, SnapshotError
from core.model.frames import decode_frame, encode_frame
from core.model.instruments import Instrument, Pair, Universe
from core.model.records import NO_INSTRUMENT, TICK, TickKind
from core.model.scale import decimal_text
from core.model.sessions import day_to_date
from core.model.timestamps import rfc3339
from producers.feeds.alpaca.messages import AlpacaMessages
from producers.feeds.base import Codec, RawMessage
from producers.framing.framer import Framer
from tests.support.logs import Run, run
from tests.support.worlds import (
    FEED,
    FIRST_SESSION,
    HISTORY,
    OPEN,
    SECOND,
    make_engine,
    make_source,
    session_close,
    short_calendars,
)

CATALOGUE = """
[[definition]]
id = "opposite"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 3", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 3.0 }

[[definition]]
id = "any_day"
frequency = "1d"
family = "divergence"
enter = ["return_1d_pct > 3"]
values = ["numerator_price", "benchmark_price", "ratio", "average_volume_20d", "relative_volume_20d"]
"""
COIN = Instrument(
    2, "PEPE", "PEPE", "crypto", "XNYS", "feed", None, 60_000, True, False, None, None,
    price_exponent=-15, size_exponent=0,
)  # fmt: skip
BIG = Instrument(1, "BTC", "BTC", "crypto", "XNYS", "feed", None, 60_000, True, False, None, None)
SOURCES = (make_source(FEED, "feed"), make_source(HISTORY, "history"))
UNIVERSE = Universe(SOURCES, (BIG, COIN), (Pair("PEPE", "BTC"),))
PAST_DAYS = 30


def history() -> NDArray[np.void]:
    """Thirty days on which nothing moved, the coin with 50 billion a day."""
    dates = [day_to_date(FIRST_SESSION) - timedelta(days=back) for back in range(PAST_DAYS, 0, -1)]
    closes = {
        BIG.instrument_id: (60_000.5, 1_000.25),
        COIN.instrument_id: (0.0000115, 5e10),
    }
    frames = {
        number: pl.DataFrame({"date": dates, "close": [close] * PAST_DAYS, "volume": [volume] * PAST_DAYS})
        for number, (close, volume) in closes.items()
    }
    return baseline_records(frames, UNIVERSE, short_calendars(), dates[-1], HISTORY)


def trades(second: float, prints: Sequence[tuple[str, str, str]]) -> NDArray[np.void]:
    """Decode trades as the vendor writes them: symbol, price and size as text."""
    stamp = rfc3339(OPEN + round(second * SECOND))
    texts = [
        f'{{"T":"t","i":{round(second)},"S":"{symbol}","x":"P","p":{price},"s":{size},"t":"{stamp}","c":["@"],"z":"A"}}'
        for symbol, price, size in prints
    ]
    codec = AlpacaMessages(SOURCES[0], UNIVERSE.instruments, Codec.JSON)
    message = RawMessage(f"[{','.join(texts)}]".encode(), OPEN)
    batch = codec.parse([message], lambda _, text: FeedError(text, action="fatal"))
    assert not batch.rejects
    return batch.ticks


def mark(ts_event: int) -> NDArray[np.void]:
    record = np.zeros(1, TICK)
    record["kind"], record["ts_event"], record["instrument_id"] = TickKind.CLOCK, ts_event, NO_INSTRUMENT
    record["source"] = FEED
    return record


def day() -> NDArray[np.void]:
    """The coin rises to 0.000012 in five trades of ten billion, the benchmark falls."""
    parts = [mark(OPEN), trades(1, [("BTC", "60000.5", "0.25")])]
    for number, price in enumerate(("0.0000116", "1.17e-05", "0.0000118", "0.00001191234567", "0.000012")):
        parts += [mark(OPEN + (10 + 55 * number) * SECOND)]
        both = [("PEPE", price, "10000000000"), ("BTC", "58999.75", "0.00000001")]
        parts += [trades(10.5 + 55 * number, both)]
    parts += [mark(session_close(0) + offset * SECOND) for offset in (0, 100, 200)]
    return np.concatenate(parts)


def lived() -> tuple[PartitionEngine, Run, list[bytes]]:
    engine = make_engine(UNIVERSE, catalogue=CATALOGUE)
    said = run(engine, [encode_frame(history(), source=HISTORY, epoch=1, sequence=0)])
    framer = Framer(UNIVERSE, partitions=1, source_id=FEED, epoch=1)
    payloads = [frame.payload for frame in [*framer.add(day(), 0.0), *framer.flush()]]
    return engine, run(engine, payloads, first_offset=1, into=said), payloads


def test_prices_and_volumes_come_out_of_bars_and_events_exactly() -> None:
    _, said, payloads = lived()
    assert said.dead_letters == []

    (bar,) = [bar for bars in said.day_bars for bar in bars if bar["instrument_id"] == COIN.instrument_id]
    told = [decimal_text(int(bar[field]), COIN.price_exponent) for field in ("open", "high", "low", "close")]
    assert told == ["0.0000116", "0.000012", "0.0000116", "0.000012"]
    assert decimal_text(int(bar["volume"]), COIN.size_exponent) == "50000000000"
    minutes = [b for bars in said.minute_bars for b in bars if b["instrument_id"] == COIN.instrument_id]
    assert sum(int(bar["volume"]) for bar in minutes) == 50_000_000_000
    assert "0.00001191234567" in [decimal_text(int(bar["close"]), COIN.price_exponent) for bar in minutes]

    event = {event.definition: event for event in said.events if event.state == "opened"}["any_day"]
    data = json.loads(encode_data(event), parse_float=str)
    assert float(data["values"]["numerator_price"]) == 0.000012
    assert data["values"]["benchmark_price"] == "58999.75"
    assert float(data["values"]["average_volume_20d"]) == 5e10
    assert float(data["values"]["relative_volume_20d"]) == 1.0
    assert data["values"]["ratio"] == f"{0.000012 / 58999.75:.9e}"
    coin, big = data["legs"]["numerator"], data["legs"]["benchmark"]
    assert (float(coin["price"]), float(coin["previous_close"])) == (0.000012, 0.0000115)
    assert (big["price"], big["previous_close"]) == ("58999.75", "60000.5")
    assert coin["return_pct"] == f"{100 * 500 / 11_500:.10g}"
    assert "opposite" in {event.definition for event in said.events}

    lines = [
        line
        for payload in payloads
        for line in tick_lines(Record("t", 0, 0, None, payload, (), 0), Names.of(UNIVERSE))
    ]
    coins = [(line["price"], line["size"]) for line in lines if line["symbol"] == "PEPE"]
    assert coins[3:] == [("0.00001191234567", "10000000000"), ("0.000012", "10000000000")]
    assert decode_frame(payloads[0])[0].source == FEED


def test_a_snapshot_is_not_taken_over_in_another_scale() -> None:
    engine, _, _ = lived()
    snapshot = engine.snapshot()
    again = make_engine(UNIVERSE, catalogue=CATALOGUE)
    again.restore(snapshot)
    assert again.snapshot() == snapshot
    plain = Instrument(2, "PEPE", "PEPE", "crypto", "XNYS", "feed", None, 60_000, True, False, None, None)
    other = make_engine(Universe(SOURCES, (BIG, plain), UNIVERSE.pairs), catalogue=CATALOGUE)
    said = r"PEPE with price_exponent -15 and size_exponent 0; the universe has -9 and -9"
    with pytest.raises(SnapshotError, match=said) as refused:
        other.restore(snapshot)
    assert "give the instrument a new id" in str(refused.value.operator_action)
