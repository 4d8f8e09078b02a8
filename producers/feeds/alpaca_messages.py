"""Alpaca's market-data messages to ticks: trades, corrections, cancels, statuses, errors.

Each websocket message is an array of objects tagged by "T". A batch of them is decoded in one
pass and turned into columns; only what does not fit is looked at one by one, so that a bad
message costs the batch its speed and never its neighbours.

Source: Alpaca, "Real-time Stock Data" and "WebSocket Stream" reference pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import FeedError
from core.instruments import Instrument, Source
from core.records import PRICE_UNITS_PER_ONE, TICK, TickKind
from producers.feeds.alpaca_wire import (
    IGNORED_TYPES,
    KNOWN_TYPES,
    UNDECODABLE,
    Cancel,
    Error,
    Status,
    Subscription,
    Success,
    Trade,
    wire,
)
from producers.feeds.base import (
    MAX_REJECT_BYTES,
    Batch,
    Codec,
    Outcome,
    RawMessage,
    Reject,
)
from producers.feeds.columns import msgpack_nanoseconds, rfc3339_nanoseconds
from producers.feeds.lookups import ConditionCodes, RowOf, listing_code, venue_codes
from producers.feeds.scales import InstrumentScales
from producers.rows import join, take

_HALTED: Final = PRICE_UNITS_PER_ONE
_RESUMED: Final = 0
_CTA_STATUS: Final = {"2": _HALTED, "3": _RESUMED}
_UTP_STATUS: Final = {"H": _HALTED, "P": _HALTED, "T": _RESUMED}
STATUS_SIZES: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {"A": _CTA_STATUS, "B": _CTA_STATUS, "C": _UTP_STATUS, "O": _UTP_STATUS}
)
"""Tape → status code → size of the STATUS record. Every other code (price indications, short-sale
restriction, quotes resumed before trading) leaves the trading status as it is."""

_REASONS: Final = ("", "unknown_symbol", "price", "size")
_BAD_COLUMN: Final = (OverflowError, ValueError, msgspec.MsgspecError)


def _reason(failure: Exception) -> str:
    """Name the value that no column can hold."""
    if isinstance(failure, OverflowError):
        return "trade_id"
    return "schema" if isinstance(failure, (msgspec.MsgspecError, UnicodeDecodeError)) else "timestamp"


class AlpacaMessages:
    """The codec of one subscription.

    Args:
        source: The source that the ticks carry.
        instruments: What may be traded; anything else is an unknown symbol.
        codec: JSON or msgpack.

    Raises:
        ConfigurationError: A listing exchange that is no code of this vendor.
    """

    def __init__(self, source: Source, instruments: Sequence[Instrument], codec: Codec) -> None:
        self._source_id = source.source_id
        self._row_of = RowOf({instrument.symbol: row for row, instrument in enumerate(instruments)})
        # One row more, which -1 points at: the unknown symbol.
        ids = [instrument.instrument_id for instrument in instruments]
        self._instrument_ids = np.array([*ids, 0], np.uint32)
        self._scales = InstrumentScales(instruments)
        self._listing = np.array([*map(listing_code, instruments), 0], np.int16)
        self._nanoseconds: Callable[[Sequence[Any]], NDArray[np.int64]] = (
            rfc3339_nanoseconds if codec is Codec.JSON else msgpack_nanoseconds
        )
        self._wire = wire(codec)
        self._conditions = ConditionCodes(self._wire.letters)

    def parse(self, messages: Sequence[RawMessage], error: Callable[[int, str], FeedError]) -> Batch:
        """Turn raw messages into ticks.

        Args:
            messages: As received, in order.
            error: Gives the FeedError for a vendor's code and text.

        Returns:
            Ticks, refusals, notices and the count of every message's end.
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
        result = _Result(messages, lengths, self._wire.parts)
        ts_recv = np.repeat(np.array([message.ts_recv_ns for message in messages], np.int64), lengths)
        start = 0
        for kind, run in _runs(decoded):
            stop = start + len(run)
            received = ts_recv[start:stop]
            if kind is Trade:
                self._trades(run, received, start, result)
            elif kind is Error:
                result.notices += [error(item.code, item.msg) for item in run]
                result.outcomes[Outcome.CONTROL] += len(run)
            elif kind is Reject:
                result.rejects += run
            elif kind is Outcome:
                result.outcomes.update(run)
            elif kind in (Success, Subscription):
                result.outcomes[Outcome.CONTROL] += len(run)
            else:
                for position, item in enumerate(run):
                    self._rare(item, received[position : position + 1], start + position, result)
            start = stop
        result.notices += self._scales.take()
        return result.batch()

    def _salvage(self, payload: bytes) -> list[Any]:
        """Decode a message list item by item, because as a whole it does not fit."""
        try:
            parts = self._wire.parts(payload)
        except UNDECODABLE:
            return [Reject("malformed", payload[:MAX_REJECT_BYTES])]
        return [self._salvage_one(part) for part in parts]

    def _salvage_one(self, part: msgspec.Raw) -> Any:
        try:
            return self._wire.item(part)
        except UNDECODABLE:
            pass
        try:
            tag = self._wire.tag(part).T
        except UNDECODABLE:
            tag = "t"  # no type at all: a message that breaks the schema
        if tag in IGNORED_TYPES:
            return Outcome.IGNORED
        if tag not in KNOWN_TYPES:
            return Outcome.UNKNOWN
        return Reject("schema", bytes(part)[:MAX_REJECT_BYTES])

    def _trades(
        self, run: Sequence[Trade[Any]], ts_recv: NDArray[np.int64], start: int, result: _Result
    ) -> None:
        """Turn a run of trades into ticks; halve it around a value that no column can hold."""
        try:
            ticks, venues, problem, unknown = self._columns(run, ts_recv)
        except _BAD_COLUMN as failure:
            if len(run) == 1:
                result.refuse(start, _reason(failure))
                return
            middle = len(run) // 2
            self._trades(run[:middle], ts_recv[:middle], start, result)
            self._trades(run[middle:], ts_recv[middle:], start + middle, result)
            return
        result.unknown_conditions += unknown
        for row in np.flatnonzero(problem).tolist():
            result.refuse(start + row, _REASONS[problem[row]])
        fine = problem == 0
        if not fine.all():
            ticks, venues = take(ticks, fine), venues[fine]
        result.accept(ticks, venues, len(ticks))

    def _columns(
        self, run: Sequence[Trade[Any]], ts_recv: NDArray[np.int64]
    ) -> tuple[NDArray[np.void], NDArray[np.uint8], NDArray[np.uint8], int]:
        """Give ticks, venues, the problem of each row (0 none), and how many have unknown letters."""
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
        problem[bad_size] = 3
        problem[bad_price] = 2
        problem[rows < 0] = 1
        return ticks, venues, problem, int((codes >> 16).sum())

    def _rare(self, item: Any, ts_recv: NDArray[np.int64], position: int, result: _Result) -> None:
        """Turn a correction, a cancel or a status into ticks."""
        if isinstance(item, Status):
            self._status(item, ts_recv, position, result)
            return
        if isinstance(item, Cancel):
            kinds = [TickKind.CANCEL]
            run = [Trade(i=item.i, S=item.S, x=item.x, p=item.p, s=item.s, t=item.t, z=item.z)]
        else:
            kinds = [TickKind.CANCEL, TickKind.CORRECTION]
            same = {"S": item.S, "x": item.x, "t": item.t, "z": item.z}
            run = [
                Trade(i=item.oi, p=item.op, s=item.os, c=item.oc, **same),
                Trade(i=item.ci, p=item.cp, s=item.cs, c=item.cc, **same),
            ]
        try:
            ticks, venues, problem, unknown = self._columns(run, np.repeat(ts_recv, len(run)))
        except _BAD_COLUMN as failure:
            result.refuse(position, _reason(failure))
            return
        if problem.any():
            result.refuse(position, _REASONS[problem.max()])
            return
        ticks["kind"] = kinds
        result.unknown_conditions += unknown
        result.accept(ticks, venues, 1)

    def _status(self, item: Status[Any], ts_recv: NDArray[np.int64], position: int, result: _Result) -> None:
        size = STATUS_SIZES.get(item.z, {}).get(item.sc)
        row = self._row_of[item.S]
        if row < 0:
            result.refuse(position, "unknown_symbol")
            return
        if size is None:
            result.outcomes[Outcome.IGNORED] += 1
            return
        ticks = np.zeros(1, TICK)
        try:
            ticks["ts_event"] = self._nanoseconds([item.t])
        except ValueError:
            result.refuse(position, "timestamp")
            return
        ticks["ts_recv"] = ts_recv
        ticks["size"] = size
        ticks["instrument_id"] = self._instrument_ids[row]
        ticks["kind"] = TickKind.STATUS
        ticks["source"] = self._source_id
        result.accept(ticks, np.zeros(1, np.uint8), 1)


class _Result:
    """A batch while it is being made."""

    def __init__(
        self,
        messages: Sequence[RawMessage],
        lengths: Sequence[int],
        decode_parts: Callable[[bytes], list[msgspec.Raw]],
    ) -> None:
        self._messages = messages
        self._ends = np.cumsum(lengths) if lengths else np.empty(0, np.int64)
        self._decode_parts = decode_parts
        self._ticks: list[NDArray[np.void]] = []
        self._venues: list[NDArray[np.uint8]] = []
        self.rejects: list[Reject] = []
        self.notices: list[FeedError] = []
        self.outcomes: Counter[Outcome] = Counter()
        self.unknown_conditions = 0

    def accept(self, ticks: NDArray[np.void], venues: NDArray[np.uint8], messages: int) -> None:
        self._ticks.append(ticks)
        self._venues.append(venues)
        self.outcomes[Outcome.ACCEPTED] += messages

    def refuse(self, position: int, reason: str) -> None:
        """Refuse the message at a position of the flattened batch, with its own bytes."""
        index = int(np.searchsorted(self._ends, position, side="right"))
        first = int(self._ends[index - 1]) if index else 0
        part = self._decode_parts(self._messages[index].payload)[position - first]
        self.rejects.append(Reject(reason, bytes(part)[:MAX_REJECT_BYTES]))

    def batch(self) -> Batch:
        self.outcomes[Outcome.REJECTED] = len(self.rejects)
        return Batch(
            ticks=join(self._ticks),
            venues=np.concatenate([np.empty(0, np.uint8), *self._venues]),
            rejects=tuple(self.rejects),
            notices=tuple(self.notices),
            outcomes=MappingProxyType(dict(self.outcomes)),
            unknown_conditions=self.unknown_conditions,
        )


def _runs(decoded: list[Any]) -> list[tuple[type, list[Any]]]:
    """Split into runs of one type, in order; nearly always there is one."""
    if set(map(type, decoded)) == {Trade}:
        return [(Trade, decoded)]
    return [(kind, list(run)) for kind, run in groupby(decoded, key=type)]
