"""core.partition.ticks: one record at a time through the kernel, against the rules written for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from core.model.records import NANOSECONDS_PER_SECOND as SECOND
from core.model.records import NO_INSTRUMENT, TICK, TickKind, Update
from core.partition.state import NEVER, InstrumentState, allocate_instruments
from core.partition.ticks import Note, apply_ticks, unpack
from tests.support.open_seconds import open_second

OPEN, CLOSE, NEXT_OPEN = 1_000 * SECOND, 2_000 * SECOND, 5_000 * SECOND
ALL = int(Update.ALL)


@dataclass
class Bench:
    """Two instruments of source row 0, a third of source row 1; session from 1,000 s to 2,000 s."""

    notes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(16, np.int64))
    next_ends: NDArray[np.int64] = field(default_factory=lambda: np.full(2, NEVER))

    def __post_init__(self) -> None:
        self.state: InstrumentState = allocate_instruments(3, 2, 8)
        instruments = self.state.instruments
        instruments["source"] = [0, 0, 1]
        instruments["session"], instruments["final_session"] = 50, 49
        instruments["session_open_ns"], instruments["session_close_ns"] = OPEN, CLOSE
        instruments["next_open_ns"] = NEXT_OPEN
        source = self.state.sources[0]
        source["lateness_ns"], source["max_lead_ns"] = SECOND, 5 * SECOND
        source["max_age_ns"] = 500 * SECOND
        source["mark_ns"], source["closed_second"] = 1_010 * SECOND, 1_009
        self.row_of_id = np.array([-1, 0, 1, 2], np.int32)

    @property
    def instrument(self) -> np.void:
        found: np.void = self.state.instruments[0]
        return found

    def apply(self, ticks: NDArray[np.void], start: int = 0) -> tuple[int, list[tuple[int, Note]], bool]:
        view = np.frombuffer(ticks.tobytes(), TICK)
        packed = apply_ticks(
            view,
            start,
            0,
            self.state.sources,
            self.row_of_id,
            self.state.instruments,
            self.state.seconds,
            self.state.second_prices,
            self.next_ends,
            False,
            self.notes,
        )
        position, filled, boundary = unpack(packed)
        notes = [(int(n) & 0xFFFF_FFFF, Note(int(n) >> 32)) for n in self.notes[:filled]]
        return position, notes, boundary

    def slot(self, second: int, row: int = 0) -> np.void:
        return open_second(self.state, row, second)


def tick(
    at_s: float,
    price: float = 10.0,
    *,
    size: float = 1.0,
    instrument: int = 1,
    update: int = ALL,
    kind: TickKind = TickKind.TRADE,
) -> NDArray[np.void]:
    record = np.zeros(1, TICK)
    record["ts_event"] = round(at_s * SECOND)
    record["price"], record["size"] = round(price * 1e9), round(size * 1e9)
    record["instrument_id"], record["update"], record["kind"] = instrument, update, kind
    return record


def ticks(*parts: NDArray[np.void]) -> NDArray[np.void]:
    return np.concatenate(parts)


def mark(at_s: float) -> NDArray[np.void]:
    return tick(at_s, instrument=NO_INSTRUMENT, kind=TickKind.CLOCK)


def test_trades_fill_their_second_by_event_time() -> None:
    bench = Bench()
    late_arrival = ticks(tick(1_011.5, 12, size=3), tick(1_011.2, 9, size=4), tick(1_011.8, 11))
    assert bench.apply(late_arrival) == (3, [], False)
    slot = bench.slot(1_011)
    assert [slot[name] / 1e9 for name in ("open", "high", "low", "close", "volume")] == [9, 12, 9, 11, 8]
    assert (slot["second"], slot["trades"], slot["last_trades"]) == (1_011, 3, 3)
    assert bench.state.sources[0]["count_trades"] == 3


def test_of_two_trades_at_one_instant_the_later_in_the_log_is_the_last() -> None:
    bench = Bench()
    bench.apply(ticks(tick(1_011.5, 12), tick(1_011.5, 13)))
    assert (bench.slot(1_011)["open"], bench.slot(1_011)["close"]) == (12 * 10**9, 13 * 10**9)


def test_a_slot_is_emptied_when_its_next_second_comes() -> None:
    bench = Bench()
    bench.apply(tick(1_010.5, 12, size=9))
    bench.state.sources[0]["mark_ns"] = 1_018 * SECOND
    bench.apply(tick(1_018.5, 7))
    slot = bench.slot(1_018)
    assert (slot["second"], slot["open"], slot["volume"], slot["trades"]) == (1_018, 7 * 10**9, 10**9, 1)


@pytest.mark.parametrize(
    ("record", "note"),
    [
        (tick(1_011, instrument=0), Note.UNKNOWN_INSTRUMENT),
        (tick(1_011, instrument=77), Note.UNKNOWN_INSTRUMENT),
        (tick(1_011, instrument=NO_INSTRUMENT), Note.UNKNOWN_INSTRUMENT),
        (tick(1_011, instrument=3), Note.WRONG_SOURCE),
        (tick(1_011, price=0), Note.PRICE),
        (tick(1_011, price=-1), Note.PRICE),
        (tick(1_011, size=-1), Note.SIZE),
        (tick(1_015.000000001), Note.FUTURE),
        (tick(509.999999999), Note.TOO_OLD),
        (mark(1_009.999999999), Note.MARK_BACKWARDS),
        (tick(1_011, kind=TickKind.BASELINE), Note.CONTROL),
        (tick(1_011, kind=TickKind.ADJUSTMENT), Note.CONTROL),
        (tick(1_011, kind=TickKind.SETTINGS), Note.CONTROL),
        (tick(1_011, kind=TickKind.SOURCE_CLOSED), Note.CONTROL),
        (tick(1_011, kind=TickKind.STATUS, instrument=0), Note.UNKNOWN_INSTRUMENT),
        (tick(1_011, kind=TickKind.STATUS, instrument=3), Note.WRONG_SOURCE),
    ],
)
def test_what_cannot_be_applied_is_handed_back(record: NDArray[np.void], note: Note) -> None:
    bench = Bench()
    before = bench.state.instruments.tobytes(), bench.state.seconds.tobytes()
    assert bench.apply(record) == (1, [(0, note)], False)
    assert (bench.state.instruments.tobytes(), bench.state.seconds.tobytes()) == before


def test_an_unknown_kind_is_handed_back() -> None:
    record = tick(1_011)
    record["kind"] = 11
    assert Bench().apply(record) == (1, [(0, Note.KIND)], False)


def test_without_a_mark_a_trade_has_no_place() -> None:
    bench = Bench()
    bench.state.sources[0]["mark_ns"] = -(2**62)
    assert bench.apply(tick(1_011))[1] == [(0, Note.NO_MARK)]


@pytest.mark.parametrize("at_s", [1_015.0, 510.0])
def test_the_bounds_of_lead_and_age_are_inside(at_s: float) -> None:
    assert Bench().apply(tick(at_s))[1] == []


def test_a_mark_that_closes_a_second_stops_the_run() -> None:
    bench = Bench()
    log = ticks(tick(1_010.1), mark(1_010.5), tick(1_010.6), mark(1_011), tick(1_011.1))
    assert bench.apply(log) == (4, [], True)  # up to and with the mark that closes second 1,009
    assert bench.state.sources[0]["mark_ns"] == 1_011 * SECOND
    assert bench.apply(log, 4) == (5, [], False)


def test_a_control_record_stops_the_run() -> None:
    bench = Bench()
    log = ticks(tick(1_010.1), tick(0, kind=TickKind.BASELINE), tick(1_010.2))
    assert bench.apply(log) == (2, [(1, Note.CONTROL)], False)
    assert bench.apply(log, 2) == (3, [], False)


def test_a_full_note_buffer_ends_the_call_and_loses_nothing() -> None:
    bench = Bench(notes=np.zeros(2, np.int64))
    log = ticks(*(tick(1_011, price=-1) for _ in range(5)))
    positions = []
    start = 0
    while start < len(log):
        start, notes, _ = bench.apply(log, start)
        positions += [position for position, _ in notes]
    assert positions == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("update", "last", "extremes", "volume"),
    [
        (Update.ALL, True, True, True),
        (Update.ALL ^ Update.VOLUME, True, True, False),
        (Update.VOLUME | Update.REGULAR, False, False, True),
        (Update.LAST | Update.REGULAR, True, False, False),
        (Update.REGULAR, False, False, False),
    ],
)
def test_a_trade_updates_what_its_flags_say(update: Update, last: bool, extremes: bool, volume: bool) -> None:
    bench = Bench()
    bench.apply(tick(1_011, update=int(update)))
    slot = bench.slot(1_011)
    assert (slot["close"] > 0, slot["high"] > 0, slot["volume"] > 0) == (last, extremes, volume)
    assert slot["trades"] == 1


def test_extremes_without_a_last_price_stretch_the_day_alone() -> None:
    bench = Bench()
    stretching = int(Update.HIGH_LOW | Update.VOLUME | Update.REGULAR)
    bench.apply(ticks(tick(1_011, 8, update=stretching), tick(1_011, 15, update=stretching)))
    assert (bench.instrument["day_high"], bench.instrument["day_low"]) == (15 * 10**9, 8 * 10**9)
    assert bench.slot(1_011)["high"] == 0


def test_a_late_tick_adds_its_volume_to_the_day() -> None:
    bench = Bench()
    bench.apply(ticks(tick(1_005, size=7), tick(1_005, size=5, update=int(Update.LAST | Update.REGULAR))))
    assert (bench.instrument["late_ticks"], bench.instrument["day_volume"]) == (2, 7 * 10**9)
    assert bench.state.sources[0]["count_late"] == 2


@pytest.mark.parametrize(("at_s", "counted"), [(999.9, 0), (2_000.0, 7)])
def test_outside_the_session_only_volume_after_the_close_counts(at_s: float, counted: int) -> None:
    bench = Bench()
    bench.state.sources[0]["mark_ns"] = round(at_s * SECOND)
    bench.apply(tick(at_s, size=7))
    assert bench.instrument["day_volume"] == counted * 10**9
    assert bench.instrument["outside_ticks"] == 1


def test_a_form_t_trade_in_the_session_moves_nothing() -> None:
    bench = Bench()
    bench.apply(tick(1_011, size=7, update=int(Update.VOLUME)))
    assert (bench.instrument["outside_ticks"], bench.instrument["day_volume"]) == (1, 0)
    assert bench.slot(1_011)["second"] != 1_011


class TestOfficialPrints:
    OFFICIAL = int(Update.ALL | Update.OFFICIAL)

    def test_in_the_first_half_it_is_the_open_and_the_first_one_stands(self) -> None:
        bench = Bench()
        bench.apply(ticks(tick(1_011, 20, update=self.OFFICIAL), tick(1_012, 21, update=self.OFFICIAL)))
        assert (bench.instrument["official_open"], bench.instrument["official_close"]) == (20 * 10**9, 0)

    def test_before_the_session_it_is_nothing(self) -> None:
        bench = Bench()
        bench.apply(tick(990, 20, update=self.OFFICIAL))
        assert bench.instrument["official_open"] == 0

    def at_the_close(self) -> Bench:
        bench = Bench()
        bench.state.sources[0]["mark_ns"], bench.state.sources[0]["closed_second"] = 2_001 * SECOND, 2_000
        return bench

    def test_after_the_close_it_is_the_close_and_the_first_one_stands(self) -> None:
        bench = self.at_the_close()
        bench.apply(ticks(tick(2_001, 30, update=self.OFFICIAL), tick(2_002, 31, update=self.OFFICIAL)))
        assert bench.instrument["official_close"] == 30 * 10**9
        assert bench.instrument["official_ts"] == 2_001 * SECOND

    def test_a_correction_takes_its_place(self) -> None:
        bench = self.at_the_close()
        bench.apply(tick(2_001, 30, update=self.OFFICIAL))
        bench.apply(tick(2_002, 31, update=self.OFFICIAL, kind=TickKind.CORRECTION))
        assert bench.instrument["official_close"] == 31 * 10**9

    def test_a_cancel_takes_it_back(self) -> None:
        bench = self.at_the_close()
        bench.apply(tick(2_001, 30, update=self.OFFICIAL))
        bench.apply(tick(2_001, 30, update=self.OFFICIAL, kind=TickKind.CANCEL))
        assert (bench.instrument["official_close"], bench.instrument["official_ts"]) == (0, 0)
        assert bench.instrument["cancelled_ticks"] == 1

    def test_once_the_day_is_final_only_a_correction_is_a_revision(self) -> None:
        bench = self.at_the_close()
        bench.instrument["final_session"] = 50
        again = tick(2_001, 31, update=self.OFFICIAL)
        correction = tick(2_001, 31, update=self.OFFICIAL, kind=TickKind.CORRECTION)
        assert bench.apply(again)[1] == []
        assert bench.apply(correction)[1] == [(0, Note.REVISION)]
        assert bench.instrument["official_close"] == 0


def test_a_gap_covers_the_source_until_each_instrument_trades() -> None:
    bench = Bench()
    bench.apply(tick(1_011, instrument=NO_INSTRUMENT, kind=TickKind.GAP))
    assert bench.state.instruments["gap"].tolist() == [1, 1, 0]
    bench.apply(tick(1_011, instrument=2))
    assert bench.state.instruments["gap"].tolist() == [1, 0, 0]
    assert bench.state.instruments["day_gap"].tolist() == [1, 1, 0]


def test_a_status_halts_and_resumes() -> None:
    bench = Bench()
    bench.apply(tick(1_011, kind=TickKind.STATUS, size=1))
    assert bench.instrument["halted"] == 1
    bench.apply(tick(1_012, kind=TickKind.STATUS, size=0))
    assert bench.instrument["halted"] == 0
    assert bench.state.sources[0]["count_statuses"] == 2


def test_every_reason_is_a_label() -> None:
    assert {note.reason for note in Note} == {note.name.lower() for note in Note}
