"""Faults of a producer. The stand-by is whoever starts next; the vendor's stream does not wait for it."""

from __future__ import annotations

import signal
from typing import Final

from tests.chaos.arena import Arena, wait_until
from tests.chaos.control import Point
from tests.chaos.faults.base import Fault


def _killed_in_fan_out(arena: Arena) -> None:
    live = arena.live
    producer, epoch = live.producers[-1], live.newest_epoch
    producer.control.hold_at(Point.FANNING_OUT)
    arena.broken()
    producer.process.kill()
    live.start_producer()
    live.wait_for_epoch_after(epoch)


def _frozen_in_fan_out(arena: Arena) -> None:
    """The old one wakes when its stand-by has long been writing, and sends what it still had."""
    live = arena.live
    producer, epoch = live.producers[-1], live.newest_epoch
    producer.control.hold_at(Point.FANNING_OUT)
    arena.broken()
    producer.process.send_signal(signal.SIGSTOP)
    producer.cut_off()
    live.start_producer()
    live.wait_for_epoch_after(epoch)
    before = live.frames_of_old_epochs
    producer.process.send_signal(signal.SIGCONT)
    producer.control.let_go(Point.FANNING_OUT)
    wait_until(lambda: live.frames_of_old_epochs > before, "the old producer sends what it still had")
    producer.terminate()
    producer.wait()


FAULTS: Final = (
    Fault(
        "producer-killed-in-fan-out",
        "kill -9 of the producer between two partitions of one second; its stand-by takes over",
        _killed_in_fan_out,
        live=True,
    ),
    Fault(
        "producer-frozen-in-fan-out",
        "the producer stands still there, its stand-by takes over, the old one wakes and sends on",
        _frozen_in_fan_out,
        live=True,
    ),
)
