"""Converts Alpaca's market-data messages to ticks: trades, corrections, cancels, statuses, errors.

Each websocket message is an array of objects tagged by "T". A batch of messages is decoded and
converted to columns in one pass. If an item is invalid, the batch is processed again item by item:
a bad item costs time in proportion to the batch, and does not affect other items.
The result for a message never depends on the messages around it.

Source: Alpaca, "Real-time Stock Data" and "WebSocket Stream" reference pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.model.errors import FeedError
from core.model.instruments import Instrument, Source
from core.model.records import TICK, TickKind
from producers.feeds.alpaca.lookups import ConditionCodes, RowOf, listing_code, venue_codes
from producers.feeds.alpaca.refusals import Refusals
from producers.feeds.alpaca.rows import RowBuilder, Rows, changes_trading, rows_of_trades
from producers.feeds.alpaca.wire import (
    IGNORED_TYPES,
    KNOWN_TYPES,
    UNDECODABLE,
    Error,
    Status,
    Subscription,
    Success,
    Trade,
    wire,
)
from producers.feeds.base import (
    Batch,
    Codec,
    Outcome,
    RawMessage,
    Reject,
    empty_ticks,
    reject,
)
from producers.feeds.columns import (
    is_msgpack_timestamp,
    is_rfc3339,
    msgpack_nanoseconds,
    rfc3339_nanoseconds,
)
from producers.feeds.scales import InstrumentScales
from producers.framing.rows import take

_REASONS: Final = ("", "size", "price", "unknown_symbol", "schema", "trade_id", "timestamp")
"""Problems of a row; of several the last one counts."""

_SIZE, _PRICE, _UNKNOWN_SYMBOL, _SCHEMA, _TRADE_ID, _TIMESTAMP = range(1, len(_REASONS))

_MISFIT: Final = (OverflowError, ValueError, msgspec.MsgspecError)
"""Exceptions raised when a value does not fit its column."""

_MAX_TRADE_ID: Final = 2**64 - 1

MAX_SALVAGED: Final = 1 << 17
"""Maximum items of a message that is processed item by item."""


class _Columns(NamedTuple):
    """Rows as columns; `problem` indexes `_REASONS`, `unknown` is 1 for unknown letters."""

    ticks: NDArray[np.void]
    venues: NDArray[np.uint8]
    problem: NDArray[np.uint8]
    unknown: NDArray[np.uint8]


class AlpacaMessages:
    """The codec of one subscription.

    Args:
        source: Source of the ticks.
        instruments: Known instruments; anything else is an unknown symbol.
        codec: JSON or msgpack.

    Raises:
        ConfigurationError: A listing exchange is not a code of this vendor.
    """

    def __init__(self, source: Source, instruments: Sequence[Instrument], codec: Codec) -> None:
        self._source_id = source.source_id
        self._row_of = RowOf({instrument.symbol: row for row, instrument in enumerate(instruments)})
        # One extra row for the unknown symbol, which -1 refers to.
        ids = [instrument.instrument_id for instrument in instruments]
        self._instrument_ids = np.array([*ids, 0], np.uint32)
        self._scales = InstrumentScales(instruments)
        self._listing = np.array([*map(listing_code, instruments), 0], np.int16)
        self._nanoseconds: Callable[[Sequence[Any]], NDArray[np.int64]] = (
            rfc3339_nanoseconds if codec is Codec.JSON else msgpack_nanoseconds
        )
        self._is_stamp: Callable[[Any], bool] = is_rfc3339 if codec is Codec.JSON else is_msgpack_timestamp
        self._wire = wire(codec)
        self._conditions = ConditionCodes(self._wire.letters)

    def parse(self, messages: Sequence[RawMessage], error: Callable[[int, str], FeedError]) -> Batch:
        """Convert raw messages to ticks.

        Args:
            messages: Messages in order of receipt.
            error: Returns the FeedError for a vendor's code and text.

        Returns:
            Ticks, rejects, notices and the outcome counts.
        """
        decoded: list[Any] = []
        lengths: list[int] = []
        for message in messages:
            try:
                found = self._wire.batch(message.payload)
            except UNDECODABLE:
                found = self._salvage(message.payload)
            decoded += found
            lengths.append(len(found))
        result = _Result(Refusals(messages, lengths, self._wire.parts))
        if set(map(type, decoded)) == {Trade}:
            rows = rows_of_trades(decoded)
        else:
            rows = self._rows(decoded, error, result)
        if len(rows.trades):
            ts_recv = np.repeat(np.array([message.ts_recv_ns for message in messages], np.int64), lengths)
            self._ticks(rows, ts_recv[rows.items], result)
        result.notices += self._scales.take()
        return result.batch()

    def _rows(self, decoded: Sequence[Any], error: Callable[[int, str], FeedError], result: _Result) -> Rows:
        """Return the rows of future ticks, and count the messages that give none."""
        builder = RowBuilder()
        for position, item in enumerate(decoded):
            if isinstance(item, Outcome):
                result.outcomes[item] += 1
            elif isinstance(item, Reject):
                result.refusals.add_ready(position, item)
            elif isinstance(item, Error):
                result.notices.append(error(item.code, item.msg))
                result.outcomes[Outcome.CONTROL] += 1
            elif isinstance(item, Success | Subscription):
                result.outcomes[Outcome.CONTROL] += 1
            elif isinstance(item, Status) and not changes_trading(item):
                if self._row_of[item.S] < 0:
                    result.refusals.add_all([position], [_REASONS[_UNKNOWN_SYMBOL]])
                else:
                    result.outcomes[Outcome.IGNORED] += 1
            else:
                builder.add(item, position)
        return builder.rows()

    def _salvage(self, payload: bytes) -> list[Any]:
        """Decode a list of messages item by item, because it cannot be decoded as a whole."""
        malformed = [reject("malformed", payload)]
        if self._wire.estimate(payload) > MAX_SALVAGED:
            return malformed
        try:
            parts = self._wire.parts(payload)
        except UNDECODABLE:
            return malformed
        if len(parts) > MAX_SALVAGED:
            return malformed
        return [self._salvage_one(part) for part in parts]

    def _salvage_one(self, part: msgspec.Raw) -> Any:
        try:
            return self._wire.item(part)
        except UNDECODABLE:
            pass
        try:
            tag = self._wire.tag(part).T
        except UNDECODABLE:
            tag = "t"  # no type: the message violates the schema
        if tag in IGNORED_TYPES:
            return Outcome.IGNORED
        if tag not in KNOWN_TYPES:
            return Outcome.UNKNOWN
        return reject("schema", bytes(part))

    def _ticks(self, rows: Rows, ts_recv: NDArray[np.int64], result: _Result) -> None:
        """Convert rows to ticks; a message is accepted or refused as a whole."""
        ticks, venues, problem, unknown = self._columns_or_problems(rows.trades, ts_recv)
        if rows.kinds.any():
            ticks["kind"] = rows.kinds
            status = rows.kinds == TickKind.STATUS
            ticks["size"][status] = rows.status_sizes
            ticks["price"][status] = 0
            ticks["update"][status] = 0
        items = rows.items
        if problem.any():
            worst = np.zeros(items[-1] + 1, np.uint8)
            np.maximum.at(worst, items, problem)
            refused = np.flatnonzero(worst)
            result.refusals.add_all(refused.tolist(), [_REASONS[k] for k in worst[refused].tolist()])
            fine = worst[items] == 0
            ticks, venues, unknown, items = take(ticks, fine), venues[fine], unknown[fine], items[fine]
        result.ticks, result.venues = ticks, venues
        result.unknown_conditions = int(unknown.sum())
        result.outcomes[Outcome.ACCEPTED] += int(np.count_nonzero(np.diff(items, prepend=-1)))

    def _columns_or_problems(self, trades: Sequence[Trade[Any]], ts_recv: NDArray[np.int64]) -> _Columns:
        """Build columns of all rows; a row with a value that does not fit its column is left at zero."""
        try:
            return self._columns(trades, ts_recv)
        except _MISFIT:
            pass
        problem = self._misfits(trades)
        fits = problem == 0
        ticks = np.zeros(len(trades), TICK)
        venues, unknown = np.zeros_like(problem), np.zeros_like(problem)
        if fits.any():
            fitting = [trade for trade, fit in zip(trades, fits.tolist(), strict=True) if fit]
            ticks[fits], venues[fits], problem[fits], unknown[fits] = self._columns(fitting, ts_recv[fits])
        return _Columns(ticks, venues, problem, unknown)

    def _misfits(self, trades: Sequence[Trade[Any]]) -> NDArray[np.uint8]:
        """Return the problem code of each row whose value does not fit its column; 0 if none."""
        problem = np.zeros(len(trades), np.uint8)
        problem[~np.array(self._conditions.are_readable([trade.c for trade in trades]))] = _SCHEMA
        problem[~np.array([0 <= trade.i <= _MAX_TRADE_ID for trade in trades])] = _TRADE_ID
        is_stamp = self._is_stamp
        problem[~np.array([is_stamp(trade.t) for trade in trades])] = _TIMESTAMP
        return problem

    def _columns(self, run: Sequence[Trade[Any]], ts_recv: NDArray[np.int64]) -> _Columns:
        """Build columns of rows whose values fit; their content may still be invalid."""
        count = len(run)
        row_of = self._row_of
        ticks = np.zeros(count, TICK)
        ticks["ts_event"] = self._nanoseconds([trade.t for trade in run])
        ticks["ts_recv"] = ts_recv
        ticks["trade_id"] = np.array([trade.i for trade in run], np.uint64)
        ticks["source"] = self._source_id
        rows = np.array([row_of[trade.S] for trade in run], np.intp)
        ticks["instrument_id"] = self._instrument_ids[rows]
        prices = np.array([trade.p for trade in run], np.float64)
        sizes = np.array([trade.s for trade in run], np.float64)
        scales = self._scales
        bad_price = ~((prices >= scales.prices.unit(rows)) & (prices <= scales.prices.largest(rows)))
        bad_size = ~((sizes >= 0) & (sizes <= scales.sizes.largest(rows)))
        ticks["price"] = scales.prices.fixed_point(prices, ~bad_price, rows)
        ticks["size"] = scales.sizes.fixed_point(sizes, ~bad_size, rows)
        if bad_price.any() or bad_size.any():
            scales.note(rows, prices, sizes, ticks["ts_event"])
        venues = venue_codes([trade.x for trade in run])
        codes = self._conditions.of([trade.c for trade in run], [trade.z for trade in run])
        listing = self._listing[rows]
        listed = (listing == venues) | (listing < 0)
        ticks["update"] = np.where(listed, codes >> 8, codes) & 0xFF
        problem = np.zeros(count, np.uint8)
        problem[bad_size] = _SIZE
        problem[bad_price] = _PRICE
        problem[rows < 0] = _UNKNOWN_SYMBOL
        return _Columns(ticks, venues, problem, (codes >> 16).astype(np.uint8))


class _Result:
    """A batch under construction."""

    def __init__(self, refusals: Refusals) -> None:
        self.refusals = refusals
        self.ticks = empty_ticks()
        self.venues = np.empty(0, np.uint8)
        self.notices: list[FeedError] = []
        self.outcomes: Counter[Outcome] = Counter()
        self.unknown_conditions = 0

    def batch(self) -> Batch:
        self.outcomes[Outcome.REJECTED] = len(self.refusals)
        return Batch(
            ticks=self.ticks,
            venues=self.venues,
            rejects=self.refusals.rejects(),
            notices=tuple(self.notices),
            outcomes=MappingProxyType(dict(self.outcomes)),
            unknown_conditions=self.unknown_conditions,
        )
